// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/handover"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/pki"
	"github.com/gatehouse-sh/gatehouse/test/program"
)

const decidedOnDisk = `
listeners: [{name: web, address: %q, protocol: HTTP}]
routes: [{name: all, backends: [{name: b}]}]
backends: [{name: b, endpoints: [%q]}]
telemetry: {metrics: %q, decisions: {to: %q}}
`

// TestTheDiskOfTheAuditLogIsFull: requests are answered, what is not told of is counted,
// and what is told afterwards is whole.
func TestTheDiskOfTheAuditLogIsFull(t *testing.T) {
	d, address, side := newDisk(t), program.Free(t), program.Free(t)
	gateway := d.start(t, address, program.Gateway(t), "--drain", "1s", "--config",
		configuration(t, decidedOnDisk, address, good(t), side, filepath.Join(d.folder, "decisions")))
	rows := newTable(t)
	all := customers(t, "http://"+address+"/")
	enough(t, all, time.Now(), http.StatusNoContent)
	d.fill(t)
	controlplane.Eventually(t, patience, "lines are lost", func() error {
		if n := lost(t, side); n < 20 {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
	enough(t, all, time.Now(), http.StatusNoContent)
	before := len(d.read(t, "decisions"))
	back := time.Now()
	d.free(t)
	controlplane.Eventually(t, patience, "lines are written again", func() error {
		if len(d.read(t, "decisions")) == before {
			return fmt.Errorf("%d bytes are there", before)
		}
		return nil
	})
	took := withinLimit(t, time.Since(back))
	enough(t, all, time.Now(), http.StatusNoContent)
	asked, failed := ended(t, all, http.StatusNoContent)

	var whole, torn, uncounted int
	controlplane.Eventually(t, patience, "every request is told of, or counted as lost", func() error {
		whole, torn = lines(d.read(t, "decisions"))
		if uncounted = lost(t, side); whole+uncounted != asked {
			return fmt.Errorf("%d lines and %d lost of %d requests", whole, uncounted, asked)
		}
		return nil
	})
	if torn > 1 {
		t.Errorf("%d lines are torn, want the one that the disk was full in", torn)
	}
	if n := strings.Count(gateway.Said(), "decisions are not written"); n != 1 {
		t.Errorf("the fault is logged %d times, want once: %s", n, gateway.Said())
	}
	rows.add(row{
		"the disk of the audit log (decisions to a file) is full", took, asked, failed,
		fmt.Sprintf("%d lines were written, %d lost and counted, %d torn", whole, uncounted, torn),
	})
}

// lines counts those that are whole, and those that are not.
func lines(text []byte) (whole, torn int) {
	for line := range bytes.Lines(text) {
		if json.Valid(line) && bytes.HasSuffix(line, []byte("\n")) {
			whole++
		} else {
			torn++
		}
	}
	return whole, torn
}

// lost is how many lines the gateway counts as lost.
func lost(t *testing.T, side string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+side+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\ngatehouse_gateway_decisions_lost_total ")
	number, _, _ := strings.Cut(after, "\n")
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// hub is a control plane that hands snapshots over until it is ended.
func hub(t *testing.T, folder string) (h *handover.Hub, address string, end func()) {
	t.Helper()
	authority := pki.New(t, "authority")
	certificate := authority.For(t, "localhost")
	h = handover.NewHub(handover.Options{
		Identify: func(_ context.Context, _ netip.Addr, token string) (handover.Identity, error) {
			return handover.Identity{Account: token, Replica: "1"}, nil
		},
		Changed: func() {}, Log: logr.Discard(), Wait: time.Second,
	})
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	s := h.Server(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil })
	go func() { _ = s.ServeTLS(socket, "", "") }() // until it is ended
	t.Cleanup(func() { s.Close() })
	for name, text := range map[string]string{"ca.crt": string(authority.PEM), "token": "shop/edge\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, port, err := net.SplitHostPort(socket.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return h, "localhost:" + port, func() { s.Close() }
}

// TestTheDiskOfWhatIsKeptIsFull: what is new is served all the same, what was kept before
// is still there, and once there is room the next process begins with what was served last.
func TestTheDiskOfWhatIsKeptIsFull(t *testing.T) {
	d, address, folder, binary := newDisk(t), program.Free(t), t.TempDir(), program.Gateway(t)
	h, control, end := hub(t, folder)
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(old.Close)
	offer := func(backend string) []byte {
		t.Helper()
		s, err := config.Decode("", fmt.Appendf(nil, "listeners: [{name: web, address: %q, protocol: HTTP}]\nroutes: [{name: r, backends: [{name: b}]}]\nbackends: [{name: b, endpoints: [%q]}]\n", address, backend))
		if err != nil {
			t.Fatal(err)
		}
		text, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		h.Offer("shop/edge", text)
		return text
	}
	first := offer(old.Listener.Addr().String())
	begin := func() *program.Process {
		return d.start(t, address, binary, "--control", control, "--ca", filepath.Join(folder, "ca.crt"), "--token", filepath.Join(folder, "token"), "--keep", d.folder, "--drain", "1s")
	}
	gateway := begin()
	rows := newTable(t)
	all := customers(t, "http://"+address+"/")
	enough(t, all, time.Now(), http.StatusTeapot)
	const kept = "snapshot.json"
	controlplane.Eventually(t, patience, "the first is kept", func() error { return same(d.see(kept), first) })
	d.fill(t)
	second := offer(good(t))
	enough(t, all, time.Now(), http.StatusNoContent)
	if err := same(d.see(kept), first); err != nil {
		t.Errorf("what was kept before the disk was full: %v", err)
	}
	if n := strings.Count(gateway.Said(), "what is served is not kept for the next process"); n != 1 {
		t.Errorf("the fault is logged %d times, want once: %s", n, gateway.Said())
	}
	back := time.Now()
	d.free(t)
	controlplane.Eventually(t, patience, "the second is kept", func() error { return same(d.see(kept), second) })
	took := withinLimit(t, time.Since(back))
	asked, failed := ended(t, all, http.StatusTeapot, http.StatusNoContent)
	end()
	gateway.Kill()
	begin()
	next := customers(t, "http://"+address+"/")
	enough(t, next, time.Now(), http.StatusNoContent)
	ended(t, next, http.StatusNoContent)
	rows.add(row{"the disk of the kept snapshot (`--keep`) is full", took, asked, failed, "the new snapshot was served, the old one stayed kept; a process that began without the control plane began with the new one"})
}

// same tells how a file is another one than it should be.
func same(file string, want []byte) error {
	got, err := os.ReadFile(file)
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("%s has %d other bytes than the %d that it should", file, len(got), len(want))
	}
	return err
}
