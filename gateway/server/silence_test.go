// SPDX-License-Identifier: Apache-2.0

package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestOnlyCallsMayBeSilent: a body that does not come ends its stream of HTTP/2, but for a
// call of gRPC that holds no connection to its backend.
func TestOnlyCallsMayBeSilent(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 1)
	streams := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/h2c/call" {
			arrived <- struct{}{}
		}
		_, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	streams.Config.Protocols = new(http.Protocols)
	streams.Config.Protocols.SetUnencryptedHTTP2(true)
	streams.Start()
	t.Cleanup(streams.Close)
	snap := snapshot(backend(t, echo))
	snap.Backends = append(snap.Backends, config.Backend{Name: "h2c", Protocol: "h2c", Endpoints: []netip.AddrPort{netip.MustParseAddrPort(streams.Listener.Addr().String())}})
	snap.Routes = append(snap.Routes, config.Route{
		Name: "h2c", Matches: []config.Match{{Path: config.PathMatch{Prefix: "/h2c"}}}, Target: config.Target{Backends: []config.Weighted{{Name: "h2c"}}},
	})
	paths := map[uint32]string{1: "/h2c/call", 3: "/http1/call", 5: "/h2c/text", 7: "/http1/text"}
	lines := told(t, snap, func(at map[string]string) {
		c := newFramer(t, at["plain"])
		_ = c.SetDeadline(time.Now().Add(patience)) // what fails is seen by who reads
		c.begin()
		begin := func(stream uint32, kind string) {
			c.head(stream, c.fields(":method", "POST", ":scheme", "http", ":path", paths[stream], ":authority", "a", "content-type", kind), false)
		}
		begin(1, "application/grpc")
		<-arrived
		begin(3, "application/grpc")
		begin(5, "text/plain")
		begin(7, "text/plain")
		_ = c.WriteData(7, false, []byte("some of it")) // what fails is seen by who reads
		for answered := map[uint32]bool{}; len(answered) < 3; {
			stream, status := c.status(t)
			if stream == 1 || status != "408" {
				t.Fatalf("%s is answered %s", paths[stream], status)
			}
			answered[stream] = true
		}
		_ = c.WriteData(1, true, []byte("x")) // and this, longer after it began than the others
		if stream, status := c.status(t); stream != 1 || status != "200" {
			t.Errorf("%s is answered %s", paths[stream], status)
		}
	})
	reasons := map[any]any{}
	for _, line := range lines {
		reasons[line["path"]] = line["reason"]
	}
	for stream, path := range paths {
		if got := reasons[path]; len(reasons) != len(paths) || (got == "body-too-slow") != (stream > 1) {
			t.Errorf("%s: the reason is %v, of %v", path, got, reasons)
		}
	}
}
