// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// status is what the first fetch of a set came to.
func status(tb testing.TB, o Options) Status {
	tb.Helper()
	told := make(chan Status, 16)
	o.Notify = func(s Status) {
		select {
		case told <- s:
		default: // later ones are of no interest
		}
	}
	mustOpen(tb, o)
	return <-told
}

func TestAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	good := document(key)
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		_, _ = w.Write([]byte(good))
	}))
	t.Cleanup(other.Close)
	answer := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		want    string // in the fault, "" for none
	}{
		"good":                  {answer(http.StatusOK, good), ""},
		"not found":             {answer(http.StatusNotFound, good), "the answer is 404"},
		"no content":            {answer(http.StatusNoContent, ""), "the answer is 204"},
		"not modified, unasked": {answer(http.StatusNotModified, ""), errNotAsked.Error()},
		"a sign-in page":        {answer(http.StatusOK, "<html>"), "is not a JSON text"},
		"an empty set":          {answer(http.StatusOK, `{"keys":[]}`), errNoKeys.Error()},
		"larger than allowed":   {answer(http.StatusOK, good+strings.Repeat(" ", 256<<10)), errTooLarge.Error()},
		"without an end": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(strings.Repeat(" ", 4096))); err != nil {
					return
				}
			}
		}, errTooLarge.Error()},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(good))
		}, "unexpected EOF"},
		"a redirect on the same host": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/moved" {
				answer(http.StatusOK, good)(w, r)
				return
			}
			http.Redirect(w, r, "/moved", http.StatusFound)
		}, ""},
		"a redirect to another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusFound)
		}, errRedirect.Error()},
		"a redirect to itself": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, errRedirect.Error()},
		"a redirect to a file": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		}, errRedirect.Error()},
		"a redirect with a password": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://user:secret@"+r.Host+"/")
			w.WriteHeader(http.StatusFound)
		}, errRedirect.Error()},
		"compressed": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("\x1f\x8b\x08"))
		}, "is not a JSON text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := httptest.NewServer(tc.handler)
			t.Cleanup(i.Close)
			got := status(t, Options{URL: i.URL + "/keys?code=secret", Plaintext: AllowPlaintext})
			switch {
			case tc.want == "" && (got.Err != nil || got.Keys != 1):
				t.Errorf("got %+v", got)
			case tc.want != "" && (got.Err == nil || got.Keys != 0 || !strings.Contains(got.Err.Error(), tc.want)):
				t.Errorf("got %+v, want %q", got, tc.want)
			case got.Err != nil && (strings.Contains(got.Err.Error(), "secret") || strings.Contains(got.Err.Error(), "127.0.0.1")):
				t.Errorf("the fault repeats the address: %v", got.Err)
			}
		})
	}
	t.Cleanup(func() {
		if n := elsewhere.Load(); n != 0 {
			t.Errorf("another host was asked %d times", n)
		}
	})
}

