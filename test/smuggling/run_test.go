// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/server"
)

// decision is a line of the gateway's log.
type decision struct {
	ID, Client, Protocol, Method, Host, Path, Query, Backend, Reason string
	Status                                                           int
	Received                                                         int64
}

// run is all that was said of some streams.
type run struct {
	streams   []*sent
	decisions []decision
	taps      []*tapped
	reports   []report
}

// written is the gateway's log.
type written struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

// clients is how many streams are sent at once: their requests share the connections to
// the backend.
const clients = 8

// ask sends streams through a gateway to a backend, and judges what became of them.
func ask(t *testing.T, start func(*testing.T) backend, list []stream) {
	t.Helper()
	b := start(t)
	tap := newTap(t, b.address)
	var log written
	gateway := server.New(logr.Discard(), &log)
	if err := gateway.Apply(t.Context(), snapshot(tap.address)); err != nil {
		t.Fatal(err)
	}
	at := gateway.Addresses()["plain"].String()
	r := &run{}
	for i, s := range list {
		r.streams = append(r.streams, &sent{stream: s, client: addressOf(i)})
	}
	next := make(chan *sent)
	var working sync.WaitGroup
	for range clients {
		working.Go(func() {
			for s := range next {
				s.send(t, at)
			}
		})
	}
	for _, s := range r.streams {
		next <- s
	}
	close(next)
	working.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	gateway.Close(ctx)
	r.taps, r.reports = tap.end(), b.end()
	for line := range strings.Lines(log.b.String()) {
		var d decision
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		r.decisions = append(r.decisions, d)
	}
	r.tell(t)
}

// snapshot sends everything to one backend, once.
func snapshot(address string) *config.Snapshot {
	return &config.Snapshot{
		Listeners: []config.Listener{{Name: "plain", Address: netip.MustParseAddrPort("127.0.0.1:0"), Protocol: config.HTTP, HTTP2: config.HTTP2On}},
		Routes: []config.Route{{
			Name: "all", Target: config.Target{
				Backends: []config.Weighted{{Name: "b"}}, Retry: &config.Retry{}, Timeout: config.Duration(10 * time.Second),
			},
		}},
		Backends:  []config.Backend{{Name: "b", Endpoints: []netip.AddrPort{netip.MustParseAddrPort(address)}}},
		Telemetry: config.Telemetry{Decisions: config.Decisions{Query: "Full"}},
	}
}

// tell judges a run, and says what came of it.
func (r *run) tell(t *testing.T) {
	t.Helper()
	wrong, n := r.judge()
	const most = 20
	for i, w := range wrong {
		if i == most {
			t.Errorf("and %d more", len(wrong)-most)
			break
		}
		t.Error(w)
	}
	t.Logf("%d streams: %d requests were forwarded, %d refused by the gateway, %d by the backend; %d streams ended in a refusal without a line",
		len(r.streams), n.forwarded, n.refused, n.backend, n.silent)
	if n.forwarded == 0 || n.refused == 0 {
		t.Errorf("%d were forwarded and %d refused: this says nothing", n.forwarded, n.refused)
	}
}
