// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// checker asks the endpoints of a backend how they are, until it is stopped.
type checker struct {
	config config.Health
	stop   context.CancelFunc
	ended  chan struct{}
}

// fits tells whether a checker may go on.
func (c *checker) fits(h *config.Health) bool {
	if c == nil || h == nil {
		return c == nil && h == nil
	}
	a, b := c.config, *h
	same := slices.Equal(a.Statuses, b.Statuses)
	a.Statuses, b.Statuses = nil, nil
	return same && a.Path == b.Path && a.Host == b.Host && a.Interval == b.Interval && a.Timeout == b.Timeout && a.Unhealthy == b.Unhealthy && a.Healthy == b.Healthy
}

// check makes the checks those that are configured. What is known of endpoints stays,
// unless nobody asks any more.
func (p *Pool) check(h *config.Health) {
	if p.checker.fits(h) {
		return
	}
	if c := p.checker; c != nil {
		c.stop()
		<-c.ended
		p.checker = nil
	}
	if h == nil {
		for _, e := range *p.endpoints.Load() {
			e.unhealthy.Store(false)
		}
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &checker{config: *h, stop: stop, ended: make(chan struct{})}
	p.checker = c
	go func() {
		defer close(c.ended)
		for ctx.Err() == nil {
			c.round(ctx, p)
			every := c.config.Interval.Or(10 * time.Second)
			t := time.NewTimer(every*4/5 + rand.N(every*2/5+1)) //nolint:gosec // not a secret
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
			}
		}
	}()
}

// atOnce is how many endpoints of a backend are asked at the same time.
const atOnce = 16

func (c *checker) round(ctx context.Context, p *Pool) {
	var asking sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for _, e := range *p.endpoints.Load() {
		free <- struct{}{}
		asking.Go(func() {
			defer func() { <-free }()
			one, cancel := context.WithTimeout(ctx, c.config.Timeout.Or(time.Second))
			defer cancel()
			err := c.ask(one, p, e)
			if ctx.Err() == nil {
				c.count(e, err == nil)
			}
		})
	}
	asking.Wait()
	p.gate.admit() // an endpoint may be well again
}

// count makes an endpoint healthy or unhealthy after so many answers in a row.
func (c *checker) count(e *endpoint, well bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if well {
		e.good, e.bad = e.good+1, 0
	} else {
		e.good, e.bad = 0, e.bad+1
	}
	switch {
	case e.bad >= cmp.Or(c.config.Unhealthy, 3):
		e.unhealthy.Store(true)
	case e.good >= cmp.Or(c.config.Healthy, 2):
		e.unhealthy.Store(false)
	}
}

// answerBytes bounds what is read of an answer, so that its connection can be kept.
const answerBytes = 64 << 10

var errUnwell = errors.New("it says that it is not well")

func (c *checker) ask(ctx context.Context, p *Pool, e *endpoint) error {
	if c.config.Path == "" {
		conn, err := p.dialer.dial(ctx, e.address)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	path, query, _ := strings.Cut(c.config.Path, "?")
	r := &http1.Request{
		Method: http.MethodGet, Path: path, Query: query, Host: cmp.Or(c.config.Host, e.address),
		Header: http.Header{"User-Agent": {"gatehouse-health"}, "Accept": {"*/*"}},
	}
	defer r.Release()
	if err := r.Prepare(); err != nil {
		return err
	}
	res, err := e.sender.Do(ctx, r)
	if err != nil {
		return err
	}
	defer res.Close()
	well := res.Status >= 200 && res.Status < 300
	if len(c.config.Statuses) > 0 {
		well = slices.Contains(c.config.Statuses, res.Status)
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, answerBytes)); err != nil {
		return err
	}
	if !well {
		return fmt.Errorf("%w: %d", errUnwell, res.Status)
	}
	return nil
}
