// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"io"
	"net/http"
	"path"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// Lag holds the events of watches back, as a slow network or a busy API server
// does; all other requests pass at once. The zero value holds nothing back. Safe
// for concurrent use.
type Lag struct {
	mu  sync.Mutex
	now setting
}

type setting struct {
	by      func(resource string) time.Duration
	changed chan struct{} // closed when another setting takes its place
}

// Set says how long events are held back from now on, those that wait already
// included, by the plural name of what is watched. It is asked anew for every
// piece that the server sends, and no piece overtakes an earlier one of the same
// watch.
func (l *Lag) Set(by func(resource string) time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now.changed != nil {
		close(l.now.changed)
	}
	l.now = setting{by, make(chan struct{})}
}

// SetAll holds the events of every watch back for d; 0 lets go of all that wait.
func (l *Lag) SetAll(d time.Duration) { l.Set(func(string) time.Duration { return d }) }

// of returns how long a piece is held back, and a channel that is closed when
// that may no longer be so.
func (l *Lag) of(resource string) (time.Duration, <-chan struct{}) {
	l.mu.Lock()
	if l.now.by == nil {
		l.now = setting{func(string) time.Duration { return 0 }, make(chan struct{})}
	}
	s := l.now
	l.mu.Unlock()
	return s.by(resource), s.changed
}

// Slow returns a copy of a client configuration whose watches lag.
func (l *Lag) Slow(config *rest.Config) *rest.Config {
	out := rest.CopyConfig(config)
	out.Wrap(func(next http.RoundTripper) http.RoundTripper { return lagging{next, l} })
	return out
}

type lagging struct {
	next http.RoundTripper
	lag  *Lag
}

// RoundTrip implements http.RoundTripper.
func (t lagging) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if watch := req.URL.Query().Get("watch"); err != nil || watch != "true" && watch != "1" {
		return resp, err
	}
	line := &delayLine{in: resp.Body, lag: t.lag, resource: path.Base(req.URL.Path), pieces: make(chan piece, 4096), closed: make(chan struct{})}
	go line.fill()
	resp.Body = line
	return resp, nil
}

// piece is what one read of a body gave.
type piece struct {
	data []byte
	err  error
	came time.Time
}

// delayLine is a body that gives what it reads later than it reads it.
type delayLine struct {
	in       io.ReadCloser
	lag      *Lag
	resource string
	pieces   chan piece
	closed   chan struct{}
	once     sync.Once
	rest     piece // of one that did not fit
}

func (d *delayLine) fill() {
	buffer := make([]byte, 32<<10)
	for {
		n, err := d.in.Read(buffer)
		select {
		case d.pieces <- piece{append([]byte(nil), buffer[:n]...), err, time.Now()}:
		case <-d.closed:
			return
		}
		if err != nil {
			return
		}
	}
}

// Read implements io.Reader.
func (d *delayLine) Read(out []byte) (int, error) {
	if len(d.rest.data) == 0 && d.rest.err == nil {
		select {
		case d.rest = <-d.pieces:
		case <-d.closed:
			return 0, io.ErrClosedPipe
		}
		if !d.hold(d.rest.came) {
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(out, d.rest.data)
	d.rest.data = d.rest.data[n:]
	if len(d.rest.data) > 0 {
		return n, nil
	}
	return n, d.rest.err
}

// hold waits until a piece may pass; false when the body is closed before.
func (d *delayLine) hold(came time.Time) bool {
	for {
		delay, changed := d.lag.of(d.resource)
		left := time.Until(came.Add(delay))
		if left <= 0 {
			return true
		}
		wait := time.NewTimer(left)
		select {
		case <-wait.C:
			return true
		case <-changed:
			wait.Stop()
		case <-d.closed:
			wait.Stop()
			return false
		}
	}
}

// Close implements io.Closer. A Read that waits returns.
func (d *delayLine) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.in.Close()
}
