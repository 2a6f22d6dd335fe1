// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

func TestQueriesAreToldWithoutSecrets(t *testing.T) {
	t.Parallel()
	const q = "a=1&a=2&X-Amz-Signature=hush&id_token=hush&flag&apiKey=hush&b=a%3Dtoken&pass%77ord=hush"
	for how, want := range map[string]string{
		"":      "",
		"Off":   "",
		"Names": "a&X-Amz-Signature&id_token&flag&apiKey&b&pass%77ord",
		"Full":  "a=1&a=2&X-Amz-Signature=[redacted]&id_token=[redacted]&flag&apiKey=[redacted]&b=a%3Dtoken&pass%77ord=[redacted]",
	} {
		if got := query(q, how); got != want {
			t.Errorf("%q: got %s, want %s", how, got, want)
		}
	}
	if got := query(strings.Repeat("c2VjcmV0", 8), "Names"); got != "[redacted]" {
		t.Errorf("a query that is a token: got %s", got)
	}
}

func TestAddressesAreTold(t *testing.T) {
	t.Parallel()
	for how, want := range map[string][3]string{
		"Full":   {"203.0.113.77", "2001:db8:1:2::3", ""},
		"Prefix": {"203.0.113.0/24", "2001:db8:1::/48", ""},
		"Off":    {},
	} {
		for i, a := range []netip.Addr{netip.MustParseAddr("203.0.113.77"), netip.MustParseAddr("2001:db8:1:2::3"), {}} {
			if got := Addresses[how](a); got != want[i] {
				t.Errorf("%s of %s: got %q, want %q", how, a, got, want[i])
			}
		}
	}
}

func TestPrincipalsAreToldApartAndNotNamed(t *testing.T) {
	t.Parallel()
	h, other := NewHasher([]byte("0123456789abcdef")), NewHasher(nil)
	seen := map[string]bool{}
	for _, who := range [][3]string{{"a", "i", "s"}, {"ai", "", "s"}, {"", "ai", "s"}, {"a", "i", "t"}} {
		hash := h.Hash(who[0], who[1], who[2])
		if seen[hash] || len(hash) != 16 || hash != h.Hash(who[0], who[1], who[2]) || hash == other.Hash(who[0], who[1], who[2]) {
			t.Errorf("%v is %s", who, hash)
		}
		seen[hash] = true
	}
}

// breaking fails while it is broken, after it has taken some bytes.
type breaking struct {
	bytes.Buffer
	broken bool
	takes  int
}

func (b *breaking) Write(p []byte) (int, error) {
	if b.broken {
		n, _ := b.Buffer.Write(p[:min(b.takes, len(p))]) // it takes everything
		return n, errors.New("disk full")
	}
	return b.Buffer.Write(p)
}

func TestLinesThatCannotBeWrittenAreToldOnce(t *testing.T) {
	t.Parallel()
	to, faults, m := &breaking{broken: true}, 0, NewMetrics()
	w := &waiting{to: to, lost: m.Lost, failed: func(error) { faults++ }}
	lost := func(want string) {
		t.Helper()
		if got := scrape(m); !strings.Contains(got, "\n"+namespace+"_decisions_lost_total "+want+"\n") {
			t.Errorf("%s lines should be lost in\n%s", want, got)
		}
	}
	line := append(bytes.Repeat([]byte("x"), maxWaiting/2-1), '\n')
	for range 8 {
		if _, err := w.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	w.flush()
	lost("8")
	if faults != 1 || len(w.b) != 0 || cap(w.b) > 4*maxWaiting {
		t.Errorf("%d faults were told, %d bytes wait", faults, len(w.b))
	}
	to.broken = false
	_, _ = w.Write(line) // it takes everything
	w.flush()
	lost("8")
	to.broken, to.takes = true, len(line)+1
	_, _ = w.Write(line) // and this
	_, _ = w.Write(line) // of which a byte is there
	w.flush()
	lost("9")
	if faults != 2 || to.Len() != 2*len(line)+1 {
		t.Errorf("%d faults were told, %d bytes were written", faults, to.Len())
	}
}

// TestALineAfterATornOneIsWhole: a disk that is full in the middle of a line spoils no
// other one, and a line that ends where the disk does is followed by no empty one.
func TestALineAfterATornOneIsWhole(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		takes, lost int
		want        string
	}{
		"in the middle of a line":       {8, 2, "first\nse\nthird\n"},
		"between two lines":             {6, 2, "first\nthird\n"},
		"before the first byte":         {0, 3, "third\n"},
		"before the end of a last line": {12, 2, "first\nsecond\nthird\n"},
	} {
		to, lost := &breaking{broken: true, takes: tc.takes}, 0
		w := &waiting{to: to, lost: func(lines int) { lost += lines }, failed: func(error) {}}
		for _, line := range []string{"first\n", "second\n"} {
			_, _ = w.Write([]byte(line)) // it takes everything
		}
		w.flush()
		_, _ = w.Write([]byte("lost\n")) // as before
		to.takes = 0
		w.flush()
		to.broken = false
		_, _ = w.Write([]byte("third\n")) // as before
		w.flush()
		if got := to.String(); got != tc.want || lost != tc.lost {
			t.Errorf("full %s: %q and %d lost, want %q and %d", name, got, lost, tc.want, tc.lost)
		}
	}
}

