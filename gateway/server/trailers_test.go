// SPDX-License-Identifier: Apache-2.0

package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// A gRPC server says how a call ended in trailers that it does not announce.
func TestTrailersThatAreNotAnnouncedArrive(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "a message") // to a client that waits for it
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "7")
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	_, at := start(t, snapshot(config.Backend{Name: "b", Protocol: "h2c", Endpoints: []netip.AddrPort{netip.MustParseAddrPort(s.Listener.Addr().String())}}))
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at["plain"]+"/a.B/C", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Te", "trailers")
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || string(body) != "a message" || res.Trailer.Get("Grpc-Status") != "7" {
		t.Errorf("got %q, %v, %v", body, res.Trailer, err)
	}
}
