// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"
)

// listening starts a server of ours with room for a few connections. It answers "/"
// at once, and "/slow", which tells that it has begun, when it is let go.
func listening(t *testing.T, most int) (address string, begun, slow chan struct{}) {
	t.Helper()
	open, err := newConnections(most, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	lent := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(lent.Close)
	s := &server{ctrlwebhook.NewServer(ctrlwebhook.Options{}), "", &tls.Config{Certificates: lent.TLS.Certificates, MinVersion: tls.VersionTLS12}, open}
	begun, slow = make(chan struct{}), make(chan struct{})
	s.Register("/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "answered") }))
	s.Register("/slow", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-slow
		_, _ = io.WriteString(w, "answered")
	}))
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx, inner) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return inner.Addr().String(), begun, slow
}

// from returns a client that connects from an address, keeps its connections, and
// believes every certificate.
func from(t *testing.T, ip string) *http.Client {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	transport := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

func ask(t *testing.T, c *http.Client, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && string(body) != "answered" {
		err = errors.New(string(body))
	}
	return err
}

// TestIdleConnectionsLeaveRoom: whoever holds more connections than there may be loses
// his own, and a review from another address is answered on the connection that was
// kept for it and on new ones.
func TestIdleConnectionsLeaveRoom(t *testing.T) {
	t.Parallel()
	const most, held = 20, 100
	address, begun, slow := listening(t, most)
	server := from(t, "127.0.0.2")
	if err := ask(t, server, "https://"+address+"/"); err != nil {
		t.Fatal(err)
	}
	late := make(chan error, 1)
	go func() { late <- ask(t, from(t, "127.0.0.1"), "https://"+address+"/slow") }()
	<-begun
	holder := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.1")}}
	conns := make([]net.Conn, 0, held)
	for range held {
		c, err := holder.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		conns = append(conns, c)
	}
	for _, c := range []*http.Client{server, from(t, "127.0.0.3"), from(t, "127.0.0.1")} {
		if err := ask(t, c, "https://"+address+"/"); err != nil {
			t.Error(err)
		}
	}
	open := 0
	for _, c := range conns {
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		var timeout net.Error
		if _, err := c.Read(make([]byte, 1)); errors.As(err, &timeout) && timeout.Timeout() {
			open++
		}
	}
	if open == 0 || open >= most {
		t.Errorf("%d of %d connections are still open", open, held)
	}
	close(slow)
	if err := <-late; err != nil {
		t.Errorf("the request that was under way: %v", err)
	}
}

// TestNobodyIsCutOff: where every connection has a request under way, the new one is
// closed.
func TestNobodyIsCutOff(t *testing.T) {
	t.Parallel()
	c, err := newConnections(2, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	a, b, late := &connection{host: "a", busy: true}, &connection{host: "a", busy: true}, &connection{host: "b"}
	if c.add(a) != nil || c.add(b) != nil {
		t.Fatal("there was room")
	}
	if got := c.add(late); got != late {
		t.Errorf("closed %+v", got)
	}
	b.busy = false
	if got := c.add(late); got != b {
		t.Errorf("closed %+v, want the one that is idle", got)
	}
}
