// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// fake is an endpoint that does what a test says.
type fake struct {
	mu    sync.Mutex
	asked int
	do    func(ctx context.Context) (int, error)
}

func (f *fake) Do(ctx context.Context, _ *http1.Request) (*http1.Response, error) {
	f.mu.Lock()
	f.asked++
	do := f.do
	f.mu.Unlock()
	status, err := do(ctx)
	if err != nil {
		return nil, err
	}
	return &http1.Response{Status: status, Body: http.NoBody}, nil
}

func (*fake) Close() {}

func (f *fake) times() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *fake) set(do func(context.Context) (int, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.do = do
}

func says(status int) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return status, nil }
}

func fails(stage http1.Stage) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return 0, &http1.Error{Stage: stage, Err: io.EOF} }
}

// pool makes a backend of fakes.
func pool(t *testing.T, b *config.Backend, fakes ...*fake) *Pool {
	t.Helper()
	p := newPool("b", "", nil, Own)
	var list []*endpoint
	for i, f := range fakes {
		e := p.newEndpoint(fmt.Sprintf("192.0.2.%d:80", i+1))
		e.sender = f
		b.Endpoints = append(b.Endpoints, netip.MustParseAddrPort(e.address))
		list = append(list, e)
	}
	p.endpoints.Store(&list)
	p.update(b)
	t.Cleanup(func() { p.close() })
	return p
}

// send sends a request and closes the response.
func send(ctx context.Context, p *Pool, method string, retry *Retry) (int, error) {
	res, err := p.Send(ctx, &http1.Request{Method: method, Path: "/", Host: "a"}, retry)
	if err != nil {
		return 0, err
	}
	defer res.Close()
	return res.Status, nil
}

var once = NewRetry(&config.Retry{})

func TestRequestsAreSpread(t *testing.T) {
	t.Parallel()
	for balance, even := range map[string]bool{"": false, "LeastRequest": false, "Random": false, "RoundRobin": true} {
		fakes := []*fake{{do: says(200)}, {do: says(200)}, {do: says(200)}}
		p := pool(t, &config.Backend{Balance: balance}, fakes...)
		for range 3000 {
			if _, err := send(t.Context(), p, "GET", once); err != nil {
				t.Fatal(err)
			}
		}
		for i, f := range fakes {
			if n := f.times(); even && n != 1000 || n < 800 || n > 1200 {
				t.Errorf("%q: endpoint %d got %d of 3000", balance, i, n)
			}
		}
	}
}

func TestTheLessBusyEndpointIsTaken(t *testing.T) {
	t.Parallel()
	slow, quick := &fake{do: says(200)}, &fake{do: says(200)}
	p := pool(t, &config.Backend{}, slow, quick)
	(*p.endpoints.Load())[0].requests.Add(1)
	for range 100 {
		if _, err := send(t.Context(), p, "GET", once); err != nil {
			t.Fatal(err)
		}
	}
	if slow.times() != 0 || quick.times() != 100 {
		t.Errorf("%d went to the busy one, %d to the other", slow.times(), quick.times())
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	timedOut := func(context.Context) (int, error) {
		return 0, &http1.Error{Stage: http1.Waiting, Err: os.ErrDeadlineExceeded}
	}
	for name, tc := range map[string]struct {
		retry  *config.Retry
		first  func(context.Context) (int, error)
		method string
		again  bool
	}{
		"no connection":                        {nil, fails(http1.Connecting), "GET", true},
		"no connection for a POST":             {nil, fails(http1.Connecting), "POST", true},
		"an answer cut off":                    {nil, fails(http1.Answering), "GET", false},
		"a reset that nobody asked about":      {nil, fails(http1.Waiting), "GET", false},
		"a reset":                              {&config.Retry{Attempts: 1, On: []string{"reset-before-answer"}}, fails(http1.Waiting), "GET", true},
		"a reset of a POST":                    {&config.Retry{Attempts: 1, On: []string{"reset-before-answer"}}, fails(http1.Waiting), "POST", false},
		"a reset of a POST that may":           {&config.Retry{Attempts: 1, On: []string{"reset-before-answer"}, Methods: "Any"}, fails(http1.Waiting), "POST", true},
		"an answer cut off where resets may":   {&config.Retry{Attempts: 1, On: []string{"reset-before-answer"}}, fails(http1.Answering), "GET", false},
		"a time that has passed":               {&config.Retry{Attempts: 1, On: []string{"reset-before-answer"}}, timedOut, "GET", false},
		"a time that has passed, which may":    {&config.Retry{Attempts: 1, On: []string{"attempt-timeout"}}, timedOut, "GET", true},
		"a time that has passed for a POST":    {&config.Retry{Attempts: 1, On: []string{"attempt-timeout"}}, timedOut, "POST", false},
		"a reset where times may":              {&config.Retry{Attempts: 1, On: []string{"attempt-timeout"}}, fails(http1.Waiting), "GET", false},
		"503":                                  {&config.Retry{Attempts: 1, On: []string{"503"}}, says(503), "GET", true},
		"503 to a POST":                        {&config.Retry{Attempts: 1, On: []string{"503"}}, says(503), "POST", false},
		"502 where 503 may":                    {&config.Retry{Attempts: 1, On: []string{"503"}}, says(502), "GET", false},
		"no connection where 503 may":          {&config.Retry{Attempts: 1, On: []string{"503"}}, fails(http1.Connecting), "GET", false},
		"none at all":                          {&config.Retry{}, fails(http1.Connecting), "GET", false},
		"a body of the client that has faults": {&config.Retry{Attempts: 1, On: []string{"reset-before-answer", "connect-failure"}}, fails(http1.Asking), "GET", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				retry := DefaultRetry
				if tc.retry != nil {
					retry = NewRetry(tc.retry)
				}
				first, second := &fake{do: tc.first}, &fake{do: says(200)}
				p := pool(t, &config.Backend{}, first, second)
				(*p.endpoints.Load())[1].requests.Add(1) // the first is taken
				status, err := send(t.Context(), p, tc.method, retry)
				if again := second.times() == 1; again != tc.again || again != (err == nil && status == 200) || first.times() != 1 {
					t.Errorf("got %d, %v; the first was asked %d times, the second %d", status, err, first.times(), second.times())
				}
				if p.retries.Load() != 0 || p.gate.active.Load() != 0 {
					t.Errorf("%d tries and %d requests are left", p.retries.Load(), p.gate.active.Load())
				}
			})
		})
	}
}

