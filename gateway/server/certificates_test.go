// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// TestACertificateIsPresentedFromItsBeginning: the one before it stays until then, and
// nobody has to change the configuration for it.
func TestACertificateIsPresentedFromItsBeginning(t *testing.T) {
	t.Parallel()
	servers := pki.New(t, "servers")
	snap := secureSnapshot(t, servers, nil)
	s, at := start(t, snap)
	presented := func() string {
		t.Helper()
		c := tls.Client(dial(t, "tcp", at["secure"]), newPeer(at["secure"], servers).config)
		defer c.Close()
		if err := c.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	apply := func(name string, begin time.Time) {
		t.Helper()
		next := *snap
		next.Certificates = append([]config.Certificate{}, snap.Certificates...)
		next.Certificates[0] = certificate(t, "ab", servers.Sign(t, func(c *x509.Certificate) {
			c.Subject.CommonName, c.DNSNames, c.NotBefore = name, []string{"a.example.com"}, begin
		}))
		if err := s.Apply(t.Context(), &next); err != nil {
			t.Fatal(err)
		}
	}
	first := presented()
	apply("tomorrow", time.Now().Add(30*time.Minute))
	if got := presented(); got != first {
		t.Errorf("%s is presented before it begins", got)
	}
	apply("soon", time.Now().Add(2*time.Second))
	for late := time.Now().Add(patience); presented() != "soon"; <-time.After(10 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("a certificate that has begun is not presented")
		}
	}
	if got := metrics(t, s); !strings.Contains(got, `certificate_refused{certificate="ab"} 0`) {
		t.Errorf("it is told as refused in\n%s", got)
	}
}

// TestWhoPresentsACertificateOfNobodyIsTold.
func TestWhoPresentsACertificateOfNobodyIsTold(t *testing.T) {
	t.Parallel()
	var log written
	s := New(funcr.New(func(_, args string) { _, _ = log.Write([]byte(args + "\n")) }, funcr.Options{}), io.Discard)
	if err := s.Apply(t.Context(), snapshot(backend(t, echo))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	s.Close(ctx)
	if want := `"a self-signed certificate is presented, which no client trusts: name one in tls.certificates" "listener"="secure"`; strings.Count(log.b.String(), want) != 1 {
		t.Errorf("%s is not told once in\n%s", want, log.b.String())
	}
}
