// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"bytes"
	"io"
	"net/netip"
	"sync"
	"time"
)

// Bounds of what waits to be written.
const (
	maxWaiting = 64 << 10
	flushEvery = 100 * time.Millisecond
)

// Log writes a line of JSON for each record. What has been written arrives after
// 100 ms at the latest; when there is more than 64 KiB of it, whoever writes
// waits: nothing is lost while the reader is slow. Its methods may be called by any
// number of goroutines.
type Log struct {
	out   *waiting
	end   chan struct{}
	once  sync.Once
	ended sync.WaitGroup
}

// waiting gathers lines.
type waiting struct {
	mu     sync.Mutex
	to     io.Writer
	b      []byte
	lost   func(lines int)
	failed func(error)
	broken bool // the last writing failed, and it was told
	torn   bool // the last line that is there is not whole: the next begins a new one
}

// NewLog writes to an io.Writer, until Redirect. Lines that cannot be written are
// counted by lost; why is told to failed, once until they can be again.
func NewLog(to io.Writer, lost func(lines int), failed func(error)) *Log {
	l := &Log{out: &waiting{to: to, lost: lost, failed: failed}, end: make(chan struct{})}
	l.ended.Go(func() {
		tick := time.NewTicker(flushEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.out.flush()
			case <-l.end:
				l.out.flush()
				return
			}
		}
	})
	return l
}

// Redirect writes what waits, and everything after it to somewhere else. It returns
// where was written to before.
func (l *Log) Redirect(to io.Writer) io.Writer {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	l.out.write()
	before := l.out.to
	l.out.to, l.out.broken, l.out.torn = to, false, false
	return before
}

// Close writes what waits. What is recorded after it waits for nobody.
func (l *Log) Close() {
	l.once.Do(func() { close(l.end) })
	l.ended.Wait()
}

// Record writes one line, with the address of the client as it is told.
func (l *Log) Record(r *Record, client string) {
	b := lines.get()
	defer lines.put(b)
	b.record(r, client)
	_, _ = l.out.Write(b.b) // waiting says what fails
}

// Write implements io.Writer. It is called with whole lines.
func (w *waiting) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.b)+len(line) > maxWaiting {
		w.write()
	}
	w.b = append(w.b, line...)
	return len(line), nil
}

func (w *waiting) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.write()
}

func (w *waiting) write() {
	if len(w.b) == 0 {
		return
	}
	n, err := 0, error(nil)
	if w.torn {
		_, err = w.to.Write([]byte{'\n'})
		w.torn = err != nil
	}
	if err == nil {
		n, err = w.to.Write(w.b)
	}
	if err != nil {
		w.torn = w.torn || n > 0 && w.b[n-1] != '\n'
		w.lost(bytes.Count(w.b[n:], []byte{'\n'})) // the one that is there in part is lost, too
		if !w.broken {
			w.failed(err)
		}
	}
	w.b, w.broken = w.b[:0], err != nil
}

// Addresses are the ways in which addresses of clients are told.
var Addresses = map[string]func(netip.Addr) string{
	"Full": func(a netip.Addr) string {
		if !a.IsValid() {
			return ""
		}
		return a.String()
	},
	"Prefix": prefix,
	"Off":    func(netip.Addr) string { return "" },
}

// prefix leaves of an address what does not lead to one customer.
func prefix(a netip.Addr) string {
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil || !a.IsValid() {
		return ""
	}
	return p.String()
}
