// SPDX-License-Identifier: Apache-2.0

package outside

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/program"
)

// large is what slow readers ask for: more than the kernel takes for them.
const large = 8 << 20

// attack is how slowhttptest is slow.
type attack struct {
	name, listener, args, reason string
	attackers                    int // connections
}

// attacks are slowhttptest's four modes, which end when the server has closed all
// connections. Who reads slowly still has much to read then, so of those the gateway has to
// tell that it has cut them off.
var attacks = []attack{
	{"heads that do not end", "hasty", "-H -i 1", "", 500},
	{"bodies that do not end", "clear", "-B -i 1 -s 1000000 -x 8", "body-too-slow", 500},
	{"very many ranges", "clear", "-R -a 5 -b 3000", "", 500},
	{"responses that are hardly read", "clear", "-X -w 512 -y 1024 -n 1 -z 8", "client-too-slow", 200},
	{"responses by TLS that are hardly read", "secure", "-X -w 512 -y 1024 -n 1 -z 8", "client-too-slow", 200},
}

// compare has the slow ones ask another gateway as well, with which the one that others
// ask shares no more than the machine.
var compare = flag.Bool("compare", false, "tell also how long others wait while another gateway has the slow clients")

// TestSlowClientsHarmNobody: while many clients are as slow as they can be, each request
// of another one is answered, and the slow ones are sent away.
func TestSlowClientsHarmNobody(t *testing.T) {
	program.Need(t, "slowhttptest")
	file := make([]byte, large)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/small" {
			fmt.Fprint(w, "small")
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // of the slow ones it never comes
		http.ServeContent(w, r, "large", time.Time{}, bytes.NewReader(file))
	}))
	t.Cleanup(backend.Close)
	g := start(t, backend.Listener.Addr().String())
	other := g
	if *compare {
		other = start(t, backend.Listener.Addr().String())
	}
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			const enough = 5000
			somebody := newOrdinary(t, g, a.listener)
			alone := somebody.ask(t, func(asked int) bool {
				g.open(t, a.listener) // as below
				return asked < enough
			})
			t.Logf("somebody else alone:   %s", alone)
			if *compare {
				beside, _ := a.against(t, other, somebody)
				t.Logf("another is attacked:   %s", beside)
			}
			during, most := a.against(t, g, somebody)
			t.Logf("this one is attacked:  %s; at most %d connections at once", during, most)
		})
	}
}

// against has the attack try a gateway while somebody asks one, and wants the slow ones
// cut off.
func (a *attack) against(t *testing.T, g *gateway, somebody *ordinary) (during figures, most int) {
	t.Helper()
	refused := func(reason string) int {
		return g.metric(t, fmt.Sprintf("gatehouse_gateway_refused_total{listener=%q,reason=%q}", a.listener, reason))
	}
	goneBefore, cutBefore := refused("client-gone"), refused(a.reason)
	cut := func() int { return refused(a.reason) - cutBefore }
	args := append(strings.Fields(a.args), "-c", strconv.Itoa(a.attackers), "-r", strconv.Itoa(a.attackers), "-l", "300", "-p", "60", "-v", "1", "-u", newOrdinary(t, g, a.listener).server+"/large")
	tool := program.Start(t, "", syscall.SIGTERM, "slowhttptest", args...)
	goes := true
	during = somebody.ask(t, func(int) bool {
		select {
		case <-tool.Over():
			goes = false
		default:
		}
		open := g.open(t, a.listener)
		most = max(most, open)
		return goes && (open > 1 || a.reason == "" || cut() < a.attackers)
	})
	if said := tool.Said(); !goes && !strings.Contains(said, "No open connections left") {
		t.Errorf("slowhttptest says:\n%s", said)
	}
	// The last is counted a moment after its connection is closed. Now and then slowhttptest
	// itself closes one: at its end, when it believes that all are.
	left := func() int { return refused("client-gone") - goneBefore }
	for deadline := time.Now().Add(10 * time.Second); a.reason != "" && cut()+left() < a.attackers && time.Now().Before(deadline); {
		<-time.After(10 * time.Millisecond)
	}
	if n, left := cut(), left(); a.reason != "" && (n+left < a.attackers || left > a.attackers/50) {
		t.Errorf("%d were cut off and %d left, want %d cut off; slowhttptest says:\n%s\nand the gateway:\n%s", n, left, a.attackers, tool.Said(), g.told(t))
	}
	for deadline := time.Now().Add(time.Minute); g.open(t, a.listener) > 1; <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open", g.open(t, a.listener))
		}
	}
	return during, most
}

// ordinary is a client that asks for little, over a connection that it keeps, and each
// 16th time over one of its own.
type ordinary struct {
	server      string
	kept, fresh http.RoundTripper
}

func newOrdinary(t *testing.T, g *gateway, listener string) *ordinary {
	scheme := "http://"
	if listener == "secure" {
		scheme = "https://"
	}
	return &ordinary{scheme + g.at[listener], g.transport(t, true), g.transport(t, false)}
}

// figures say how long requests took.
type figures struct {
	asked          int
	p50, p99, most time.Duration
}

// String implements fmt.Stringer.
func (f figures) String() string {
	return fmt.Sprintf("%d requests, p50 %v, p99 %v, worst %v", f.asked, f.p50, f.p99, f.most)
}

// ask makes one request after the other for as long as it is to. Each has to be answered.
func (o *ordinary) ask(t *testing.T, more func(asked int) bool) figures {
	t.Helper()
	const every = 16
	took := make([]time.Duration, 0, 1<<16)
	for len(took) == 0 || len(took)%every != 0 || more(len(took)) {
		by := o.kept
		if len(took)%every == 0 {
			by = o.fresh
		}
		began := time.Now()
		if err := once(t.Context(), by, o.server+"/small"); err != nil {
			t.Fatalf("request %d of somebody else: %v", len(took), err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	n := len(took)
	return figures{n, took[n/2], took[n*99/100], took[n-1]}
}

func once(ctx context.Context, by http.RoundTripper, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := by.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || string(body) != "small" {
		return fmt.Errorf("%d %.100q: %w", res.StatusCode, body, err)
	}
	return nil
}
