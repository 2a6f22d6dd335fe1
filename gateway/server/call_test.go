// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestCallsThatTakeTooLong: servers of gRPC reset a stream when the time is over that its
// client gave it. The client must not take that for its own body being slow, nor for a
// backend that is gone.
func TestCallsThatTakeTooLong(t *testing.T) {
	t.Parallel()
	streams := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/silent" {
			<-r.Context().Done()
		}
		time.Sleep(2 * time.Millisecond)
		panic(http.ErrAbortHandler) // resets the stream
	}))
	streams.Config.Protocols = new(http.Protocols)
	streams.Config.Protocols.SetUnencryptedHTTP2(true)
	streams.Start()
	t.Cleanup(streams.Close)
	snap := snapshot(backend(t, echo))
	snap.Backends = append(snap.Backends, config.Backend{Name: "h2c", Protocol: "h2c", Endpoints: []netip.AddrPort{netip.MustParseAddrPort(streams.Listener.Addr().String())}})
	to := config.Target{Backends: []config.Weighted{{Name: "h2c"}}}
	snap.Routes = []config.Route{{Name: "calls", Target: to}, {Name: "silent", Matches: []config.Match{{Path: config.PathMatch{Prefix: "/silent"}}}, Target: to}}
	snap.Routes[1].Timeout = config.Duration(50 * time.Millisecond)
	type ask struct{ path, kind, timeout string }
	type answer struct{ status, call, reason string }
	asks := []ask{
		{"/", "application/grpc", "1m"},
		{"/", "application/grpc+proto", "1000000n"},
		{"/", "application/grpc", "99999999H"},
		{"/", "application/grpc", ""},
		{"/", "application/grpc", "1"},
		{"/", "application/grpc", "1x"},
		{"/", "application/grpc-web", "1m"},
		{"/", "text/plain", "1m"},
		{"/silent", "application/grpc", ""},
		{"/silent", "text/plain", ""},
	}
	over, gone := answer{"200", "4", "call-timeout"}, answer{"502", "", "backend-unreachable"}
	want := []answer{over, over, gone, gone, gone, gone, gone, gone, {"200", "4", "timeout"}, {"504", "", "timeout"}}
	lines := told(t, snap, func(at map[string]string) {
		c := newFramer(t, at["plain"])
		_ = c.SetDeadline(time.Now().Add(patience)) // what fails is seen by who reads
		c.begin()
		for i, a := range asks {
			fields := []string{":method", "POST", ":scheme", "http", ":path", a.path, ":authority", "a", "content-type", a.kind}
			if a.timeout != "" {
				fields = append(fields, "grpc-timeout", a.timeout)
			}
			stream := uint32(2*i + 1)
			c.head(stream, c.fields(fields...), false) // the body is awaited all the while
			of, got := c.response(t)
			if of != stream || got[":status"] != want[i].status || got["grpc-status"] != want[i].call {
				t.Errorf("%+v is answered %+v, want %+v", a, got, want[i])
			}
		}
	})
	if len(lines) != len(asks) {
		t.Fatalf("%d lines tell of %d calls", len(lines), len(asks))
	}
	for i, line := range lines {
		status := 502.0
		if want[i].reason != "backend-unreachable" {
			status = 504
		}
		if line["reason"] != want[i].reason || line["status"] != status {
			t.Errorf("%+v is told as %v %v, want %s", asks[i], line["status"], line["reason"], want[i].reason)
		}
	}
}
