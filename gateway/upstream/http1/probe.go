// SPDX-License-Identifier: Apache-2.0

//go:build unix

package http1

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// prober finds out whether an idle connection still is: nothing may have come, neither
// bytes (they would be taken for the next response) nor its end.
type prober struct {
	raw   syscall.RawConn // nil: it cannot be asked
	over  net.Conn        // what keeps bytes of its own above raw, or nil
	look  func(fd uintptr) bool
	quite bool
	one   [1]byte
}

func (p *prober) init(c net.Conn) {
	under := c
	if t, layered := c.(interface{ NetConn() net.Conn }); layered {
		under, p.over = t.NetConn(), c
	}
	sc, can := under.(syscall.Conn)
	if !can {
		p.over = c
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	p.raw = raw
	p.look = func(fd uintptr) bool {
		n, err := syscall.Read(int(fd), p.one[:]) // descriptors of the runtime do not block
		p.quite = n < 0 && (errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK))
		return true // do not wait
	}
}

// quiet tells whether nothing came.
func (p *prober) quiet() bool {
	if p.raw != nil {
		p.quite = false
		if err := p.raw.Read(p.look); err != nil || !p.quite {
			return false
		}
	}
	if p.over != nil { // what TLS has read already
		if p.over.SetReadDeadline(time.Unix(1, 0)) != nil {
			return false
		}
		n, err := p.over.Read(p.one[:])
		if n > 0 || !isTimeout(err) || p.over.SetReadDeadline(time.Time{}) != nil {
			return false
		}
	}
	return p.raw != nil || p.over != nil
}
