// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"testing"
	"time"
)

// stream is what one client sends.
type stream struct {
	name  string
	bytes string
	piece int           // bytes of one write; 0: all
	http2 func(*framer) // instead of bytes
	must  int           // requests that have to be answered 200
}

// sent is a stream and what came back.
type sent struct {
	stream
	client    netip.Addr
	want      []message // as RFC 9112 reads the stream; nil for HTTP/2
	fault     error     // why it reads no more
	responses []response
	hangs     bool // the gateway did not end the connection
}

// response is an answer, 1xx not counted.
type response struct {
	status int
	id     string // X-Request-Id: what the gateway calls the request that it answers
	saw    string // X-Saw: what the backend says that it answers; "" for the gateway itself
}

// addressOf is the address of the client of a number.
func addressOf(number int) netip.Addr {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], 127<<24|1<<16|uint32(number))
	return netip.AddrFrom4(a)
}

// patience is how long a gateway may take that has nothing to wait for. Nothing is
// judged by it: who exceeds it hangs.
const patience = 20 * time.Second

func dial(t *testing.T, from netip.Addr, to string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	c, err := d.DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Error(err)
		return nil
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Error(err)
	}
	return c
}

// send sends a stream and reads what comes back: as many answers as RFC 9112 finds
// requests, and then, when the gateway knows that nothing follows, the rest.
func (s *sent) send(t *testing.T, to string) {
	c := dial(t, s.client, to)
	if c == nil {
		return
	}
	defer c.Close()
	if s.http2 != nil {
		s.overHTTP2(c)
		return
	}
	s.want, s.fault = read([]byte(s.bytes))
	written := make(chan struct{})
	go func() {
		defer close(written)
		for left := s.bytes; left != ""; {
			n := len(left)
			if s.piece > 0 {
				n = min(n, s.piece)
			}
			if _, err := io.WriteString(c, left[:n]); err != nil {
				return // it was refused before it was at its end
			}
			left = left[n:]
		}
	}()
	in := bufio.NewReader(c)
	for _, m := range s.want {
		if m.whole && !s.answer(in, m.method) {
			break
		}
	}
	if half, can := c.(*net.TCPConn); can {
		<-written
		_ = half.CloseWrite() // the gateway may have closed it
	}
	for s.answer(in, http.MethodGet) {
	}
}

// answer reads one answer and those before it that are none yet.
func (s *sent) answer(in *bufio.Reader, method string) bool {
	for {
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close() // it was read
		}
		if err != nil {
			s.hangs = s.hangs || errors.Is(err, os.ErrDeadlineExceeded)
			return false
		}
		if res.StatusCode < 200 {
			continue
		}
		s.responses = append(s.responses, response{res.StatusCode, res.Header.Get("X-Request-Id"), res.Header.Get("X-Saw")})
		return true
	}
}
