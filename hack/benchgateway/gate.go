// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// correct is the gate: a number counts only if requests are answered as the backend
// answers them, and without a token that holds not at all.
func (l *layer) correct(ctx context.Context, base, population string) error {
	if l.tls {
		if err := encrypted(ctx, strings.TrimPrefix(base, "https://")); err != nil {
			return err
		}
	}
	client := asker()
	defer client.CloseIdleConnections()
	large := strings.Repeat("0123456789abcdef", 64<<10/16)
	token := ""
	if l.tokens != nil {
		text, err := first(population)
		if err != nil {
			return err
		}
		token = text
		wrong := token
		if !l.tokens.forged { // or it could be made right again
			wrong = forged(token)
		}
		for _, bad := range []string{"", "x", wrong, token[:strings.LastIndexByte(token, '.')+1]} {
			status, _, err := ask(ctx, client, http.MethodGet, base+"/", "", bad)
			if err != nil {
				return err
			}
			if status != http.StatusUnauthorized {
				return fmt.Errorf("a bad token gets %d", status)
			}
		}
		if l.tokens.forged {
			return nil
		}
	}
	for _, tc := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{http.MethodGet, "/", "", 200, string(fixed)},
		{http.MethodHead, "/", "", 200, ""},
		{http.MethodPost, "/echo", large, 200, large},
		{http.MethodPost, "/echo", "short", 200, "short"},
		{http.MethodGet, "/none", "", 404, ""},
		{http.MethodGet, "/", "", 200, string(fixed)},
	} {
		status, body, err := ask(ctx, client, tc.method, base+tc.path, tc.body, token)
		if err != nil {
			return err
		}
		if status != tc.status || body != tc.want {
			return fmt.Errorf("%s %s: %d, %d bytes", tc.method, tc.path, status, len(body))
		}
	}
	return nil
}

// encrypted asks OpenSSL, which the load uses as well, what comes about between them.
func encrypted(ctx context.Context, address string) error {
	text, err := exec.CommandContext(ctx, "openssl", "s_client", "-connect", address).Output() //nolint:gosec // its own address
	if err != nil {
		return fmt.Errorf("openssl: %w: %s", err, text)
	}
	_, found, _ := strings.Cut(string(text), "\nNew, ")
	if found, _, _ = strings.Cut(found, "\n"); found != "TLSv1.3, Cipher is "+suite {
		return fmt.Errorf("OpenSSL finds %q, and not TLS 1.3 with %s", found, suite)
	}
	return nil
}

// limits asks a contestant that allows a request a second until it says 429.
func (c *contestant) limits(ctx context.Context, s setting) error {
	r, stop, err := c.begin(ctx, s)
	if r == nil {
		return err // nil: it has no limit
	}
	defer stop()
	client := asker()
	defer client.CloseIdleConnections()
	const most = 20
	for n := range most {
		status, _, err := ask(ctx, client, http.MethodGet, r.url+"/", "", "")
		switch {
		case err != nil:
			return err
		case n > 0 && status == http.StatusTooManyRequests:
			return nil
		case status != http.StatusOK:
			return fmt.Errorf("request %d gets %d", n+1, status)
		}
	}
	return fmt.Errorf("%d requests are let in", most)
}

// asker keeps its connection, as the load does.
func asker() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // its certificate was made for this
}

func ask(ctx context.Context, client *http.Client, method, url, body, token string) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}
