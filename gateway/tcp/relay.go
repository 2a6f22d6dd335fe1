// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// ErrIdle says that nothing was said for too long.
var ErrIdle = errors.New("nothing was said")

var buffers = sync.Pool{New: func() any {
	b := make([]byte, 32<<10)
	return &b
}}

// Relay joins two connections until both have said that nothing more comes, one of
// them fails, or neither says anything for as long as idle. When one side ends, the
// other one is told, and may go on. It closes both.
func Relay(a, b net.Conn, idle time.Duration) {
	var last atomic.Int64
	last.Store(time.Now().UnixNano())
	stop := func() { _, _ = a.Close(), b.Close() } // both are to end
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			if err := pump(way[1], way[0], idle, &last); err != nil || closeWrite(way[1]) != nil {
				stop() // the other way ends by it
			}
		})
	}
	both.Wait()
	stop()
}

// pump copies until from ends, which is nil.
func pump(to, from net.Conn, idle time.Duration, last *atomic.Int64) error {
	b, ok := buffers.Get().(*[]byte)
	if !ok {
		b = new([]byte)
	}
	defer buffers.Put(b)
	for {
		if err := from.SetReadDeadline(time.Unix(0, last.Load()).Add(idle)); err != nil {
			return err
		}
		n, err := from.Read(*b)
		if n > 0 {
			now := time.Now()
			last.Store(now.UnixNano())
			if err := to.SetWriteDeadline(now.Add(idle)); err != nil {
				return err
			}
			if _, err := to.Write((*b)[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Since(time.Unix(0, last.Load())) < idle:
			continue // the other way is busy
		case errors.Is(err, os.ErrDeadlineExceeded):
			return ErrIdle
		case err != nil:
			return err
		}
	}
}

// closeWrite tells the other end that nothing more comes, if that can be said.
func closeWrite(c net.Conn) error {
	if half, can := c.(interface{ CloseWrite() error }); can {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Replayed is a connection of which something was read already.
type Replayed struct {
	net.Conn
	Before []byte
}

// Read implements net.Conn.
func (r *Replayed) Read(p []byte) (int, error) {
	if len(r.Before) > 0 {
		n := copy(p, r.Before)
		r.Before = r.Before[n:]
		return n, nil
	}
	return r.Conn.Read(p)
}

// CloseWrite says that nothing more comes.
func (r *Replayed) CloseWrite() error { return closeWrite(r.Conn) }

// Open are connections that end by themselves, or when they must. The zero value
// is ready.
type Open struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	ended bool
}

// Add remembers a connection. It tells whether it may begin.
func (o *Open) Add(c net.Conn) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return false
	}
	if o.conns == nil {
		o.conns = map[net.Conn]struct{}{}
	}
	o.conns[c] = struct{}{}
	return true
}

// Remove forgets a connection.
func (o *Open) Remove(c net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.conns, c)
}

// End lets no more begin, waits for those that there are, and closes them when ctx
// ends.
func (o *Open) End(ctx context.Context) {
	o.mu.Lock()
	o.ended = true
	o.mu.Unlock()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil && o.some() {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.conns {
		_ = c.Close() // it had its time
	}
}

func (o *Open) some() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.conns) > 0
}
