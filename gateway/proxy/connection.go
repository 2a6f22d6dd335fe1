// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"crypto/tls"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Connection is what the server knows of the connection that a request came over.
// It is one for all requests of the connection.
type Connection struct {
	TLS *tls.ConnectionState // nil: none
	// Judge tells whether a request for a host may come over this connection, by the
	// terms of its listener in the configuration that serves it (Proxy.Apply). Nil:
	// every request may.
	Judge func(host string, now time.Time, terms any) Decision
	// Ending tells whether the connection is to take no more requests. Nil: it is not.
	Ending func() bool
	// Cut ends the connection of a client that asks and goes away, again and again.
	// Nil: it may. It is called once.
	Cut func()

	asked, gone atomic.Int64 // requests, and those that were given up
	cut         sync.Once
}

// maxGone is how many requests may be given up over a connection before it matters
// whether that is more than half of them. Who resets streams as fast as it opens
// them has none of the others to wait for (CVE-2023-44487).
const maxGone = 200

func (c *Connection) ask() {
	if c != nil {
		c.asked.Add(1)
	}
}

// giveUp is told of a request whose client did not wait for its answer.
func (c *Connection) giveUp() {
	if c == nil || c.Cut == nil {
		return
	}
	if gone := c.gone.Add(1); gone > maxGone && gone*2 > c.asked.Load() {
		c.cut.Do(c.Cut)
	}
}

type connectionKey struct{}

// In returns a context whose requests are those of the connection.
func (c *Connection) In(ctx context.Context) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

func connectionOf(ctx context.Context) *Connection {
	c, _ := ctx.Value(connectionKey{}).(*Connection) // nil: the methods take it
	return c
}

func (c *Connection) judge(host string, now time.Time, terms any) Decision {
	if c == nil || c.Judge == nil {
		return Next()
	}
	return c.Judge(host, now, terms)
}

// last makes a response the last one of its connection if it is to end: clients of
// HTTP/1.1 close it, and those of HTTP/2 are told to open another one.
func (c *Connection) last(h http.Header) {
	if c != nil && c.Ending != nil && c.Ending() {
		h["Connection"] = closing
	}
}

var closing = []string{"close"}
