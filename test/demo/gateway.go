// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const issuer = "https://idp.example.com/"

// door is the configuration that the scene shows: the page of documentation about
// access policies and limits, in short.
const door = `listeners:
- name: web
  address: 127.0.0.1:%[1]d
  protocol: HTTPS                # a self-signed certificate, since none is named
  access: [staff]                # a floor: no route can lower it
routes:
- {name: orders, matches: [{path: {prefix: /orders}}], backends: [{name: shop}], traffic: [few]}
backends:
- {name: shop, endpoints: ["%[3]s"]}
keySets:
- {name: idp, file: idp.json}
accessPolicies:
- name: staff
  authentication:
    anyOf:
    - {name: idp, jwt: {issuer: "https://idp.example.com/", audiences: [shop], keySet: idp, algorithms: [ES256]}}
  authorization:
    rules:
    - {name: read, allow: {methods: [GET], paths: ["/orders/**"], scopes: [orders.read]}}
  forward: {claimsToHeaders: {sub: X-User}}
trafficPolicies:
- name: few
  rateLimits:
  - {name: user, key: [principal], limit: {requests: 2, per: 1m}}
telemetry: {metrics: "127.0.0.1:%[2]d", decisions: {to: decisions.jsonl}}
`

// gateway puts the door in front of a sample application and knocks.
func (d *demo) gateway() error {
	d.title("The gateway in front of an application that checks nothing itself")
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "the orders of %s\n", r.Header.Get("X-User")) //nolint:gosec // no browser reads it
	}))
	defer shop.Close()
	port, metrics, err := twoPorts(d.ctx)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		return err
	}
	configuration := fmt.Sprintf(door, port, metrics, strings.TrimPrefix(shop.URL, "http://"))
	configuration = strings.Replace(configuration, "to: decisions.jsonl", "to: "+filepath.Join(d.dir, "decisions.jsonl"), 1)
	file := filepath.Join(d.dir, "gateway.yaml")
	for name, content := range map[string][]byte{file: []byte(configuration), filepath.Join(d.dir, "idp.json"): keys} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return err
		}
	}
	_, shown, _ := strings.Cut(configuration, "accessPolicies:")
	shown, _, _ = strings.Cut(shown, "telemetry:")
	d.say("%s", indent("accessPolicies:"+shown))
	stop, err := d.open(file, metrics)
	if err != nil {
		return err
	}
	defer stop()
	return d.knock(fmt.Sprintf("https://127.0.0.1:%d", port), key)
}

// open runs the gateway until the function that it returns is called.
func (d *demo) open(file string, metrics int) (func(), error) {
	d.say("%s\n", d.style(dim, "$ gatehouse-gateway --config gateway.yaml &"))
	cmd := exec.CommandContext(d.ctx, filepath.Join(root, "bin", "gatehouse-gateway"), "--config", file, "--drain=2s") //nolint:gosec // our own program
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if d.verbose {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the gateway: %w", err)
	}
	stop := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // however it did
	}
	if err := d.wait(fmt.Sprintf("http://127.0.0.1:%d/readyz", metrics)); err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

// knock makes requests as clients would, and expects what the configuration says.
func (d *demo) knock(base string, key *ecdsa.PrivateKey) error {
	client := &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}, //nolint:gosec // the certificate is self-signed
	}
	token := func(subject, scope string, ends time.Duration) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k1").WithType("JWT"))
		if err != nil {
			return err.Error() // which the gateway refuses
		}
		text, err := jwt.Signed(signer).Claims(map[string]any{"iss": issuer, "sub": subject, "aud": "shop", "scope": scope, "exp": time.Now().Add(ends).Unix()}).Serialize()
		if err != nil {
			return err.Error() // which the gateway refuses
		}
		return text
	}
	ann, bob := token("ann", "orders.read", time.Hour), token("bob", "cart.write", time.Hour)
	for _, ask := range []struct {
		who, path, token, user string
		want                   int
	}{
		{"nobody", "/orders/4711", "", "", http.StatusUnauthorized},
		{"ann, with a token of yesterday", "/orders/4711", token("ann", "orders.read", -24*time.Hour), "", http.StatusUnauthorized},
		{"bob, who has another scope", "/orders/4711", bob, "", http.StatusForbidden},
		{"ann, by a way around", "/orders/..%2fadmin", ann, "", http.StatusBadRequest},
		{"ann", "/orders/4711", ann, "", http.StatusOK},
		{"ann, who says that she is somebody else", "/orders/4712", ann, "admin", http.StatusOK},
		{"ann, once too often", "/orders/4713", ann, "", http.StatusTooManyRequests},
	} {
		if err := d.ask(client, base+ask.path, ask.who, ask.token, ask.user, ask.want); err != nil {
			return err
		}
	}
	return nil
}

// ask makes one request, and shows it as a person would type it.
func (d *demo) ask(client *http.Client, url, who, token, user string, want int) error {
	ctx, cancel := context.WithTimeout(d.ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	typed := "$ curl -k "
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
		typed += `-H "Authorization: Bearer $TOKEN" `
	}
	if user != "" {
		r.Header.Set("X-User", user)
		typed += `-H "X-User: ` + user + `" `
	}
	d.say("%s\n", d.style(dim, typed+url+"   # "+who))
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		return err
	}
	d.say("%s", indent(fmt.Sprintf("%s\n%s", res.Status, body)))
	for _, name := range []string{"Www-Authenticate", "Retry-After"} {
		if value := res.Header.Get(name); value != "" {
			d.say("  %s: %s\n", name, value)
		}
	}
	if res.StatusCode != want {
		return fmt.Errorf("%s by %s: %d, want %d", url, who, res.StatusCode, want)
	}
	if want == http.StatusOK && string(body) != "the orders of ann\n" {
		return fmt.Errorf("the application was told %q", body)
	}
	return nil
}
