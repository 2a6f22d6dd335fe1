// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// TestHandshakesAreNotWeak: what clients and listeners agree on, and that nothing older
// or weaker is agreed on whatever a client offers.
func TestHandshakesAreNotWeak(t *testing.T) {
	t.Parallel()
	servers := pki.New(t, "servers")
	snap := secureSnapshot(t, servers, nil)
	for name, edit := range map[string]func(*config.Listener){
		"newest": func(l *config.Listener) { l.TLS.MinVersion = config.TLS13 },
		"first":  func(l *config.Listener) { l.HTTP2 = config.HTTP2Off },
		"rsa":    func(l *config.Listener) { l.TLS.Certificates = []string{"rsa"} },
	} {
		l := snap.Listeners[1]
		tls := *l.TLS
		l.Name, l.TLS = name, &tls
		edit(&l)
		snap.Listeners = append(snap.Listeners, l)
	}
	ofRSA := keyOfRSA(t)
	snap.Certificates = append(snap.Certificates, certificate(t, "rsa", ofRSA))
	_, at := start(t, snap)
	both := []string{"h2", "http/1.1"}
	for name, tc := range map[string]struct {
		listener       string
		oldest, newest uint16
		suites         []uint16
		offered        []string
		version        uint16 // 0: there is no handshake
		agreed         string
	}{
		"TLS 1.3":                      {"secure", tls.VersionTLS12, tls.VersionTLS13, nil, both, tls.VersionTLS13, "h2"},
		"TLS 1.2":                      {"secure", tls.VersionTLS12, tls.VersionTLS12, nil, both, tls.VersionTLS12, "h2"},
		"TLS 1.1":                      {"secure", tls.VersionTLS11, tls.VersionTLS11, nil, nil, 0, ""},
		"TLS 1.0":                      {"secure", tls.VersionTLS10, tls.VersionTLS10, nil, nil, 0, ""},
		"CBC":                          {"secure", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}, nil, 0, ""},
		"no forward secrecy":           {"rsa", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA}, nil, 0, ""},
		"forward secrecy":              {"rsa", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, nil, tls.VersionTLS12, ""},
		"RC4":                          {"secure", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}, nil, 0, ""},
		"one that is strong":           {"secure", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}, nil, tls.VersionTLS12, ""},
		"only HTTP/1.1":                {"secure", tls.VersionTLS12, tls.VersionTLS13, nil, both[1:], tls.VersionTLS13, "http/1.1"},
		"another protocol":             {"secure", tls.VersionTLS12, tls.VersionTLS13, nil, []string{"smtp"}, 0, ""},
		"minVersion: 1.3, TLS 1.2":     {"newest", tls.VersionTLS12, tls.VersionTLS12, nil, both, 0, ""},
		"minVersion: 1.3, TLS 1.3":     {"newest", tls.VersionTLS12, tls.VersionTLS13, nil, both, tls.VersionTLS13, "h2"},
		"http2: off, both are offered": {"first", tls.VersionTLS12, tls.VersionTLS13, nil, both, tls.VersionTLS13, "http/1.1"},
		"http2: off, only HTTP/2":      {"first", tls.VersionTLS12, tls.VersionTLS13, nil, both[:1], 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(at[tc.listener], servers).config
			p.RootCAs.AddCert(ofRSA.Leaf)
			p.MinVersion, p.MaxVersion, p.CipherSuites, p.NextProtos = tc.oldest, tc.newest, tc.suites, tc.offered
			raw, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at[tc.listener])
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			c := tls.Client(raw, p)
			err = c.HandshakeContext(t.Context())
			state := c.ConnectionState()
			if tc.version == 0 && err == nil {
				t.Errorf("they agree on %x, %s, %q", state.Version, tls.CipherSuiteName(state.CipherSuite), state.NegotiatedProtocol)
			}
			if tc.version != 0 && (err != nil || state.Version != tc.version || state.NegotiatedProtocol != tc.agreed) {
				t.Errorf("got %x, %q, %v, want %x, %q", state.Version, state.NegotiatedProtocol, err, tc.version, tc.agreed)
			}
		})
	}
}

// keyOfRSA is a certificate for a.example.com whose key is one of RSA.
func keyOfRSA(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"a.example.com"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
