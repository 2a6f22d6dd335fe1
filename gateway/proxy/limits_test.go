// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// policies compiles the traffic policies of a configuration.
func policies(t testing.TB, text string) (*limitState, *traffic) {
	t.Helper()
	snap, err := config.Decode("g", []byte("listeners: [{name: web, address: '127.0.0.1:1', protocol: HTTP}]\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	s := newLimitState()
	made, err := s.compile(snap)
	if err != nil {
		t.Fatal(err)
	}
	made.keep()
	t.Cleanup(s.close)
	return s, made
}

// asked is a request of 192.0.2.1, with header lines as name and value in turn.
func asked(ctx context.Context, who *auth.Principal, lines ...string) *Exchange {
	h := http.Header{}
	for i := 0; i+1 < len(lines); i += 2 {
		h.Add(lines[i], lines[i+1])
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://a/", nil)
	a := &answer{ResponseWriter: httptest.NewRecorder()}
	return &Exchange{Form: &request.Form{Method: "GET", Host: "a", Path: "/", Header: h, Client: netip.MustParseAddr("192.0.2.1")}, W: a, R: r, Now: time.Now(), Principal: who, answer: a}
}

func person(subject string, claims ...any) *auth.Principal {
	p := &auth.Principal{By: "jwt", Issuer: "https://idp", Subject: subject, Claims: map[string]any{}}
	for i := 0; i+1 < len(claims); i += 2 {
		p.Claims[claims[i].(string)] = claims[i+1]
	}
	return p
}

const limitOfOne = "limit: {requests: 1, per: 1h}"

func TestRequestsAreCountedByWhoAsks(t *testing.T) {
	t.Parallel()
	alice, bob := person("alice", "tenant", "acme"), person("bob", "tenant", "acme")
	other := person("alice", "tenant", "acme", "n", json.Number("1"))
	other.Issuer = "https://other"
	for name, tc := range map[string]struct {
		key  string
		asks []*auth.Principal
		want string // 2 for each that is let in, 4 for each that is not
	}{
		"a principal":                          {"principal", []*auth.Principal{alice, bob, alice, bob}, "2244"},
		"one of another issuer is another one": {"principal", []*auth.Principal{alice, other, alice}, "224"},
		"nobody is one":                        {"principal", []*auth.Principal{nil, nil, alice}, "242"},
		"a claim":                              {"claim:tenant", []*auth.Principal{alice, bob}, "24"},
		"a claim that every credential has":    {"claim:sub", []*auth.Principal{{By: "users", Subject: "ann"}, {By: "users", Subject: "bob"}, {By: "users", Subject: "ann"}}, "224"},
		"those without a claim":                {"claim:tenant", []*auth.Principal{person("a"), person("b"), nil, alice}, "2442"},
		"a claim that is a number":             {"claim:n", []*auth.Principal{other, person("c", "n", json.Number("1")), person("d", "n", json.Number("2"))}, "242"},
		"a claim that is a list":               {"claim:l", []*auth.Principal{person("c", "l", []any{"a", "b"}), person("d", "l", []any{"a", "b"}), person("e", "l", []any{"a"})}, "242"},
		"an expression":                        {"cel: claims.tenant + principal.subject", []*auth.Principal{alice, bob, alice}, "224"},
		"an expression of nobody":              {"cel: claims.tenant", []*auth.Principal{nil, nil, alice}, "242"},
		"an expression that fails refuses":     {"cel: claims.tenant", []*auth.Principal{person("a"), alice}, "32"},
		"an expression of the request":         {"cel: request.host", []*auth.Principal{nil, alice}, "24"},
	} {
		_, made := policies(t, "trafficPolicies: [{name: p, rateLimits: [{name: l, key: ['"+tc.key+"'], "+limitOfOne+"}]}]")
		p := made.policies["p"]
		got := ""
		for _, who := range tc.asks {
			d := p.whole.Judge(asked(t.Context(), who))
			switch {
			case d.next:
				got += "2"
			case d.Status == http.StatusTooManyRequests && d.Reason == "rate-limit" && d.Policy == "p" && d.Rule == "l":
				got += "4"
			case d.Status == http.StatusForbidden && d.Reason == "condition-error":
				got += "3"
			}
		}
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
		if identity := strings.Contains(tc.key, "claim") || strings.Contains(tc.key, "principal"); identity != (p.late != nil) || identity != (p.early == nil) {
			t.Errorf("%s: it is counted at the wrong place", name)
		}
	}
}

// TestKeysOfOtherPartsAreOthers: what one part ends with is not what the next
// begins with, and values of clients cannot make one key of two.
func TestKeysOfOtherPartsAreOthers(t *testing.T) {
	t.Parallel()
	_, made := policies(t, "trafficPolicies: [{name: p, rateLimits: [{name: l, key: ['header:X-A', 'header:X-B'], "+limitOfOne+"}]}]")
	p := made.policies["p"]
	for _, lines := range [][]string{{"X-A", "a", "X-B", "bc"}, {"X-A", "ab", "X-B", "c"}, {"X-A", "abc"}, {"X-B", "abc"}, {"X-A", "a\x00\x00\x00\x00", "X-B", "b"}, {"X-A", "a", "X-B", "\x00\x00\x00\x00b"}, {}} {
		if d := p.whole.Judge(asked(t.Context(), nil, lines...)); !d.next {
			t.Errorf("%q is counted with another one", lines)
		}
		if d := p.whole.Judge(asked(t.Context(), nil, lines...)); d.next {
			t.Errorf("%q is not counted", lines)
		}
	}
}

func TestTheFirstTierThatFitsHolds(t *testing.T) {
	t.Parallel()
	_, made := policies(t, `
trafficPolicies:
- name: p
  rateLimits:
  - name: l
    key: [principal]
    limit: {requests: 1, per: 1h}
    tiers:
    - {when: "has(claims.plan) && claims.plan == 'gold'", requests: 3, per: 1h}
    - {when: "has(claims.plan)", requests: 2, per: 1h}
    - {when: "request.headers.exists(h, h == 'x-fail') && claims.missing == 'x'", requests: 9, per: 1h}
    schedules:
    - {days: [Mon], to: "24:00", requests: 4, per: 1h}
    - {to: "12:00", requests: 5, per: 1h}`)
	p := made.policies["p"]
	if p.early != nil {
		t.Error("a tier that asks for claims is judged before anybody is known")
	}
	sunday := time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		who  *auth.Principal
		at   time.Time
		want int
	}{
		"gold":                    {person("a", "plan", "gold"), sunday, 3},
		"gold, in a schedule":     {person("b", "plan", "gold"), sunday.Add(24 * time.Hour), 3},
		"silver":                  {person("c", "plan", "silver"), sunday, 2},
		"no plan":                 {person("d"), sunday, 1},
		"nobody":                  {nil, sunday, 1},
		"on Monday":               {person("e"), sunday.Add(24 * time.Hour), 4},
		"on Monday morning":       {person("f"), sunday.Add(19 * time.Hour), 4},
		"in the morning":          {person("g"), sunday.Add(-3 * time.Hour), 5},
		"at the end of a minute":  {person("h"), sunday.Add(-time.Hour - time.Nanosecond), 5},
		"at the end of a morning": {person("i"), sunday.Add(-time.Hour), 1},
	} {
		got := 0
		for range 10 {
			x := asked(t.Context(), tc.who)
			x.Now = tc.at
			if p.whole.Judge(x).next {
				got++
			}
		}
		if got != tc.want {
			t.Errorf("%s: %d of ten, want %d", name, got, tc.want)
		}
	}
	if d := p.whole.Judge(asked(t.Context(), person("z"), "X-Fail", "1")); d.next || d.Reason != "condition-error" || d.Rule != "l" {
		t.Errorf("a tier that fails: %+v", d)
	}
}

func TestAPolicyIsSplitByWhatItNeedsToKnow(t *testing.T) {
	t.Parallel()
	_, made := policies(t, `
trafficPolicies:
- name: p
  concurrency: {requests: 1, key: [principal]}
  rateLimits:
  - {name: address, key: [client.ip], limit: {requests: 1, per: 1h}}
  - {name: who, key: [principal], limit: {requests: 1, per: 1h}}
- {name: default, mode: Default, rateLimits: [{name: who, key: [principal], limit: {requests: 1, per: 1h}}]}`)
	at := made.attach([]string{"p", "default"})
	if len(at.enforced) != 1 || len(at.late) != 1 || len(at.defaults) != 1 {
		t.Fatalf("%d early, %d late, %d defaults", len(at.enforced), len(at.late), len(at.defaults))
	}
	p := made.policies["p"]
	if len(p.early.local) != 1 || len(p.late.local) != 1 || p.early.concurrency != nil || p.late.concurrency == nil || len(p.whole.local) != 2 {
		t.Errorf("early %+v, late %+v", p.early, p.late)
	}
	if d := p.early.Judge(asked(t.Context(), nil)); !d.next {
		t.Error("the first is refused")
	}
	if d := p.whole.Judge(asked(t.Context(), person("a"))); d.next || d.Rule != "address" {
		t.Errorf("a part counts for itself: %+v", d)
	}
}

func TestConcurrencyIsGivenBack(t *testing.T) {
	t.Parallel()
	_, made := policies(t, "trafficPolicies: [{name: p, concurrency: {requests: 2, key: [client.ip]}, rateLimits: [{name: l, key: ['header:X'], "+limitOfOne+"}]}]")
	p := made.policies["p"].whole
	a, b, c, d := asked(t.Context(), nil, "X", "1"), asked(t.Context(), nil, "X", "2"), asked(t.Context(), nil, "X", "3"), asked(t.Context(), nil, "X", "1")
	if !p.Judge(a).next || !p.Judge(b).next {
		t.Fatal("two may be under way")
	}
	got := p.Judge(c)
	if got.next || got.Status != 429 || got.Reason != "concurrency-limit" || got.Policy != "p" {
		t.Errorf("the third: %+v", got)
	}
	c.release()
	a.release()
	a.release() // once
	if got := p.Judge(d); got.next || got.Reason != "rate-limit" {
		t.Errorf("after the first: %+v", got)
	}
	d.release() // what a limit refused is given back, too
	if !p.Judge(c).next {
		t.Error("what the concurrency refused was counted, or what was refused is held")
	}
	b.release()
	c.release()
	if n := p.concurrency.gauge.Len(); n != 0 {
		t.Errorf("%d keys are held", n)
	}
}

// sent are requests to a policy, one after the other, and what became of them in which order
// and when.
type sent struct {
	mu   sync.Mutex
	list []string
	all  sync.WaitGroup
}

func (l *sent) send(p *limits, name string, x *Exchange) {
	began := x.Now
	l.all.Go(func() {
		defer x.release()
		d := p.Judge(x)
		l.mu.Lock()
		defer l.mu.Unlock()
		what := d.Reason
		if d.next {
			what = "in"
		}
		if d.Header != nil {
			h := http.Header{}
			d.Header(h)
			what += " " + h.Get("Retry-After")
		}
		l.list = append(l.list, fmt.Sprintf("%s %s after %s", name, what, time.Since(began)))
	})
	synctest.Wait()
}

func TestRequestsWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, made := policies(t, `
trafficPolicies:
- name: p
  concurrency: {requests: 7}
  rateLimits:
  - {name: l, key: ["header:X"], limit: {requests: 1, per: 1s}, onExceed: {action: Queue, maxWait: 3s, maxQueued: 3}}
  - {name: hard, key: ["header:Y"], limit: {requests: 1, per: 1h}}`)
		p := made.policies["p"].whole
		l := &sent{}
		gone, leave := context.WithCancel(t.Context())
		l.send(p, "a1", asked(t.Context(), nil, "X", "a", "Y", "1"))
		l.send(p, "a2", asked(t.Context(), nil, "X", "a", "Y", "2"))
		l.send(p, "a3", asked(gone, nil, "X", "a", "Y", "3"))
		l.send(p, "a4", asked(t.Context(), nil, "X", "a", "Y", "4"))
		l.send(p, "a5", asked(t.Context(), nil, "X", "a", "Y", "5")) // a fourth that waits
		l.send(p, "b1", asked(t.Context(), nil, "X", "b", "Y", "6"))
		l.send(p, "b2", asked(t.Context(), nil, "X", "b", "Y", "1")) // its turn will come, and then the other limit refuses
		leave()
		l.all.Wait()
		want := []string{
			"a1 in after 0s", "a5 rate-limit-queue-full 3 after 0s", "b1 in after 0s", "a3 client-gone after 0s",
			"a2 in after 1s", "b2 rate-limit 3599 after 1s", "a4 in after 2s",
		}
		slices.Sort(want)
		slices.Sort(l.list)
		if !slices.Equal(l.list, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(l.list, "\n"), strings.Join(want, "\n"))
		}
		if s.queue.Len() != 0 || p.concurrency.gauge.Len() != 0 {
			t.Error("something is left")
		}
		l.list = nil
		l.send(p, "c1", asked(t.Context(), nil, "X", "c", "Y", "c1"))
		l.send(p, "c2", asked(t.Context(), nil, "X", "c", "Y", "c2"))
		s.queue.Drain()
		l.all.Wait()
		if want := []string{"c1 in after 0s", "c2 rate-limit 1 after 0s"}; !slices.Equal(l.list, want) {
			t.Errorf("at the end: got %q, want %q", l.list, want)
		}
	})
}

