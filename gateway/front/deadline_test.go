// SPDX-License-Identifier: Apache-2.0

package front

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// counted is a connection that counts how often it is told of times.
type counted struct {
	net.Conn
	mu          sync.Mutex
	read, write int
}

func (c *counted) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.read++
	c.mu.Unlock()
	return c.Conn.SetReadDeadline(t)
}

func (c *counted) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	c.write++
	c.mu.Unlock()
	return c.Conn.SetWriteDeadline(t)
}

// joined are both ends of a connection, of which one is scanned.
func joined(t *testing.T) (scanned *Conn, below *counted, client net.Conn) {
	t.Helper()
	client, server := net.Pipe()
	below = &counted{Conn: server}
	t.Cleanup(func() { client.Close(); server.Close() })
	return NewConn(below, Limits{}, false, nil), below, client
}

const oneRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// TestAReadEndsByItsTime, whatever the time was before, and while it waits.
func TestAReadEndsByItsTime(t *testing.T) {
	t.Parallel()
	const none = -1
	for name, tc := range map[string]struct {
		before, at, during time.Duration // from the beginning; none: no time
		length             int
		sends              time.Duration // when the client sends; none: never
		want               time.Duration // when the read ends
		late               bool          // for it is too late
	}{
		"in time":                                  {none, 5 * time.Second, 5 * time.Second, 100, time.Second, time.Second, false},
		"too late":                                 {none, 5 * time.Second, 5 * time.Second, 100, none, 5 * time.Second, true},
		"a time that was later":                    {time.Hour, 5 * time.Second, 5 * time.Second, 100, none, 5 * time.Second, true},
		"a time that was earlier":                  {time.Second, 5 * time.Second, 5 * time.Second, 100, none, 5 * time.Second, true},
		"a time that was earlier, and then none":   {time.Second, none, none, 100, time.Minute, time.Minute, false},
		"a time that comes while it waits":         {none, none, 3 * time.Second, 100, none, 3 * time.Second, true},
		"a time that becomes earlier":              {none, time.Hour, 3 * time.Second, 100, none, 3 * time.Second, true},
		"a time that becomes later":                {none, 3 * time.Second, 5 * time.Second, 100, none, 5 * time.Second, true},
		"a time that ends while it waits":          {none, 3 * time.Second, none, 100, time.Minute, time.Minute, false},
		"it is given up":                           {none, time.Minute, 0, 100, none, 2 * time.Second, true},
		"a single byte is given up at once":        {none, none, 0, 1, none, 2 * time.Second, true},
		"a single byte comes":                      {none, none, none, 1, 3 * time.Second, 3 * time.Second, false},
		"a single byte is seen after a glance":     {none, none, none, 1, time.Millisecond, glance, false},
		"a single byte has its time, too":          {none, 4 * time.Second, 4 * time.Second, 1, none, 4 * time.Second, true},
		"a single byte whose time was over before": {none, 0, 0, 1, time.Second, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, _, client := joined(t)
				began := time.Now()
				set := func(d time.Duration) {
					var at time.Time
					if d != none {
						at = began.Add(d)
					}
					if err := c.SetReadDeadline(at); err != nil {
						t.Error(err)
					}
				}
				if tc.before != none { // the connection below has it
					set(tc.before)
					go func() { _, _ = io.WriteString(client, oneRequest) }()
					if _, err := c.Read(make([]byte, 100)); err != nil {
						t.Fatal(err)
					}
				}
				set(tc.at)
				var all sync.WaitGroup
				all.Go(func() {
					time.Sleep(2 * time.Second) // while the read waits, or after it
					set(tc.during)
				})
				all.Go(func() {
					if tc.sends != none {
						time.Sleep(tc.sends)
						_ = client.SetWriteDeadline(time.Now().Add(time.Second))
						_, _ = io.WriteString(client, oneRequest) // not all of it is read
					}
				})
				_, err := c.Read(make([]byte, tc.length))
				if got := time.Since(began); got != tc.want || errors.Is(err, os.ErrDeadlineExceeded) != tc.late || !tc.late && err != nil {
					t.Errorf("it ended after %s: %v", got, err)
				}
				all.Wait()
			})
		})
	}
}

