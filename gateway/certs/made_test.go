// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

func TestAMadeCertificateFitsLocalhost(t *testing.T) {
	t.Parallel()
	c, err := SelfSigned(func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Certificate(&tls.ClientHelloInfo{ServerName: "anything"})
	if err != nil || c.None() {
		t.Fatal(err)
	}
	if err := got.Leaf.VerifyHostname("localhost"); err != nil {
		t.Error(err)
	}
}

func TestAMadeCertificateIsMadeAnewBeforeItEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after time.Duration
		anew  bool
	}{
		"at once":                      {0, false},
		"just before its last 30 days": {madeFor - anew - time.Second, false},
		"in its last 30 days":          {madeFor - anew, true},
		"after its end":                {2 * madeFor, true},
		"before its beginning, for a clock that was put back": {-2 * time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := now
			c, err := SelfSigned(func() time.Time { return at })
			if err != nil {
				t.Fatal(err)
			}
			first := c.For("")
			at = at.Add(tc.after)
			second := c.For("")
			if (second != first) != tc.anew || second != c.For("a.example.com") {
				t.Errorf("anew: %t", second != first)
			}
			if at.Before(second.Leaf.NotBefore) || at.After(second.Leaf.NotAfter.Add(-anew)) {
				t.Errorf("at %s one is presented from %s until %s", at, second.Leaf.NotBefore, second.Leaf.NotAfter)
			}
		})
	}
}

// TestConnectionsOutliveTheirMadeCertificate, and new ones are shown the next.
func TestConnectionsOutliveTheirMadeCertificate(t *testing.T) {
	t.Parallel()
	var clock struct {
		sync.Mutex
		at time.Time
	}
	clock.at = now
	c, err := SelfSigned(func() time.Time {
		clock.Lock()
		defer clock.Unlock()
		return clock.at
	})
	if err != nil {
		t.Fatal(err)
	}
	server := Base(config.TLS12)
	server.GetCertificate, server.SessionTicketsDisabled = c.Certificate, true // nobody reads tickets of a pipe
	begin := func() (client, served *tls.Conn) {
		near, far := net.Pipe()
		t.Cleanup(func() { near.Close(); far.Close() })
		client = tls.Client(near, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"})
		served = tls.Server(far, server)
		done := make(chan error, 1)
		go func() { done <- served.HandshakeContext(t.Context()) }()
		if err := client.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		return client, served
	}
	old, oldServed := begin()
	clock.Lock()
	clock.at = now.Add(madeFor)
	clock.Unlock()
	next, _ := begin()
	if old.ConnectionState().PeerCertificates[0].Equal(next.ConnectionState().PeerCertificates[0]) {
		t.Error("the same one is presented after its end")
	}
	go func() { _, _ = oldServed.Write([]byte("still here")) }()
	got := make([]byte, len("still here"))
	if _, err := old.Read(got); err != nil || string(got) != "still here" {
		t.Errorf("an older connection: %q, %v", got, err)
	}
}