// TestRequestsWaitForOneLimitAfterTheOther, and no longer than either lets them.
func TestRequestsWaitForOneLimitAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, made := policies(t, `
trafficPolicies:
- name: p
  rateLimits:
  - {name: x, key: ["header:X"], limit: {requests: 1, per: 2s}, onExceed: {action: Queue, maxWait: 10s}}
  - {name: y, key: ["header:Y"], limit: {requests: 1, per: 5s}, onExceed: {action: Queue, maxWait: 6s}}`)
		p := made.policies["p"].whole
		l := &sent{}
		l.send(p, "1", asked(t.Context(), nil, "X", "a", "Y", "a"))
		l.send(p, "2", asked(t.Context(), nil, "X", "a", "Y", "a"))
		l.send(p, "3", asked(t.Context(), nil, "X", "a", "Y", "a"))
		l.all.Wait()
		if want := []string{"1 in after 0s", "2 in after 5s", "3 rate-limit-queue-late 3 after 7s"}; !slices.Equal(l.list, want) {
			t.Errorf("got %q, want %q", l.list, want)
		}
	})
}

func TestShadowsAreTold(t *testing.T) {
	t.Parallel()
	_, made := policies(t, "trafficPolicies: [{name: p, rateLimits: [{name: l, "+limitOfOne+", onExceed: {action: Shadow}}]}]")
	for i, want := range []string{"", "p/l"} {
		x := asked(t.Context(), nil)
		if d := made.policies["p"].whole.Judge(x); !d.next || x.answer.record.Shadow != want {
			t.Errorf("request %d: %+v, told %q", i, d, x.answer.record.Shadow)
		}
	}
}