// TestABadAnswerKeepsTheGoodKeys of before.
func TestABadAnswerKeepsTheGoodKeys(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	i := newIssuer(t, key)
	o := i.options()
	o.Cooldown = 1
	s := mustOpen(t, o)
	before, err := s.Find(t.Context(), "a", "ES256")
	if err != nil {
		t.Fatal(err)
	}
	for n, body := range []string{"", "<html>", `{"keys":[]}`, document(`{"kty":"oct","k":"AAAA"}`), strings.Repeat("[", 1<<18), `{"keys":[{"kty":"EC","crv":["P-256"],"x":{},"y":null}]}`} {
		i.publish(http.StatusOK, body)
		if _, err := s.Find(t.Context(), fmt.Sprint("new", n), "ES256"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%.30q: a new key: %v", body, err)
		}
		if now, err := s.Find(t.Context(), "a", "ES256"); err != nil || now[0] != before[0] || before[0].Gone() {
			t.Errorf("%.30q: the key of before: %v", body, err)
		}
	}
	i.Close()
	if _, err := s.Find(t.Context(), "gone", "ES256"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("nobody listens: %v", err)
	}
	if _, err := s.Find(t.Context(), "a", "ES256"); err != nil {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	i := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(document(key))) }))
	i.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	i.StartTLS()
	t.Cleanup(i.Close)
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate().Raw})
	if got := status(t, Options{URL: i.URL, Roots: roots}); got.Err != nil || got.Keys != 1 {
		t.Errorf("by the right authority: %+v", got)
	}
	if got := status(t, Options{URL: i.URL}); got.Err == nil || got.Keys != 0 {
		t.Errorf("by the system's authorities: %+v", got)
	}
	if got := status(t, Options{URL: strings.Replace(i.URL, "127.0.0.1", "localhost", 1), Roots: roots}); got.Err == nil || got.Keys != 0 {
		t.Errorf("by another name than the certificate's: %+v", got)
	}
	down := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://"+r.Host+"/")
		w.WriteHeader(http.StatusFound)
	})
	plain := httptest.NewTLSServer(down)
	t.Cleanup(plain.Close)
	if got := status(t, Options{URL: plain.URL, Roots: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: plain.Certificate().Raw})}); !errors.Is(got.Err, errRedirect) {
		t.Errorf("a redirect from https to http: %+v", got)
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	keys := newIssuer(t, key)
	for name, tc := range map[string]struct {
		path string // of the issuer
		doc  string // ISSUER and KEYS are replaced
		want string // in the fault, "" for none
	}{
		"in order":                       {"", `{"issuer":"ISSUER","jwks_uri":"KEYS","other":[1]}`, ""},
		"in order, with a path":          {"/realms/a", `{"issuer":"ISSUER","jwks_uri":"KEYS"}`, ""},
		"in order, with a slash":         {"/realms/a/", `{"issuer":"ISSUER","jwks_uri":"KEYS"}`, ""},
		"another issuer":                 {"", `{"issuer":"https://other.example","jwks_uri":"KEYS"}`, errIssuer.Error()},
		"another issuer by a slash":      {"", `{"issuer":"ISSUER/","jwks_uri":"KEYS"}`, errIssuer.Error()},
		"no issuer":                      {"", `{"jwks_uri":"KEYS"}`, errIssuer.Error()},
		"an issuer that is a list":       {"", `{"issuer":["ISSUER"],"jwks_uri":"KEYS"}`, errIssuer.Error()},
		"the issuer twice":               {"", `{"issuer":"ISSUER","issuer":"x","jwks_uri":"KEYS"}`, "is not a JSON text"},
		"no keys":                        {"", `{"issuer":"ISSUER"}`, errNoJWKSURI.Error()},
		"keys that are no text":          {"", `{"issuer":"ISSUER","jwks_uri":7}`, errNoJWKSURI.Error()},
		"keys in a file":                 {"", `{"issuer":"ISSUER","jwks_uri":"file:///etc/passwd"}`, "is no URL"},
		"keys by another protocol":       {"", `{"issuer":"ISSUER","jwks_uri":"ftp://idp.example/keys"}`, errPlaintext.Error()},
		"keys with a password":           {"", `{"issuer":"ISSUER","jwks_uri":"http://a:secret@idp.example/"}`, "has a user"},
		"keys at a place that is no URL": {"", `{"issuer":"ISSUER","jwks_uri":"http://%zz/"}`, "is no URL"},
		"keys at a relative place":       {"", `{"issuer":"ISSUER","jwks_uri":"/keys"}`, "is no URL"},
		"not JSON":                       {"", `<html>`, "is not a JSON text"},
		"not an object":                  {"", `["ISSUER"]`, "is not an object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			mux := http.NewServeMux()
			i := httptest.NewServer(mux)
			t.Cleanup(i.Close)
			issuer := i.URL + tc.path
			mux.HandleFunc(strings.TrimSuffix(tc.path, "/")+"/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				_, _ = w.Write([]byte(strings.NewReplacer("ISSUER", issuer, "KEYS", keys.URL+"/keys").Replace(tc.doc)))
			})
			got := status(t, Options{Issuer: issuer, Plaintext: AllowPlaintext})
			if asked.Load() != 1 {
				t.Errorf("the document was asked for %d times", asked.Load())
			}
			switch {
			case tc.want == "" && (got.Err != nil || got.Keys != 1):
				t.Errorf("got %+v", got)
			case tc.want != "" && (got.Err == nil || got.Keys != 0 || !strings.Contains(got.Err.Error(), tc.want)):
				t.Errorf("got %+v, want %q", got, tc.want)
			}
		})
	}
	// A document that came by TLS may not send to where anybody can listen.
	mux := http.NewServeMux()
	secure := httptest.NewTLSServer(mux)
	t.Cleanup(secure.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, secure.URL, keys.URL)
	})
	got := status(t, Options{Issuer: secure.URL, Roots: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})})
	if !errors.Is(got.Err, errPlaintext) {
		t.Errorf("keys by http://: %+v", got)
	}
}

// TestADiscoveryDocumentHolds for an hour, or until the keys are not where it says.
func TestADiscoveryDocumentHolds(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	_, other := newKey(t, "b")
	var place atomic.Pointer[string]
	var discoveries atomic.Int64
	mux := http.NewServeMux()
	i := httptest.NewServer(mux)
	t.Cleanup(i.Close)
	moved := func(to string) { place.Store(&to) }
	moved("/one")
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		discoveries.Add(1)
		_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+*place.Load())
	})
	mux.HandleFunc("/one", func(w http.ResponseWriter, _ *http.Request) {
		if *place.Load() != "/one" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(document(key)))
	})
	mux.HandleFunc("/two", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(document(key, other))) })
	s := mustOpen(t, Options{Issuer: i.URL, Plaintext: AllowPlaintext, Cooldown: 1})
	if _, err := s.Find(t.Context(), "a", "ES256"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(t.Context(), "x", "ES256"); !errors.Is(err, ErrUnknown) || discoveries.Load() != 1 {
		t.Errorf("%v, %d discoveries", err, discoveries.Load())
	}
	moved("/two")
	if _, err := s.Find(t.Context(), "b", "ES256"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("where the keys were: %v", err)
	}
	if _, err := s.Find(t.Context(), "b", "ES256"); err != nil || discoveries.Load() != 2 {
		t.Errorf("where the keys are: %v, %d discoveries", err, discoveries.Load())
	}
}
