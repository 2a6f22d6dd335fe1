// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// newKey makes a key and its JWK of a name.
func newKey(tb testing.TB, kid string) (*ecdsa.PrivateKey, string) {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	point, err := k.PublicKey.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	return k, fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":%q,"x":%q,"y":%q}`, kid, b64(point[1:33]), b64(point[33:]))
}

func document(list ...string) string { return `{"keys":[` + strings.Join(list, ",") + `]}` }

// issuer is a real HTTP server that publishes keys.
type issuer struct {
	*httptest.Server
	mu       sync.Mutex
	body     string
	header   http.Header
	status   int
	requests []*http.Request
	hold     chan struct{} // answers wait until it is closed
}

// newIssuer publishes keys at /keys.
func newIssuer(tb testing.TB, list ...string) *issuer {
	tb.Helper()
	i := &issuer{body: document(list...), header: http.Header{}, status: http.StatusOK}
	i.Server = httptest.NewServer(i)
	tb.Cleanup(i.Close)
	return i
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.requests = append(i.requests, r)
	body, status, hold := i.body, i.status, i.hold
	maps.Copy(w.Header(), i.header)
	i.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if tag := w.Header().Get("ETag"); tag != "" && r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// publish replaces what there is.
func (i *issuer) publish(status int, body string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.body = status, body
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.requests)
}

// options fetch from it.
func (i *issuer) options() Options { return Options{URL: i.URL + "/keys", Plaintext: AllowPlaintext} }

func mustOpen(tb testing.TB, o Options) *Set {
	tb.Helper()
	s, err := Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}