func TestLongBodiesAreNotSentTwice(t *testing.T) {
	t.Parallel()
	retry := NewRetry(&config.Retry{Attempts: 1, On: []string{"503"}, Methods: "Any"})
	for name, tc := range map[string]struct{ length, times int64 }{"short": {16 << 10, 2}, "long": {16<<10 + 1, 1}, "of no known length": {-1, 1}} {
		f := &fake{do: says(503)}
		p := pool(t, &config.Backend{}, f)
		res, err := p.Send(t.Context(), &http1.Request{Method: "PUT", Path: "/", Host: "a", Length: tc.length, Body: io.NopCloser(strings.NewReader(strings.Repeat("a", 16<<10+1)[:max(tc.length, 1)]))}, retry)
		if err != nil {
			t.Fatal(err)
		}
		res.Close()
		if int64(f.times()) != tc.times {
			t.Errorf("a body that is %s was sent %d times", name, f.times())
		}
	}
}

func TestRetriesHaveABudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		held := make(chan struct{})
		f := &fake{do: func(context.Context) (int, error) { <-held; return 503, nil }}
		p := pool(t, &config.Backend{}, f)
		retry := NewRetry(&config.Retry{Attempts: 1, On: []string{"503"}, Budget: 10, Backoff: config.Duration(time.Second)})
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { _, _ = send(t.Context(), p, "GET", retry) })
		}
		synctest.Wait()
		close(held) // all fail at once
		all.Wait()
		if n := f.times(); n < 103 || n > 110 {
			t.Errorf("%d requests, want 100 and 10 %% of those, but 3, at most", n)
		}
	})
}

func TestAnEndpointThatFailsIsEjectedAndTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bad, good := &fake{do: says(503)}, &fake{do: says(200)}
		p := pool(t, &config.Backend{Balance: "RoundRobin", Outlier: &config.Outlier{Failures: 3, Ejection: config.Duration(10 * time.Second)}}, bad, good)
		some := func(n int) {
			for range n {
				if _, err := send(t.Context(), p, "GET", once); err != nil {
					t.Fatal(err)
				}
			}
		}
		expect := func(what string, want int) {
			t.Helper()
			if bad.times() != want {
				t.Errorf("%s: it was asked %d times, want %d", what, bad.times(), want)
			}
		}
		some(20)
		expect("after three failures", 3)
		time.Sleep(11 * time.Second)
		some(20)
		expect("one request tries it", 4)
		time.Sleep(11 * time.Second)
		some(20)
		expect("it stays out for twice as long", 4)
		time.Sleep(10 * time.Second)
		bad.set(says(200))
		some(21)
		if n := bad.times(); n < 12 {
			t.Errorf("it is well again, and was asked %d times", n-4)
		}
		bad.set(fails(http1.Connecting))
		good.set(fails(http1.Connecting))
		for range 50 {
			_, _ = send(t.Context(), p, "GET", once)
		}
		out := 0
		for _, e := range *p.endpoints.Load() {
			if e.until.Load() != 0 {
				out++
			}
		}
		if out != 1 {
			t.Errorf("%d of two endpoints are ejected", out)
		}
	})
}

