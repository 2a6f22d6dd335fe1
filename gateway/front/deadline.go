// SPDX-License-Identifier: Apache-2.0

package front

import (
	"errors"
	"os"
	"sync"
	"time"
)

// net/http sets the time of reads six times for a request, and that of writes twice, most
// of them before nothing is read or written at all; and it reads a single byte beside each
// handler, to learn of a client that goes. Each costs about as much as a system call. So
// the connection below is told of times when something is read or written, and only if the
// time that it has would not do.
const (
	// glance is for how long a client that goes is not noticed.
	glance = 100 * time.Millisecond
	// slack is how much longer a write may take than it was given.
	slack = time.Second
)

// deadline is the time of reads or of writes.
type deadline struct {
	due   time.Time // that was asked for; zero: any
	set   time.Time // that the connection below has
	known bool      // set is what it has
	under int       // reads or writes under way
	tell  func(time.Time) error
}

func (d *deadline) apply(t time.Time) error {
	d.set, d.known = t, true
	return d.tell(t)
}

// deadlines are those of a connection, and what waits in the place of a read.
type deadlines struct {
	mu          sync.Mutex
	read, write deadline
	timer       *time.Timer // of a glance
	parked      bool
	wake        chan struct{}
}

// readBy is when a read must be over, also one that is under way.
func (d *deadlines) readBy(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &d.read
	r.due = t
	if d.parked && !t.IsZero() {
		d.rouse()
	}
	if r.under > 0 && r.late() {
		return r.apply(t)
	}
	return nil
}

// late tells whether the connection below would end a read after its time. One that it
// ends before its time is begun again.
func (d *deadline) late() bool {
	return !d.known || !d.due.IsZero() && (d.set.IsZero() || d.due.Before(d.set))
}

// writeBy is when a write must be over.
func (d *deadlines) writeBy(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	w := &d.write
	if w.due = t; w.under > 0 {
		return w.apply(t)
	}
	return nil
}

// rouse ends a wait, or the next one.
func (d *deadlines) rouse() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// reads makes a read. One that ends before its time is begun again.
func (d *deadlines) reads(read func([]byte) (int, error), p []byte) (int, error) {
	for {
		if err := d.beginRead(); err != nil {
			return 0, err
		}
		n, err := read(p)
		if again := d.endRead(err); !again {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

func (d *deadlines) beginRead() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.read.under++
	if d.read.late() {
		return d.read.apply(d.read.due)
	}
	return nil
}

func (d *deadlines) endRead(err error) (again bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &d.read
	r.under--
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || !r.due.IsZero() && !time.Now().Before(r.due) {
		return false
	}
	return r.apply(r.due) == nil
}

// writes makes a write.
func (d *deadlines) writes(write func([]byte) (int, error), p []byte) (int, error) {
	if err := d.beginWrite(); err != nil {
		return 0, err
	}
	defer func() {
		d.mu.Lock()
		d.write.under--
		d.mu.Unlock()
	}()
	return write(p)
}

// beginWrite gives a write its time. It must not be less, since TLS takes no further write
// after one that was out of time; it may be somewhat more, so that many have the same.
func (d *deadlines) beginWrite() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	w := &d.write
	w.under++
	switch {
	case w.due.IsZero():
		if !w.known || !w.set.IsZero() {
			return w.apply(w.due)
		}
	case !w.known || w.set.Before(w.due) || w.set.After(w.due.Add(slack)):
		return w.apply(w.due.Add(slack))
	}
	return nil
}

// park waits for a glance, in which whoever reads a single byte mostly gives up. It
// returns an error when the time to read by is over.
func (d *deadlines) park() error {
	d.mu.Lock()
	if d.over() {
		d.mu.Unlock()
		return os.ErrDeadlineExceeded
	}
	d.parked = true
	if d.timer == nil {
		d.wake, d.timer = make(chan struct{}, 1), time.NewTimer(glance)
	} else {
		d.timer.Reset(glance)
	}
	d.mu.Unlock()
	select {
	case <-d.wake:
	case <-d.timer.C:
	}
	d.timer.Stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.parked = false
	select {
	case <-d.wake:
	default:
	}
	if d.over() {
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (d *deadlines) over() bool {
	return !d.read.due.IsZero() && !time.Now().Before(d.read.due)
}

// unpark has whoever waits go on to read.
func (d *deadlines) unpark() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.parked {
		d.rouse()
	}
}
