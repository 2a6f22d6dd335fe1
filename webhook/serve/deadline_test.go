// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	gatehouse "github.com/gatehouse-sh/gatehouse/webhook"
)

// TestASlowBodyHoldsNothing: a client that announces a large body and never
// sends it is cut off, and the room it took is free again.
func TestASlowBodyHoldsNothing(t *testing.T) {
	t.Parallel()
	// Room for nine of the largest bodies is there; ten clients want it.
	hook := gatehouse.NewHandler(gatehouse.Validator{}, gatehouse.NewBound(), nil, logr.Discard())
	mux := http.NewServeMux()
	server := webhook.NewServer(webhook.Options{WebhookMux: mux}) // registers behind its own instruments
	server.Register("/validate", withDeadline(hook, 200*time.Millisecond))
	ts := httptest.NewServer(mux)
	t.Cleanup(ts.Close)
	for range 10 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", ts.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		fmt.Fprintf(conn, "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{", gatehouse.MaxReview)
	}
	start := time.Now()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, ts.URL+"/validate", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := ts.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	if resp.StatusCode != http.StatusOK || time.Since(start) > 900*time.Millisecond {
		t.Errorf("%s after %s: %s %v", resp.Status, time.Since(start), line, err)
	}
}
