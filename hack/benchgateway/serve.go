// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// fixed is what the backend answers to GET.
var fixed = []byte(`{"id":1,"items":[{"sku":"a","n":1},{"sku":"b","n":2}],"total":"12.50","currency":"EUR","ok":true}` + "\n")

// serveBackend echoes bodies, and answers GET with a fixed one.
func serveBackend(address string) error {
	return listen(address, "", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(fixed) // the client may have gone
		case "/echo":
			body, err := io.ReadAll(r.Body) // net/http takes what is left of it when it answers
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			_, _ = w.Write(body)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
}

type buffers struct{ sync.Pool }

func (b *buffers) Get() []byte  { return b.Pool.Get().([]byte) } //nolint:errcheck,forcetypeassert // New makes nothing else
func (b *buffers) Put(p []byte) { b.Pool.Put(p) }                //nolint:staticcheck // as httputil wants it

// serveReverse forwards by the standard library, with pooled buffers and connections.
func serveReverse(address, backend, folder, keys string) error {
	to := &url.URL{Scheme: "http", Host: backend}
	var handler http.Handler = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.SetXForwarded()
		},
		BufferPool: &buffers{sync.Pool{New: func() any { return make([]byte, 32<<10) }}},
		Transport:  &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true},
	}
	if keys != "" {
		text, err := os.ReadFile(keys)
		if err != nil {
			return err
		}
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(text, &set); err != nil {
			return err
		}
		handler = verified(&set, handler)
	}
	return listen(address, folder, handler)
}

// verified lets in who has a token, as somebody would write it with go-jose.
func verified(set *jose.JSONWebKeySet, next http.Handler) http.Handler {
	allowed := []jose.SignatureAlgorithm{jose.RS256, jose.ES256}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		var claims struct {
			jwt.Claims
			Scope string `json:"scope"`
		}
		token, err := jwt.ParseSigned(text, allowed)
		if err == nil {
			err = token.Claims(set, &claims)
		}
		if err == nil {
			err = claims.Validate(jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{audience}})
		}
		if err != nil || !slices.Contains(strings.Fields(claims.Scope), scope) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func listen(address, folder string, h http.Handler) error {
	s := &http.Server{Addr: address, Handler: h, ReadHeaderTimeout: 10 * time.Second}
	if folder == "" {
		return s.ListenAndServe()
	}
	return s.ListenAndServeTLS(filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"))
}

// free finds an address that nobody listens at.
func free(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func listens(ctx context.Context, address string) bool {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// certificate makes a key and a certificate of its own.
func certificate(folder string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	cert, private := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	for name, text := range map[string][]byte{"cert.pem": cert, "key.pem": private, "both.pem": append(bytes.Clone(cert), private...)} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
