// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/bcrypt"
)

// block is the first block of a kind below a heading of the page.
func block(t *testing.T, heading, kind string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/gateway.md")
	if err != nil {
		t.Fatal(err)
	}
	_, below, found := strings.Cut(string(page), "\n## "+heading+"\n")
	_, text, has := strings.Cut(below, "\n```"+kind+"\n")
	text, _, ends := strings.Cut(text, "```\n")
	if !found || !has || !ends {
		t.Fatalf("there is no %q block below %q", kind, heading)
	}
	return text
}

// unheard is an address that nobody listened on a moment ago.
func unheard(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// served runs the program with a configuration of the page until the test ends.
func served(t *testing.T, dir, text string) {
	t.Helper()
	file, log := filepath.Join(dir, "gateway.yaml"), &lines{}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"--config", file, "--drain", "100ms"}, log, log) }()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d: %s", code, log)
		}
	})
	eventuallyLogged(t, log, `"msg":"listening"`, strings.Count(text, "address:"))
}

// knock makes a request, and returns the status and the header of the answer.
func knock(t *testing.T, method, url, host string, lines ...string) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} // the page says that no client trusts it
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close() // it is not read
	return res.StatusCode, res.Header
}

func TestTheFirstConfigurationOfThePageIsServed(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Asked", r.URL.Path) }))
	t.Cleanup(backend.Close)
	web, secure := unheard(t), unheard(t)
	_, port, err := net.SplitHostPort(secure)
	if err != nil {
		t.Fatal(err)
	}
	served(t, t.TempDir(), strings.NewReplacer("127.0.0.1:8080", web, "127.0.0.1:8443", secure, "redirectToHTTPS: 8443", "redirectToHTTPS: "+port,
		"127.0.0.1:9000", backend.Listener.Addr().String(), "127.0.0.1:9001", backend.Listener.Addr().String()).Replace(block(t, "A configuration", "yaml")))
	for _, tc := range []struct {
		url, host       string
		status          int
		location, asked string
	}{
		{"http://" + web + "/orders?a", "shop.example.com", 301, "https://shop.example.com:" + port + "/orders?a", ""},
		{"https://" + secure + "/orders/1", "shop.example.com", 200, "", "/orders/1"},
		{"https://" + secure + "/old", "shop.example.com", 301, "https://shop.example.com/orders", ""},
		{"https://" + secure + "/", "shop.example.com", 404, "", ""},
		{"https://" + secure + "/orders", "else.example.com", 404, "", ""},
	} {
		status, h := knock(t, http.MethodGet, tc.url, tc.host)
		if status != tc.status || h.Get("Location") != tc.location || h.Get("X-Asked") != tc.asked {
			t.Errorf("%s of %s: got %d %v, want %+v", tc.url, tc.host, status, h, tc)
		}
	}
}