func TestOneEndpointIsNotEjected(t *testing.T) {
	t.Parallel()
	f := &fake{do: says(503)}
	p := pool(t, &config.Backend{Outlier: &config.Outlier{Failures: 1}}, f)
	for range 5 {
		if status, err := send(t.Context(), p, "GET", once); status != 503 || err != nil {
			t.Fatal(status, err)
		}
	}
}

func TestWhatAClientDoesEjectsNothing(t *testing.T) {
	t.Parallel()
	a, b := &fake{do: fails(http1.Asking)}, &fake{do: fails(http1.Asking)}
	p := pool(t, &config.Backend{Outlier: &config.Outlier{Failures: 1}}, a, b)
	ctx, cancel := context.WithCancel(t.Context())
	gone := func(context.Context) (int, error) {
		cancel()
		return 0, &http1.Error{Stage: http1.Waiting, Err: context.Canceled}
	}
	for range 10 {
		_, _ = send(t.Context(), p, "GET", once)
	}
	a.set(gone)
	b.set(gone)
	_, _ = send(ctx, p, "GET", once)
	late, end := context.WithDeadline(t.Context(), time.Now())
	defer end()
	<-late.Done()
	a.set(fails(http1.Waiting))
	b.set(fails(http1.Waiting))
	for range 10 { // it sends so slowly that the time of the route is over
		_, _ = p.Send(late, &http1.Request{Method: "POST", Path: "/", Host: "a", Length: 1 << 20, Body: io.NopCloser(strings.NewReader(""))}, once)
	}
	for _, e := range *p.endpoints.Load() {
		if e.until.Load() != 0 {
			t.Errorf("%s is ejected", e.address)
		}
	}
}

// informer is a function that is told.
type informer func(code int, h http.Header) error

func (f informer) Inform(code int, h http.Header) error { return f(code, h) }

// TestNothingIsToldOnceNobodyWaits: the goroutine of net/http that reads from a backend
// must not write the header lines of an answer that is being given already.
func TestNothingIsToldOnceNobodyWaits(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		<-r.Context().Done()
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	set := NewSet(Own)
	t.Cleanup(set.Close)
	pools, err := set.Update([]config.Backend{{Name: "b", Protocol: "h2c", Endpoints: []netip.AddrPort{netip.MustParseAddrPort(s.Listener.Addr().String())}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	returned, late := make(chan struct{}), make(chan bool, maxInforms)
	r := &http1.Request{Method: "GET", Path: "/", Host: "a", Header: http.Header{}, Informed: informer(func(int, http.Header) error {
		cancel()
		select {
		case <-returned:
			late <- true
		case <-time.After(100 * time.Millisecond): // who waits for this goroutine does not return
			late <- false
		}
		return nil
	})}
	_, err = pools["b"].Send(ctx, r, once)
	close(returned)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if <-late {
		t.Error("a request had ended and was told of a response")
	}
}

func TestEndpointsOutliveConfigurations(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	set := NewSet(Own)
	defer set.Close()
	backend := config.Backend{Name: "b", Endpoints: []netip.AddrPort{netip.MustParseAddrPort(s.Listener.Addr().String())}}
	update := func(list ...config.Backend) *Pool {
		t.Helper()
		pools, err := set.Update(list, nil)
		if err != nil {
			t.Fatal(err)
		}
		return pools["b"]
	}
	p := update(backend)
	client, _ := (*p.endpoints.Load())[0].sender.(*http1.Client)
	for range 5 {
		if status, err := send(t.Context(), p, "GET", once); status != 200 || err != nil || client.Idle() != 1 {
			t.Fatal(status, err, client.Idle())
		}
		if again := update(backend, config.Backend{Name: "other"}); again != p || (*p.endpoints.Load())[0].sender != sender(client) {
			t.Fatal("it is another one")
		}
	}
	update()
	if client.Idle() != 0 {
		t.Error("the connections of a backend that is no more are open")
	}
	if _, err := send(t.Context(), p, "GET", once); !errors.Is(err, ErrNoEndpoints) {
		t.Errorf("got %v", err)
	}
}
