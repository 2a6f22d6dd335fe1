// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/gatehouse-sh/gatehouse/test/pki"
)

const (
	shopHost = "shop.example.com"
	// doorAddress is a port of the node, which is how clients outside of the cluster
	// come.
	doorAddress = "10.200.0.2:30443"
)

// door is what a customer has: keys of the identity provider's, and trust in the
// certificate.
type door struct {
	key   *ecdsa.PrivateKey
	roots *x509.CertPool
}

// openDoor makes certificate and keys, as Secrets of the cluster.
func (h *house) openDoor(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	authority := pki.New(t, "e2e")
	cert, key := pki.Encode(t, authority.For(t, shopHost))
	d := &door{roots: x509.NewCertPool()}
	d.roots.AddCert(authority.Cert)
	var err error
	if d.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: d.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"tls.crt": cert, "tls.key": key, "jwks": keys} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.must(t, "create", "secret", "tls", "edge", "-n", "gatehouse-system", "--cert="+filepath.Join(dir, "tls.crt"), "--key="+filepath.Join(dir, "tls.key"))
	h.must(t, "create", "secret", "generic", "idp", "-n", "shop", "--from-file="+filepath.Join(dir, "jwks"))
	for _, namespace := range []string{"shop", "gatehouse-system"} {
		h.must(t, "create", "rolebinding", "gatehouse-gateway", "-n", namespace, "--clusterrole=gatehouse-gateway-references", "--serviceaccount=gatehouse-system:gatehouse-gateway")
	}
	h.door = d
}

// token is what the identity provider gives a customer.
func (d *door) token(t *testing.T, subject, plan string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: d.key}, (&jose.SignerOptions{}).WithHeader("kid", "k1").WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": "https://idp.example.com/", "sub": subject, "aud": "shop", "scope": "orders.read", "plan": plan, "exp": time.Now().Add(2 * time.Hour).Unix(),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// customer is a client outside of the cluster.
func (d *door) customer() *http.Client {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, doorAddress)
	}
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: d.roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}}
}

// ask makes a request and returns status and body.
func (h *house) ask(ctx context.Context, client *http.Client, token string) (int, string, error) {
	h.counts.requests.Add(1)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+shopHost+"/", nil)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// traffic is customers who never pause.
type traffic struct {
	h      *house
	cancel context.CancelFunc
	all    sync.WaitGroup
	mu     sync.Mutex
	asked  int
	failed []string
	last   time.Time // when one failed
}

// startTraffic has two customers come through the door: one keeps its connection, the
// other makes a new one for each request.
func (h *house) startTraffic(t *testing.T) *traffic {
	t.Helper()
	token := h.door.token(t, "steady", "unlimited")
	keeps, renews := h.door.customer(), h.door.customer()
	renews.Transport.(*http.Transport).DisableKeepAlives = true
	return h.startAsking(t, func(ctx context.Context) (int, string, error) { return h.ask(ctx, keeps, token) }, func(ctx context.Context) (int, string, error) { return h.ask(ctx, renews, token) })
}

// startAsking asks in each of these ways, twenty times a second.
func (h *house) startAsking(t *testing.T, ways ...func(context.Context) (int, string, error)) *traffic {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	c := &traffic{h: h, cancel: cancel}
	for _, ask := range ways {
		c.all.Go(func() {
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				c.note(ask(context.WithoutCancel(ctx)))
			}
		})
	}
	return c
}

func (c *traffic) note(status int, body string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if err != nil || status != http.StatusOK {
		c.h.counts.failures.Add(1)
		c.last = time.Now()
		c.failed = append(c.failed, fmt.Sprintf("%s: status %d, %v: %s", time.Now().Format(time.TimeOnly), status, err, body))
	}
}

// recovered waits until no request has failed for three seconds, and returns how long
// after began the last one did.
func (c *traffic) recovered(t *testing.T, began time.Time) time.Duration {
	t.Helper()
	var took time.Duration
	until(t, "requests to be answered again", func() string {
		c.mu.Lock()
		defer c.mu.Unlock()
		if time.Since(began) < 3*time.Second || time.Since(c.last) < 3*time.Second {
			return "they are not"
		}
		took = max(0, c.last.Sub(began))
		return ""
	})
	return took
}

// stop ends it and returns how many requests there were, and what failed.
func (c *traffic) stop() (int, []string) {
	c.cancel()
	c.all.Wait()
	return c.asked, c.failed
}

// unharmed stops it and wants requests, and no failure.
func (c *traffic) unharmed(t *testing.T) {
	t.Helper()
	asked, failed := c.stop()
	if asked == 0 {
		t.Error("no request was made meanwhile")
	}
	if len(failed) > 0 {
		t.Errorf("%d of %d requests failed meanwhile, the first ones: %q", len(failed), asked, failed[:min(5, len(failed))])
	}
	t.Logf("%d requests meanwhile, %d failed", asked, len(failed))
}
