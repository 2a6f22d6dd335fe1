// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

var now = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// issue makes a certificate for names that ends at a time.
func issue(t *testing.T, name string, end time.Time, hosts ...string) config.Certificate {
	t.Helper()
	return between(t, name, now.Add(-time.Hour), end, hosts...)
}

func between(t *testing.T, name string, begin, end time.Time, hosts ...string) config.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: hosts, NotBefore: begin, NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return config.Certificate{
		Name: name, Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}),
	}
}

func TestACertificateIsPresentedForItsHostsOnly(t *testing.T) {
	t.Parallel()
	end := now.Add(time.Hour)
	own := func(c config.Certificate, hosts ...string) config.Certificate { c.Hosts = hosts; return c }
	list := []config.Certificate{
		own(issue(t, "a", end, "a.example.com", "b.example.com"), "a.example.com", "c.example.com"),
		own(issue(t, "wild", end, "*.example.com", "*.example.org"), "d.example.com", "*.example.org"),
		issue(t, "all", end, "b.example.com"),
	}
	s, warnings, err := Load(list, nil, now)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	for _, tc := range []struct {
		among string
		want  map[string]string // "": no handshake
	}{
		{"a wild all", map[string]string{"a.example.com": "a", "b.example.com": "all", "c.example.com": "all", "d.example.com": "wild", "e.example.com": "all", "x.example.org": "wild", "x.y.example.org": "all"}},
		{"a wild", map[string]string{"a.example.com": "a", "b.example.com": "", "c.example.com": "", "e.example.com": "", "": "", "x.example.org": "wild"}},
	} {
		c, err := s.Choose(strings.Fields(tc.among))
		if err != nil {
			t.Fatal(err)
		}
		for asked, want := range tc.want {
			if got, _ := c.Certificate(&tls.ClientHelloInfo{ServerName: asked}); got != s.byName[want] {
				t.Errorf("%q among %s: it is not %q", asked, tc.among, want)
			}
		}
		if c.None() {
			t.Errorf("among %s there is said to be none", tc.among)
		}
	}
}

func TestTheCertificateThatFitsIsPresented(t *testing.T) {
	t.Parallel()
	end := now.Add(time.Hour)
	s, warnings, err := Load([]config.Certificate{
		issue(t, "first", end, "a.example.com"), issue(t, "wild", end, "*.example.com"), issue(t, "twice", end, "a.example.com", "B.example.org"),
	}, nil, now)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	c, err := s.Choose([]string{"first", "wild", "twice"})
	if err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string]string{
		"a.example.com": "first", "A.Example.com.": "first", "b.example.com": "wild", "b.example.org": "twice",
		"c.b.example.com": "first", "example.com": "first", "": "first", "localhost": "first",
	} {
		got, err := c.Certificate(&tls.ClientHelloInfo{ServerName: asked})
		if err != nil || got != s.byName[want] {
			t.Errorf("%q: got %v, %v, want %s", asked, got.Leaf.DNSNames, err, want)
		}
	}
	if _, err := s.Choose([]string{"none"}); err == nil {
		t.Error("a name that nothing has is chosen")
	}
}

func TestABadCertificateLeavesTheOneBeforeIt(t *testing.T) {
	t.Parallel()
	good := issue(t, "c", now.Add(time.Hour), "a")
	other := issue(t, "c", now.Add(2*time.Hour), "a")
	first, _, err := Load([]config.Certificate{good}, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		cert config.Certificate
		says string
	}{
		"no PEM":                       {config.Certificate{Name: "c", Cert: []byte("x"), Key: config.Secret("y")}, "failed to find any PEM data"},
		"another's key":                {config.Certificate{Name: "c", Cert: good.Cert, Key: other.Key}, "does not match"},
		"a certificate that has ended": {issue(t, "c", now.Add(-time.Minute), "a"), "it ended at 2026-10-31T23:59:00Z"},
		"one that has not begun":       {between(t, "c", now.Add(time.Minute), now.Add(time.Hour), "a"), "it begins at 2026-11-01T00:01:00Z"},
	} {
		if _, _, err := Load([]config.Certificate{tc.cert}, nil, now); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s, and none before it: got %v, want %q", name, err, tc.says)
		}
		next, warnings, err := Load([]config.Certificate{tc.cert}, first, now)
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], tc.says) || next.byName["c"] != first.byName["c"] {
			t.Errorf("%s: got %v, %v", name, warnings, err)
		}
		early := strings.Contains(tc.says, "begins")
		if got := next.Begins(); got.IsZero() == early || early && !got.Equal(now.Add(time.Minute)) {
			t.Errorf("%s: the first begins at %s", name, got)
		}
		next.Each(func(name string, ends time.Time, refused error) {
			if name != "c" || !ends.Equal(now.Add(time.Hour)) || refused == nil {
				t.Errorf("got %s, %s, %v", name, ends, refused)
			}
		})
		again, _, err := Load([]config.Certificate{other}, next, now)
		if err != nil || again.byName["c"] == first.byName["c"] {
			t.Errorf("%s: the next good one is not taken: %v", name, err)
		}
	}
}