func TestSeveralProcessesShareALimit(t *testing.T) {
	t.Parallel()
	for _, failure := range []string{"Deny", "Local"} {
		m := miniredis.RunT(t)
		text := fmt.Sprintf(`
stores: [{name: s, redis: {address: %q, timeout: 10s}}]
trafficPolicies:
- name: p
  store: s
  onStoreFailure: %s
  rateLimits:
  - {name: here, limit: {requests: 4, per: 1h}}
  - {name: all, scope: Gateway, key: [client.ip], limit: {requests: 3, per: 1h}}
  - {name: each, scope: Gateway, key: ["header:X"], limit: {requests: 2, per: 1h}}`, m.Addr(), failure)
		_, one := policies(t, text)
		_, two := policies(t, text)
		ask := func(of *traffic, x string) string {
			d := of.policies["p"].whole.Judge(asked(t.Context(), nil, "X", x))
			return fmt.Sprintf("%v%d%s%s", d.next, d.Status, d.Reason, d.Rule)
		}
		const in = "true0"
		const many = "false429rate-limit"
		for i, tc := range []struct {
			of   *traffic
			x    string
			want string
		}{
			{one, "1", in},
			{two, "1", in},
			{one, "1", many + "each"},
			{one, "1", many + "each"},
			{one, "2", in}, // what was refused is counted by none, here or there
			{two, "3", many + "all"},
			{two, "2", many + "all"},
		} {
			if got := ask(tc.of, tc.x); got != tc.want {
				t.Errorf("%s: request %d: got %s, want %s", failure, i, got, tc.want)
			}
		}
		m.Close()
		want := []string{"false503limit-store-unavailable", "false503limit-store-unavailable", "false503limit-store-unavailable", "false503limit-store-unavailable"}
		if failure == "Local" {
			want = []string{in, in, many + "here", many + "here"}
		}
		for i, x := range []string{"a", "b", "c", "d"} {
			if got := ask(one, x); got != want[i] {
				t.Errorf("%s: request %d without the store: got %s, want %s", failure, i, got, want[i])
			}
		}
	}
}