// credentials makes keys.txt and users.htpasswd by the lines of the page, and returns the
// key. What there is no program for is made here.
func credentials(t *testing.T, dir string) (key string) {
	t.Helper()
	made := strings.Split(strings.TrimSpace(block(t, "Access", "sh")), "\n")
	if len(made) != 3 {
		t.Fatalf("the page has other lines: %q", made)
	}
	shell := func(script string, programs ...string) (string, bool) {
		for _, p := range programs {
			if _, err := exec.LookPath(p); err != nil {
				t.Logf("there is no %s: what the page does with it is not run", p)
				return "", false
			}
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader("hush\n")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		return strings.TrimSpace(string(out)), true
	}
	put := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key, ran := shell(made[0]+"\n"+made[1]+"\nprintf %s \"$key\"", "openssl", "sha256sum")
	if !ran {
		key = "0123456789abcdef0123456789abcdef"
		put("keys.txt", fmt.Sprintf("ci:%x scope=orders.read\n", sha256.Sum256([]byte(key))))
	}
	if _, ran := shell(strings.Replace(made[2], "-nB", "-niB", 1), "htpasswd"); !ran { // which asks for the password on a terminal, or else reads it
		hash, err := bcrypt.GenerateFromPassword([]byte("hush"), 12)
		if err != nil {
			t.Fatal(err)
		}
		put("users.htpasswd", "ann:"+string(hash)+"\n")
	}
	return key
}

func TestTheAccessOfThePageIsServed(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"X-User", "X-Tenant", "X-Verified", "X-Api-Key", "Authorization"} {
			w.Header().Set("Got-"+name, r.Header.Get(name))
		}
	}))
	t.Cleanup(backend.Close)
	authz := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Verified", r.URL.Path)
		if r.Header.Get("Cookie") == "banned=1" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(authz.Close)
	dir, web := t.TempDir(), unheard(t)
	key := credentials(t, dir)
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: signer.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "jwks.json"), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("127.0.0.1:8080", web, "127.0.0.1:9000", backend.Listener.Addr().String(), "127.0.0.1:9100", authz.Listener.Addr().String()).Replace(block(t, "Access", "yaml"))
	inFile := regexp.MustCompile(`- \{name: idp, issuer: .*`).ReplaceAllString(text, "- {name: idp, file: jwks.json}") // whose keys are those of a test
	if inFile == text {
		t.Fatal("the page has other key sets")
	}
	served(t, dir, inFile)
	token := func(claims map[string]any) string {
		claims["iss"], claims["aud"], claims["sub"], claims["exp"] = "https://idp.example.com/", "shop", "ann", time.Now().Add(time.Hour).Unix()
		payload, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: signer, KeyID: "k"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := s.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		compact, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return "Authorization: Bearer " + compact
	}
	basic := func(word string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(word))
	}
	reader := token(map[string]any{"scope": "orders.read", "tenant": "acme"})
	for name, tc := range map[string]struct {
		method, path string
		lines        []string
		status       int
		has          string // of the header of the answer
	}{
		"nobody":                           {"GET", "/", nil, 401, "Www-Authenticate: Bearer"},
		"nobody, where there is nothing":   {"GET", "/orders/prices", nil, 401, ""},
		"a key":                            {"GET", "/", []string{"X-API-Key: " + key}, 200, "Got-X-User: ci"},
		"a wrong key":                      {"GET", "/", []string{"X-API-Key: x"}, 401, ""},
		"a user":                           {"GET", "/", []string{basic("ann:hush")}, 200, "Got-X-User: ann"},
		"a wrong password":                 {"GET", "/", []string{basic("ann:loud")}, 401, ""},
		"a token":                          {"GET", "/", []string{token(map[string]any{"tenant": "beta"})}, 200, "Got-X-Tenant: beta"},
		"prices, with a key for the floor": {"GET", "/orders/prices", []string{"X-API-Key: " + key}, 200, "Got-X-Verified: /verify"},
		"orders, with a key for the floor": {"GET", "/orders/1", []string{"X-API-Key: " + key}, 403, ""},
		"orders, with a scope":             {"GET", "/orders/1", []string{reader}, 200, "Got-X-Verified: /verify"},
		"orders, without a scope":          {"GET", "/orders/1", []string{token(map[string]any{"tenant": "acme"})}, 403, `insufficient_scope`},
		"orders of another tenant":         {"GET", "/orders/1", []string{token(map[string]any{"scope": "orders.read", "tenant": "else"})}, 403, ""},
		"orders to write":                  {"POST", "/orders/1", []string{reader}, 403, ""},
		"whom the service bans":            {"GET", "/orders/1", []string{reader, "Cookie: banned=1"}, 403, ""},
	} {
		status, h := knock(t, tc.method, "http://"+web+tc.path, "shop.example.com", tc.lines...)
		var all strings.Builder
		_ = h.Write(&all) // to memory
		if status != tc.status || !strings.Contains(all.String(), tc.has) || h.Get("Got-X-Api-Key")+h.Get("Got-Authorization") != "" {
			t.Errorf("%s: got %d, want %d and %q in\n%s", name, status, tc.status, tc.has, &all)
		}
	}
}
