// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/front"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// defaultTunnelIdle is as long as connections of TCP may be silent. Most libraries send a
// PING every minute or less, since most proxies wait no longer than that (nginx 60 s, HAProxy
// as configured, AWS 350 s).
const defaultTunnelIdle = time.Hour

// tunnel joins a client and a backend that have switched to WebSocket.
func (p *Proxy) tunnel(x *Exchange, res *http1.Response) {
	backend, both := res.Body.(io.ReadWriteCloser)
	if !both || !x.Form.WebSocket || !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") {
		refuse(x.W, http.StatusBadGateway, "bad-upgrade") // to something that nobody asked for
		return
	}
	client, buffered, err := http.NewResponseController(x.W).Hijack()
	if err != nil {
		refuse(x.W, http.StatusBadGateway, "bad-upgrade")
		return
	}
	defer client.Close() //nolint:errcheck // it is to end
	if !p.tunnels.Add(client) {
		return
	}
	x.tunnel = client
	front.Pass(client)
	drop(res.Header)
	res.Header.Set("Connection", "Upgrade")
	res.Header.Set("Upgrade", "websocket")
	switched := http.Response{StatusCode: res.Status, ProtoMajor: 1, ProtoMinor: 1, Header: res.Header}
	if client.SetDeadline(time.Time{}) != nil || switched.Write(buffered) != nil || buffered.Flush() != nil {
		return
	}
	record := &x.answer.record
	record.Status = http.StatusSwitchingProtocols
	var quiet bool
	record.Received, record.Sent, quiet = join(side{buffered.Reader, client}, side{backend, backend}, x.idle)
	if quiet {
		record.Reason = "idle"
	}
}

// side is one end of a tunnel. Of what is read, some may have come before.
type side struct {
	io.Reader
	io.WriteCloser
}

// join gives each side what the other one says, until one of them ends, or nothing has
// passed for as long as idle, which is told. It closes both.
func join(client, backend side, idle time.Duration) (received, sent int64, quiet bool) {
	var last atomic.Int64
	last.Store(time.Now().UnixNano())
	ended := make(chan struct{}, 2)
	go func() { received = pump(backend, client, &last); ended <- struct{}{} }()
	go func() { sent = pump(client, backend, &last); ended <- struct{}{} }()
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for open := 2; open > 0; {
		select {
		case <-ended:
			open--
		case <-timer.C:
			if left := idle - time.Since(time.Unix(0, last.Load())); left > 0 {
				timer.Reset(left)
				continue
			}
			quiet = true
		}
		_, _ = client.Close(), backend.Close() // the other way ends by it
	}
	return received, sent, quiet
}

// pieces are the buffers of tunnels, which have them as long as they are open: 20,000 of
// them hold 160 MiB.
var pieces = &pool{sync.Pool{New: func() any {
	b := make([]byte, 4<<10)
	return &b
}}}

// pump copies what comes as it comes, and returns how much it was.
func pump(to io.Writer, from io.Reader, last *atomic.Int64) (copied int64) {
	buffer := pieces.get()
	defer pieces.put(buffer)
	for {
		n, err := from.Read(*buffer)
		if n > 0 {
			written, failed := to.Write((*buffer)[:n])
			copied += int64(written)
			if failed != nil {
				return copied
			}
			last.Store(time.Now().UnixNano())
		}
		if err != nil {
			return copied // its end is all that is to be known
		}
	}
}
