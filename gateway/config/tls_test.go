// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/pki"
)

func TestFaultsOfTLSAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ old, new, want string }{
		"certificates of clients without TLS": {"protocol: HTTP\n", "protocol: HTTP\n  tls: {client: {caFiles: [x]}}\n", "gateway.yaml:5: listeners[0].tls: a listener of HTTP has none"},
		"clients whom nobody signs for":       {"protocol: HTTP\n", "protocol: HTTPS\n  tls: {client: {mode: Require}}\n", "gateway.yaml:5: listeners[0].tls.client.caFiles: there is none, so no certificate could be verified"},
		"a mode of certificates":              {"protocol: HTTP\n", "protocol: HTTPS\n  tls: {client: {mode: Maybe, caFiles: [x]}}\n", `listeners[0].tls.client.mode: "Maybe" is none of Require, Optional`},
		"every name of a client":              {"protocol: HTTP\n", "protocol: HTTPS\n  tls: {client: {caFiles: [x], allow: {dns: ['*']}}}\n", `listeners[0].tls.client.allow.dns[0]: "*" would be every name`},
		"a URI with a star within":            {"protocol: HTTP\n", "protocol: HTTPS\n  tls: {client: {caFiles: [x], allow: {uris: ['spiffe://*/a']}}}\n", `listeners[0].tls.client.allow.uris[0]: "spiffe://*/a" is no URI`},
		"a name that is no mail":              {"protocol: HTTP\n", "protocol: HTTPS\n  tls: {client: {caFiles: [x], allow: {emails: [a]}}}\n", `listeners[0].tls.client.allow.emails[0]: "a" is no address of mail`},
		"HSTS in clear":                       {"protocol: HTTP\n", "protocol: HTTP\n  hsts: {maxAge: 1h}\n", "gateway.yaml:5: listeners[0].hsts: a listener of HTTP has none"},
		"HSTS for no time":                    {"protocol: HTTP\n", "protocol: HTTPS\n  hsts: {maxAge: 10ms}\n", "gateway.yaml:5: listeners[0].hsts.maxAge: it is shorter than a second"},
		"HSTS that no list takes":             {"protocol: HTTP\n", "protocol: HTTPS\n  hsts: {maxAge: 9000h, preload: true}\n", "listeners[0].hsts.preload: it wants includeSubDomains"},
		"a network of proxies with bits":      {"trustedProxies: [10.0.0.0/8]", "proxyProtocolFrom: [10.1.0.0/8]", "gateway.yaml:6: listeners[0].client.proxyProtocolFrom[0]: 10.1.0.0/8 has bits beyond its length"},
		"a backend by TLS without a name":     {`"[::1]:9000"]`, "\"[::1]:9000\"]\n  tls: {}", `gateway.yaml:20: backends[0].tls.serverName: "" is no name of a host`},
		"a backend by TLS of an unknown key":  {`"[::1]:9000"]`, "\"[::1]:9000\"]\n  tls: {serverName: a, clientCertificate: x}", `backends[0].tls.clientCertificate: there is no certificate "x"`},
		"a backend in clear by TLS":           {`"[::1]:9000"]`, "\"[::1]:9000\"]\n  protocol: h2c\n  tls: {serverName: a}", "backends[0].protocol: h2 is HTTP/2 by tls, and h2c is without it"},
		"a backend by TLS in clear":           {`"[::1]:9000"]`, "\"[::1]:9000\"]\n  protocol: h2", "backends[0].protocol: h2 is HTTP/2 by tls"},
		"a backend of an old version of TLS":  {`"[::1]:9000"]`, "\"[::1]:9000\"]\n  tls: {serverName: a, minVersion: '1.1'}", `backends[0].tls.minVersion: "1.1" is none of 1.2, 1.3`},
		"a backend with every name":           {`"[::1]:9000"]`, "\"[::1]:9000\"]\n  tls: {serverName: a, identities: {dns: ['*']}}", `backends[0].tls.identities.dns[0]: "*" would be every name`},
	} {
		changed := strings.Replace(good, tc.old, tc.new, 1)
		if changed == good {
			t.Fatalf("%s: %q is not in the configuration", name, tc.old)
		}
		if _, err := Decode("gateway.yaml", []byte(changed)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, tc.want)
		}
	}
}

// TestFilesThatAreNamedAreRead: a file beside the configuration, and any change of it.
func TestFilesThatAreNamedAreRead(t *testing.T) {
	t.Parallel()
	clients := pki.New(t, "clients")
	list := clients.Revoke(t, time.Now().Add(time.Hour))
	folder := t.TempDir()
	put := func(name string, content []byte) string {
		t.Helper()
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	file := put("gateway.yaml", []byte(strings.NewReplacer("protocol: HTTP\n", "protocol: HTTPS\n  tls: {client: {caFiles: [ca.pem, other.pem], crlFiles: [list.pem]}}\n",
		"backends:\n", "streams:\n- {name: s, listeners: [web], hosts: [s], backends: [{name: s}], tls: {client: {caFiles: [ca.pem], crlFiles: [list.pem]}}}\nbackends:\n- {name: s}\n",
		`"[::1]:9000"]`, "\"[::1]:9000\"]\n  tls: {serverName: a, caFiles: [ca.pem]}").Replace(good)))
	put("ca.pem", clients.PEM)
	put("other.pem", pki.New(t, "others").PEM)
	put("list.pem", list)
	first, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	c := first.Snapshot.Listeners[0].TLS.Client
	if len(c.CAs) != 2 || string(c.CAs[0]) != string(clients.PEM) || len(c.CRLs) != 1 || string(c.CRLs[0]) != string(list) || len(first.Snapshot.Backends[1].TLS.CAs) != 1 {
		t.Errorf("got %+v", c)
	}
	if c := first.Snapshot.Streams[0].TLS.Client; len(c.CAs) != 1 || len(c.CRLs) != 1 {
		t.Errorf("of a stream: got %+v", c)
	}
	if again, err := Load(file); err != nil || again.Sum != first.Sum {
		t.Errorf("the same files have another sum, or %v", err)
	}
	for name, tc := range map[string]struct {
		content []byte
		want    string // "" is another sum
	}{
		"list.pem":  {clients.Revoke(t, time.Now().Add(2*time.Hour)), ""},
		"ca.pem":    {[]byte("no PEM"), "gateway.yaml:5: listeners[0].tls.client.caFiles[0]: ca.pem: there is no PEM of CERTIFICATE"},
		"other.pem": {list, "listeners[0].tls.client.caFiles[1]: other.pem: block 1 is X509 CRL"},
	} {
		before, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		put(name, tc.content)
		now, err := Load(file)
		if tc.want == "" && (err != nil || now.Sum == first.Sum) || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
		put(name, before)
	}
}
