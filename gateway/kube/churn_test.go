// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// What TestChangesFailNoRequest does, and how often clients ask meanwhile. A machine that
// is too slow for the pace asks less often: what is counted is failures.
const (
	edits     = 100
	rotations = 20
	clients   = 16
	pace      = 2000 // requests a second, of all clients together
	perClient = 50   // requests on one connection
)

const churned = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: churn, namespace: shop}
spec:
  gatewayClassName: gatehouse
  addresses: [{value: 127.0.34.2}]
  listeners: [{name: https, port: 443, protocol: HTTPS, hostname: churn.example.com, tls: {certificateRefs: [{name: churn}]}}]
---
`

// edited is the route after an edit, which its answers tell.
func edited(n int) string {
	return fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: churn, namespace: shop}
spec:
  parentRefs: [{name: churn}]
  hostnames: [churn.example.com]
  rules:
  - filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: X-Edit, value: "%d"}]}}]
    backendRefs: [{name: web, port: 80}]
`, n)
}

// load is clients that ask until they are told to stop.
type load struct {
	stop             chan struct{}
	all              sync.WaitGroup
	asked, failed    atomic.Int64
	began            time.Time
	mu               sync.Mutex
	first            error // of a request that failed
	at, name, expect string
	roots            *x509.CertPool
}

func (l *load) client() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: l.roots, ServerName: l.name}}}
}

// once asks, and returns what the answer tells of the edit and of the certificate.
func (l *load) once(t testing.TB, c *http.Client) (edit, cert string, err error) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.at, nil)
	if err != nil {
		return "", "", err
	}
	req.Host = l.name
	res, err := c.Do(req)
	if err != nil {
		return "", "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || string(body) != l.expect) {
		err = fmt.Errorf("got %d %s", res.StatusCode, body)
	}
	return res.Header.Get("X-Edit"), string(res.TLS.PeerCertificates[0].Raw), err
}

func (l *load) run(t testing.TB) {
	l.began = time.Now()
	for range clients {
		l.all.Go(func() {
			tick := time.NewTicker(time.Second * clients / pace)
			defer tick.Stop()
			c := l.client()
			defer c.CloseIdleConnections()
			for n := 1; ; n++ {
				select {
				case <-l.stop:
					return
				case <-tick.C:
				}
				if n%perClient == 0 {
					c.CloseIdleConnections()
				}
				l.asked.Add(1)
				if _, _, err := l.once(t, c); err != nil {
					l.failed.Add(1)
					l.mu.Lock()
					l.first = cmp.Or(l.first, err)
					l.mu.Unlock()
				}
			}
		})
	}
}

// TestChangesFailNoRequest edits a route and rotates its certificate through the API,
// each until it is served, while clients ask all the time: nobody notices.
func TestChangesFailNoRequest(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes 120 changes, one after the other")
	}
	t.Parallel()
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	c.serveAs(t, c.limited(t, "shop"), "127.0.34.1-127.0.34.9")
	ca := pki.New(t, "churn")
	rotate := func() string {
		leaf := ca.For(t, "churn.example.com")
		c.apply(t, certificate(t, "shop", "churn", leaf))
		return string(leaf.Certificate[0])
	}
	c.apply(t, shop+service(t)+"---\n"+churned+edited(0))
	rotate()
	roots := x509.NewCertPool()
	roots.AddCert(ca.Cert)
	l := &load{stop: make(chan struct{}), at: "https://127.0.34.2:20443/", name: "churn.example.com", expect: "web", roots: roots}
	until := func(what string, is func(edit, cert string) bool) {
		t.Helper()
		controlplane.Eventually(t, time.Minute, what, func() error {
			one := l.client()
			defer one.CloseIdleConnections()
			edit, cert, err := l.once(t, one)
			if err == nil && !is(edit, cert) {
				err = fmt.Errorf("edit %s is served, with a certificate of %d bytes", edit, len(cert))
			}
			return err
		})
	}
	until("the route is served", func(edit, _ string) bool { return edit == "0" })
	l.run(t)
	for n := 1; n <= edits; n++ {
		c.apply(t, edited(n))
		until(fmt.Sprintf("edit %d is served", n), func(edit, _ string) bool { return edit == fmt.Sprint(n) })
		if n%(edits/rotations) == 0 {
			want := rotate()
			until(fmt.Sprintf("the certificate after edit %d is shown", n), func(_, cert string) bool { return cert == want })
		}
	}
	close(l.stop)
	took := time.Since(l.began)
	l.all.Wait()
	t.Logf("%d edits and %d certificates in %s: %d requests, %.0f a second, %d failed", edits, rotations, took.Round(time.Millisecond), l.asked.Load(), float64(l.asked.Load())/took.Seconds(), l.failed.Load())
	if l.asked.Load() == 0 || l.failed.Load() > 0 {
		t.Errorf("%d of %d requests failed: %v", l.failed.Load(), l.asked.Load(), l.first)
	}
}