// TestTheOneBeforeIsForTheHostsOfNow: a host that was taken from it is not presented by it
// because what follows it is refused.
func TestTheOneBeforeIsForTheHostsOfNow(t *testing.T) {
	t.Parallel()
	now := time.Now()
	good := issue(t, "c", now.Add(time.Hour), "a.example.com", "b.example.com")
	good.Hosts = []string{"a.example.com", "b.example.com"}
	first, _, err := Load([]config.Certificate{good}, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	next, warnings, err := Load([]config.Certificate{{Name: "c", Cert: []byte("x"), Key: config.Secret("y"), Hosts: []string{"b.example.com"}}}, first, now)
	if err != nil || len(warnings) != 1 {
		t.Fatal(warnings, err)
	}
	c, err := next.Choose([]string{"c"})
	if err != nil {
		t.Fatal(err)
	}
	for host, presented := range map[string]bool{"a.example.com": false, "b.example.com": true} {
		if got := c.For(host) != nil; got != presented {
			t.Errorf("%s is presented: %t", host, got)
		}
	}
}

// TestACertificateThatStandsAloneTakesNothingDown: what one tenant's Secret holds is
// nobody else's fault, and nobody is shown what cannot be used.
func TestACertificateThatStandsAloneTakesNothingDown(t *testing.T) {
	t.Parallel()
	good := issue(t, "good", now.Add(time.Hour), "good.example.com")
	for name, bad := range map[string]config.Certificate{
		"no PEM":                       {Name: "bad", Cert: []byte("x"), Key: config.Secret("y")},
		"another's key":                {Name: "bad", Cert: good.Cert, Key: issue(t, "bad", now.Add(time.Hour), "a").Key},
		"a certificate that has ended": issue(t, "bad", now.Add(-time.Minute), "bad.example.com"),
		"one that has not begun":       between(t, "bad", now.Add(time.Minute), now.Add(time.Hour), "bad.example.com"),
	} {
		if _, _, err := Load([]config.Certificate{good, bad}, nil, now); err == nil {
			t.Errorf("%s, which does not stand alone: it is not told", name)
		}
		bad.Alone = true
		s, warnings, err := Load([]config.Certificate{good, bad}, nil, now)
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "nobody is shown it") {
			t.Fatalf("%s: %v, %v", name, warnings, err)
		}
		if began := strings.Contains(name, "begun"); s.Begins().IsZero() == began {
			t.Errorf("%s: the first begins at %s", name, s.Begins())
		}
		both, err := s.Choose([]string{"bad", "good"})
		if err != nil || both.None() || both.For("bad.example.com") != s.byName["good"] {
			t.Errorf("%s: of both not the good one is chosen: %v", name, err)
		}
		only, err := s.Choose([]string{"bad"})
		if err != nil || !only.None() {
			t.Errorf("%s: it is presented: %v", name, err)
		}
		if got, err := only.Certificate(&tls.ClientHelloInfo{ServerName: "bad.example.com"}); err == nil {
			t.Errorf("%s: a client is shown %v", name, got)
		}
		c, _, err := s.Backend(&config.Backend{TLS: &config.BackendTLS{ServerName: "b", ClientCertificate: "bad"}})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.GetClientCertificate(nil); err == nil {
			t.Errorf("%s: a backend is shown %v", name, got)
		}
	}
}
