// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"encoding/binary"
	"hash/maphash"
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit"
)

// Defaults of config.Limits. A request that waits for its backend takes 20 KiB, with a head
// of 8 KiB 36: so many take 400 to 720 MiB.
const (
	defaultRequests           = 20_000
	defaultRequestsPerAddress = 2_000
)

// underway are the requests that a listener has at once. What is configured changes; they
// are counted on.
type underway struct {
	all  atomic.Int64
	of   ratelimit.Gauge
	seed maphash.Seed
}

// crowd is a Filter that bounds what requests of HTTP/2 take in all: 1,000 connections of
// one address may have 100,000 of them.
type crowd struct {
	now       *underway
	most      int64
	ofAddress int
	first     []Filter // it alone
}

// newCrowd bounds what is under way over a listener that was served before, or is new.
func newCrowd(l *config.Limits, before *listener) *crowd {
	c := &crowd{most: defaultRequests, ofAddress: defaultRequestsPerAddress}
	if l.Requests > 0 {
		c.most = int64(l.Requests)
	}
	if l.RequestsPerAddress > 0 {
		c.ofAddress = l.RequestsPerAddress
	}
	if before != nil {
		c.now = before.crowd.now
	} else {
		c.now = &underway{seed: maphash.MakeSeed()}
	}
	c.first = []Filter{c}
	return c
}

// Judge implements Filter. Addresses of IPv6 count by their /64, which is what one customer
// has.
func (c *crowd) Judge(x *Exchange) Decision {
	if c.now.all.Add(1) > c.most {
		c.now.all.Add(-1)
		return Refuse(http.StatusServiceUnavailable, "too-many")
	}
	place := place{now: c.now, key: c.now.key(x.Form.Client)}
	if !c.now.of.Enter(place.key, c.ofAddress) {
		c.now.all.Add(-1)
		return Refuse(http.StatusTooManyRequests, "too-many-of-address")
	}
	x.place = place
	return Next()
}

func (u *underway) key(a netip.Addr) ratelimit.Key {
	b := a.As16()
	n := binary.BigEndian.Uint64(b[:])
	if a.Is4() {
		n = binary.BigEndian.Uint64(b[8:])
	}
	return ratelimit.Key(maphash.Comparable(u.seed, n))
}

// place is that of a request among those under way. The zero value is none.
type place struct {
	now *underway
	key ratelimit.Key
}

func (p place) leave() {
	if p.now != nil {
		p.now.of.Leave(p.key)
		p.now.all.Add(-1)
	}
}