// TestAWriteEndsByItsTime, which may be a second more.
func TestAWriteEndsByItsTime(t *testing.T) {
	t.Parallel()
	const none = -1
	for name, tc := range map[string]struct {
		before, at, during time.Duration
		want               time.Duration // none: the client takes it after a minute
	}{
		"too late":                         {none, 5 * time.Second, 5 * time.Second, 5 * time.Second},
		"a time that was later":            {time.Hour, 5 * time.Second, 5 * time.Second, 6 * time.Second},
		"a time that was earlier":          {time.Second, 5 * time.Second, 5 * time.Second, 6 * time.Second},
		"a time that was hardly earlier":   {4500 * time.Millisecond, 5 * time.Second, 5 * time.Second, 5500 * time.Millisecond},
		"none, after there was one":        {time.Second, none, none, none},
		"none":                             {none, none, none, none},
		"a time that comes while it waits": {none, none, 3 * time.Second, 3 * time.Second},
		"a time that ends while it waits":  {none, 3 * time.Second, none, none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, _, client := joined(t)
				began := time.Now()
				set := func(d time.Duration) {
					var at time.Time
					if d != none {
						at = began.Add(d)
					}
					if err := c.SetWriteDeadline(at); err != nil {
						t.Error(err)
					}
				}
				if tc.before != none {
					set(tc.before)
					go func() { _, _ = io.ReadFull(client, make([]byte, 2)) }()
					if _, err := io.WriteString(c, "ok"); err != nil {
						t.Fatal(err)
					}
				}
				set(tc.at)
				var all sync.WaitGroup
				if tc.during != tc.at || tc.before == none {
					all.Go(func() { time.Sleep(2 * time.Second); set(tc.during) })
				}
				if tc.want == none {
					all.Go(func() { time.Sleep(time.Minute); _, _ = io.ReadFull(client, make([]byte, 2)) })
				}
				_, err := io.WriteString(c, "ok")
				got := time.Since(began)
				if tc.want == none && (err != nil || got != time.Minute) || tc.want != none && (!errors.Is(err, os.ErrDeadlineExceeded) || got != tc.want) {
					t.Errorf("it ended after %s: %v", got, err)
				}
				all.Wait()
			})
		})
	}
}

// TestRequestsInARowCostNoTimes: what net/http says of times with each request is told to
// the connection below once in a while.
func TestRequestsInARowCostNoTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, below, client := joined(t)
		never, past := time.Time{}, time.Unix(1, 0)
		const requests = 50
		for range requests {
			_ = c.SetReadDeadline(time.Now().Add(2 * time.Minute)) // it waits for a request
			go func() { _, _ = io.WriteString(client, oneRequest) }()
			if _, err := c.Read(make([]byte, 4096)); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second)) // for the rest of the head
			_ = c.SetReadDeadline(never)
			ended := make(chan error)
			go func() { _, err := c.Read(make([]byte, 1)); ended <- err }() // beside the handler
			time.Sleep(time.Millisecond)
			_ = c.SetReadDeadline(past) // which is over
			if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(never)
			_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
			go func() { _, _ = io.ReadFull(client, make([]byte, 2)) }()
			if _, err := io.WriteString(c, "ok"); err != nil {
				t.Fatal(err)
			}
			_ = c.SetWriteDeadline(never)
		}
		if below.read > 2 || below.write > 2 {
			t.Errorf("%d requests cost %d times of reads and %d of writes", requests, below.read, below.write)
		}
	})
}

func TestAClosedConnectionIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := joined(t)
		began, ended := time.Now(), make(chan error)
		go func() { _, err := c.Read(make([]byte, 1)); ended <- err }()
		time.Sleep(time.Millisecond)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil || time.Since(began) != time.Millisecond {
			t.Errorf("a read ended after %s: %v", time.Since(began), err)
		}
	})
}
