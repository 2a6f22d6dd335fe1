// SPDX-License-Identifier: Apache-2.0

// Package outside runs the gateway's program beside programs of others that look for
// what is weak in a server: slowhttptest and testssl.sh, which are Debian's packages.
package outside

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/pki"
	"github.com/gatehouse-sh/gatehouse/test/program"
)

// gateway is the program. Its limits are short where a test waits for their end, and long
// where a slow machine must not come to it.
type gateway struct {
	at        map[string]string // addresses of listeners
	metrics   string
	authority *pki.Authority
}

const configuration = `
listeners:
- {name: hasty, address: %q, protocol: HTTP, client: {limits: {headerTimeout: 2s}}}
- {name: clear, address: %q, protocol: HTTP, client: &client {limits: {headerTimeout: 1m, idleTimeout: 2s, bodyBytesRate: 65536}}}
- {name: secure, address: %q, protocol: HTTPS, tls: {certificates: [c]}, hsts: {maxAge: 8760h}, client: *client}
certificates: [{name: c, certFile: c.crt, keyFile: c.key}]
routes: [{name: all, backends: [{name: b}]}]
backends: [{name: b, endpoints: [%q]}]
telemetry: {metrics: %q, decisions: {to: "off"}}
`

// certificate is one for localhost.
func certificate(t *testing.T, a *pki.Authority) tls.Certificate {
	return a.Sign(t, func(c *x509.Certificate) {
		c.DNSNames, c.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
		c.NotAfter = time.Now().AddDate(0, 6, 0) // testssl.sh warns of the last two months
	})
}

// start runs a gateway in front of a backend until the test ends.
func start(t *testing.T, backend string) *gateway {
	t.Helper()
	g, folder := &gateway{map[string]string{}, program.Free(t), pki.New(t, "authority")}, t.TempDir()
	for _, listener := range []string{"hasty", "clear", "secure"} {
		g.at[listener] = program.Free(t)
	}
	cert, key := pki.Encode(t, certificate(t, g.authority))
	for name, content := range map[string][]byte{
		"c.crt": cert, "c.key": key,
		"gateway.yaml": fmt.Appendf(nil, configuration, g.at["hasty"], g.at["clear"], g.at["secure"], backend, g.metrics),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program.Start(t, g.at["secure"], syscall.SIGTERM, program.Gateway(t), "--config", filepath.Join(folder, "gateway.yaml"), "--drain", "1s")
	return g
}

// transport speaks from an address that the attackers do not have.
func (g *gateway) transport(t *testing.T, keep bool) http.RoundTripper {
	roots := x509.NewCertPool()
	roots.AddCert(g.authority.Cert)
	tr := &http.Transport{DisableKeepAlives: !keep, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}}
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	tr.DialContext = from.DialContext
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// metric is the value of a series; 0 if there is none.
func (g *gateway) metric(t *testing.T, series string) int {
	t.Helper()
	_, after, there := strings.Cut(g.told(t), "\n"+series+" ")
	if !there {
		return 0
	}
	value, _, _ := strings.Cut(after, "\n")
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// told is the page of metrics.
func (g *gateway) told(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.metrics+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// open is how many connections a listener has.
func (g *gateway) open(t *testing.T, listener string) int {
	t.Helper()
	return g.metric(t, fmt.Sprintf("gatehouse_gateway_connections{listener=%q}", listener))
}
