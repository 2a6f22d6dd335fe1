// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// oneSession offers the last session whatever name is asked for, as no browser does.
type oneSession struct{ tls.ClientSessionCache }

func (o oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.ClientSessionCache.Get("") }

func (o oneSession) Put(_ string, session *tls.ClientSessionState) {
	o.ClientSessionCache.Put("", session)
}

// TestSessionsGoOnForNamesThatHaveCertificates: where certificates are for some hosts
// only, a session cannot be gone on with for another one, for which nothing could be
// presented.
func TestSessionsGoOnForNamesThatHaveCertificates(t *testing.T) {
	t.Parallel()
	servers := pki.New(t, "servers")
	own := certificate(t, "own", servers.For(t, "a.example.com"))
	own.Hosts = []string{"a.example.com"}
	_, at := start(t, &config.Snapshot{
		Listeners:    []config.Listener{{Name: "web", Address: netip.MustParseAddrPort("127.0.0.1:0"), Protocol: config.HTTPS, TLS: &config.TLS{Certificates: []string{"own"}}}},
		Certificates: []config.Certificate{own},
		Backends:     []config.Backend{{Name: "b"}},
		Routes:       []config.Route{{Name: "r", Target: config.Target{Backends: []config.Weighted{{Name: "b"}}}}},
	})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		session := oneSession{tls.NewLRUClientSessionCache(1)}
		get := func(name string) (resumed bool, err error) {
			c := tls.Client(dial(t, "tcp", at["web"]), &tls.Config{
				ServerName: name, InsecureSkipVerify: true, ClientSessionCache: session, MaxVersion: version,
			})
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a.example.com\r\nConnection: close\r\n\r\n"); err != nil {
				return false, err
			}
			answer, err := io.ReadAll(c)
			if err == nil && len(answer) == 0 {
				err = errors.New("nothing is answered")
			}
			return c.ConnectionState().DidResume, err
		}
		for n, tc := range []struct {
			name    string
			resumed bool
			good    bool
		}{{"a.example.com", false, true}, {"a.example.com", true, true}, {"", true, false}, {"b.example.com", true, false}} {
			if resumed, err := get(tc.name); err == nil != tc.good || tc.good && resumed != tc.resumed {
				t.Errorf("%s, %d, of %q: resumed %t, %v", tls.VersionName(version), n, tc.name, resumed, err)
			}
		}
	}
	if got, err := ask(t, newPeer(at["web"], servers).transport(t), "https://a.example.com/"); err != nil || got.status != http.StatusServiceUnavailable {
		t.Errorf("afterwards: got %+v, %v", got, err)
	}
}