// TestWhatIsNoLongerNamedIsClosed, and what stays is the same one.
func TestWhatIsNoLongerNamedIsClosed(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	s := newLimitState()
	apply := func(text string) *traffic {
		t.Helper()
		snap, err := config.Decode("g", []byte("listeners: [{name: web, address: '127.0.0.1:1', protocol: HTTP}]\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		made, err := s.compile(snap)
		if err != nil {
			t.Fatal(err)
		}
		made.keep()
		return made
	}
	with := func(prefix string) string {
		return fmt.Sprintf("stores: [{name: s, redis: {address: %q, prefix: %s}}]\ntrafficPolicies: [{name: p, concurrency: {requests: 1}, rateLimits: [{name: l, %s}]}]", m.Addr(), prefix, limitOfOne)
	}
	first := apply(with("a"))
	if !first.policies["p"].whole.Judge(asked(t.Context(), nil)).next {
		t.Fatal("the first is refused")
	}
	second := apply(with("a"))
	if second.stores["s"] != first.stores["s"] {
		t.Error("a store that stays is opened again")
	}
	if d := second.policies["p"].whole.Judge(asked(t.Context(), nil)); d.Reason != "concurrency-limit" {
		t.Errorf("what was under way is forgotten: %+v", d)
	}
	third := apply(with("b"))
	if third.stores["s"] == first.stores["s"] || !third.stores["s"].store.Up() {
		t.Error("a store that changed is not opened again")
	}
	apply("")
	s.close()
	for i, o := range []*opened{first.stores["s"], third.stores["s"]} {
		if o.store.Up() {
			t.Errorf("store %d is open", i)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); m.CurrentConnectionCount() > 0; <-time.After(time.Millisecond) { // the server may find out later
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are left", m.CurrentConnectionCount())
		}
	}
}

func BenchmarkLimits(b *testing.B) {
	_, made := policies(b, `
trafficPolicies:
- name: p
  concurrency: {requests: 100, key: [client.ip]}
  rateLimits:
  - {name: address, key: [client.ip], limit: {requests: 1000000, per: 1s}}
  - {name: who, key: [principal, host], limit: {requests: 1000000, per: 1s}}`)
	p := made.policies["p"].whole
	x := asked(b.Context(), person("alice"))
	b.ReportAllocs()
	for b.Loop() {
		x.held = x.held[:0]
		if d := p.Judge(x); !d.next {
			b.Fatal(d)
		}
		for _, h := range x.held {
			h.gauge.Leave(h.key)
		}
	}
}