func scrape(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), "GET", "/metrics", nil))
	return w.Body.String()
}

// TestSeriesEndWithWhatTheyAreOf has as many series after two hundred configurations
// as after one.
func TestSeriesEndWithWhatTheyAreOf(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	count := func() int { return strings.Count(scrape(m), "\n"+namespace) }
	first := 0
	for i := range 200 {
		name := "r" + strings.Repeat("x", i%7) + string(rune('a'+i%26))
		m.Applied(time.Unix(int64(i), 0), &config.Snapshot{
			Listeners: []config.Listener{{Name: "l"}}, Routes: []config.Route{{Name: name}}, Backends: []config.Backend{{Name: "b" + name}},
			KeySets: []config.KeySet{{Name: name}}, Stores: []config.Store{{Name: name}}, Certificates: []config.Certificate{{Name: name}},
			TrafficPolicies: []config.TrafficPolicy{{Name: "p", RateLimits: []config.RateLimit{{Name: name}}}},
		})
		m.Certificate(name, time.Unix(int64(i), 0), errors.New("refused"))
		m.KeySet(name, 2, errors.New("refused"))
		m.Store(name, nil)
		m.Record(&Record{Listener: "l", Route: name, Backend: "b" + name, Status: 200 + i, Upstream: 1, Reason: "no-route", Shadow: "p/" + name})
		if n := count(); i == 0 {
			first = n
		} else if n != first {
			t.Fatalf("configuration %d: there are %d series, and were %d", i, n, first)
		}
	}
	if first < 10 {
		t.Errorf("there are %d series", first)
	}
}

// TestConnectionsOfAListenerThatIsNoMore are counted until the last one has ended.
func TestConnectionsOfAListenerThatIsNoMore(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	apply := func(names ...string) {
		c := &config.Snapshot{}
		for _, name := range names {
			c.Listeners = append(c.Listeners, config.Listener{Name: name})
		}
		m.Applied(time.Now(), c)
	}
	has := func(when string, series string, want bool) {
		t.Helper()
		if got := scrape(m); strings.Contains(got, "\n"+namespace+"_"+series) != want {
			t.Errorf("%s: %s is %t, want %t in\n%s", when, series, !want, want, got)
		}
	}
	apply("a", "b")
	for _, name := range []string{"a", "a", "b"} {
		m.Connection(name, 1)
		m.Turned(name, "too-many")
	}
	m.Connection("b", -1)
	has("nobody is there", `connections{listener="b"} 0`, true)
	apply("c")
	has("a listener is no more, and two are there", `connections{listener="a"} 2`, true)
	has("a listener is no more, and nobody is there", `connections{listener="b"`, false)
	has("a listener is no more", `connections_refused_total`, false)
	m.Connection("a", -1)
	has("one is there", `connections{listener="a"} 1`, true)
	m.Connection("a", -1)
	has("nobody is there any more", `connections{`, false)
}

func TestStatusesAreCountedByTheirFirstDigit(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	for _, status := range []int{0, 101, 200, 301, 404, 503, 999, -1} {
		m.Record(&Record{Listener: "l", Status: status})
	}
	text := scrape(m)
	for class, want := range map[string]string{"1xx": "1", "2xx": "1", "3xx": "1", "4xx": "1", "5xx": "1", "other": "3"} {
		if line := `requests_total{listener="l",route="",status="` + class + `"} ` + want + "\n"; !strings.Contains(text, line) {
			t.Errorf("there is no %s", line)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	s := NewSet(io.Discard, logr.Discard())
	keep, _, err := s.Prepare(b.Context(), &config.Telemetry{})
	if err != nil {
		b.Fatal(err)
	}
	keep()
	f := &request.Form{Scheme: "https", Method: "GET", Host: "shop.example.com", Path: "/orders/4711", Client: netip.MustParseAddr("203.0.113.7")}
	who := &auth.Principal{By: "staff", Issuer: "https://idp.example.com", Subject: "4711"}
	b.ReportAllocs()
	for b.Loop() {
		r := Record{Time: time.Now(), ID: "0123456789abcdef0123456789abcdef", Listener: "web", Protocol: "HTTP/2.0", Route: "orders", Backend: "orders", Status: 200, Sent: 4711, Total: time.Millisecond, Upstream: time.Millisecond}
		s.Record(&r, f, who)
	}
}
