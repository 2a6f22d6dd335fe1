// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// tap stands between the gateway and a backend and keeps what the gateway sends.
type tap struct {
	address string
	to      string
	l       net.Listener
	open    sync.WaitGroup

	mu   sync.Mutex
	list []*tapped
}

// tapped is one connection.
type tapped struct {
	port int // by which the backend knows it

	mu   sync.Mutex
	sent []byte
}

func newTap(t *testing.T, to string) *tap {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out := &tap{address: l.Addr().String(), to: to, l: l}
	t.Cleanup(func() { _ = l.Close() })
	go out.accept()
	return out
}

func (p *tap) accept() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		p.open.Go(func() { p.join(c) })
	}
}

// join passes bytes on, each way, until one side ends.
func (p *tap) join(gateway net.Conn) {
	defer gateway.Close()
	backend, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.to)
	if err != nil {
		return
	}
	defer backend.Close()
	kept := &tapped{port: portOf(backend.LocalAddr().String())}
	p.mu.Lock()
	p.list = append(p.list, kept)
	p.mu.Unlock()
	ended := make(chan struct{}, 2)
	go func() {
		_, _ = io.Copy(io.MultiWriter(kept, backend), gateway) // its end is all that is to be known
		ended <- struct{}{}
	}()
	go func() {
		_, _ = io.Copy(gateway, backend)
		ended <- struct{}{}
	}()
	<-ended
	_, _ = gateway.Close(), backend.Close()
	<-ended
}

// Write keeps what is sent.
func (k *tapped) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent = append(k.sent, b...)
	return len(b), nil
}

// end waits until the gateway has closed all connections.
func (p *tap) end() []*tapped {
	_ = p.l.Close()
	p.open.Wait()
	return p.list
}
