// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// recoveryLimit is what issue and operations page promise.
const recoveryLimit = 30 * time.Second

// patience is for what has no limit of its own: the machine may be as slow as it likes.
const patience = 2 * time.Minute

// customer asks for one URL twenty times a second, by a connection that is kept or by a
// new one each time.
type customer struct {
	url    string
	client *http.Client
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu      sync.Mutex
	answers []answer
}

// answer is what became of one request.
type answer struct {
	began, ended time.Time
	status       int // 0: there was none
	fault        string
}

func (a answer) String() string {
	if a.status == 0 {
		return a.fault
	}
	return fmt.Sprintf("status %d", a.status)
}

// customers are one of each sort for a URL.
func customers(t *testing.T, url string) []*customer {
	t.Helper()
	return []*customer{newCustomer(t, url, true), newCustomer(t, url, false)}
}

func newCustomer(t *testing.T, url string, keep bool) *customer {
	t.Helper()
	tr := &http.Transport{DisableKeepAlives: !keep}
	ctx, cancel := context.WithCancel(context.Background())
	c := &customer{url: url, client: &http.Client{Transport: tr, Timeout: patience}, cancel: cancel}
	c.ended.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			c.ask(context.WithoutCancel(ctx))
		}
	})
	t.Cleanup(func() { c.stop(); tr.CloseIdleConnections() })
	return c
}

func (c *customer) ask(ctx context.Context) {
	a := answer{began: time.Now()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err == nil {
		var res *http.Response
		if res, err = c.client.Do(req); err == nil {
			a.status = res.StatusCode
			_, err = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	}
	if err != nil {
		a.status, a.fault = 0, err.Error()
	}
	a.ended = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = append(c.answers, a)
}

// stop ends it. What is asked then is still answered.
func (c *customer) stop() {
	c.cancel()
	c.ended.Wait()
}

// between are the answers to what was asked after one time and answered before another.
func (c *customer) between(from, to time.Time) []answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []answer
	for _, a := range c.answers {
		if a.began.After(from) && a.ended.Before(to) {
			out = append(out, a)
		}
	}
	return out
}

// enough waits until each of some customers has been given a status twenty times for what
// it asked after a time.
func enough(t *testing.T, all []*customer, since time.Time, status int) {
	t.Helper()
	for _, c := range all {
		controlplane.Eventually(t, patience, fmt.Sprintf("%s is answered with %d twenty times", c.url, status), func() error {
			n := 0
			last := answer{}
			for _, last = range c.between(since, time.Now()) {
				if last.status == status {
					n++
				}
			}
			if n < 20 {
				return fmt.Errorf("%d times, and %s last", n, last)
			}
			return nil
		})
	}
}

// recovered waits until each of some customers has been given a status for twenty
// requests in a row, and returns how long after a time the first of these was answered.
func recovered(t *testing.T, all []*customer, since time.Time, status int) time.Duration {
	t.Helper()
	var latest time.Time
	for _, c := range all {
		controlplane.Eventually(t, patience, fmt.Sprintf("%s is answered with %d again", c.url, status), func() error {
			row := 0
			var first time.Time
			for _, a := range c.between(since, time.Now()) {
				if row++; a.status != status {
					row = 0
				} else if row == 1 {
					first = a.ended
				}
			}
			if row < 20 {
				return fmt.Errorf("%d times in a row", row)
			}
			if first.After(latest) {
				latest = first
			}
			return nil
		})
	}
	return withinLimit(t, latest.Sub(since))
}

func withinLimit(t *testing.T, took time.Duration) time.Duration {
	t.Helper()
	if took > recoveryLimit {
		t.Errorf("recovery took %s, want %s at most", took, recoveryLimit)
	}
	return took
}

// ended stops customers, and counts what they asked in all. Each answer but one with
// a status that may be is a fault.
func ended(t *testing.T, all []*customer, may ...int) (asked, failed int) {
	t.Helper()
	first := answer{}
	for _, c := range all {
		c.stop()
		asked += len(c.answers)
		for _, a := range c.answers {
			if !slices.Contains(may, a.status) {
				if failed++; failed == 1 {
					first = a
				}
			}
		}
	}
	if asked == 0 || failed > 0 {
		t.Errorf("%s: %d of %d requests failed, first: %s", all[0].url, failed, asked, first)
	}
	return asked, failed
}
