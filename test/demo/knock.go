// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// knock makes requests as clients would, and expects what the configuration says.
func (d *demo) knock(key *ecdsa.PrivateKey) error {
	const base = "https://" + host
	at := d.served
	d.say("%s\n", d.style(dim, "# "+host+" is "+at+" here: curl --connect-to "+host+":443:"+at))
	client := &http.Client{
		Timeout: 5 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // the certificate is self-signed
			ForceAttemptHTTP2: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, at)
			},
		},
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
