// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"k8s.io/client-go/rest"
)

// wire is between programs and the API server. It can be cut, which ends every watch and
// keeps every request from arriving; and it counts the answers 410 Gone.
type wire struct {
	mu      sync.Mutex
	isCut   bool
	watches map[*watched]struct{}
	gone    int
}

func newWire() *wire { return &wire{watches: map[*watched]struct{}{}} }

// through returns a copy of a configuration that goes through the wire.
func (w *wire) through(config *rest.Config) *rest.Config {
	out := rest.CopyConfig(config)
	out.QPS = -1
	out.Wrap(func(next http.RoundTripper) http.RoundTripper { return wired{next, w} })
	return out
}

// cut ends every watch.
func (w *wire) cut() {
	w.mu.Lock()
	w.isCut = true
	all := make([]*watched, 0, len(w.watches))
	for b := range w.watches {
		all = append(all, b)
	}
	w.mu.Unlock()
	for _, b := range all {
		b.cut.Store(true)
		_ = b.Close() // Read returns
	}
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
}

// open are the paths that are watched.
func (w *wire) open() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]bool{}
	for b := range w.watches {
		out[b.path] = true
	}
	return out
}

// answered is how many answers were 410 so far.
func (w *wire) answered() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gone
}

type wired struct {
	next http.RoundTripper
	wire *wire
}

// errCut is what a program is told whose API server is away: it goes on to watch from
// where it was (k8s.io/client-go/tools/cache, Reflector.watch). After other faults it lists.
var errCut error = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

// RoundTrip implements http.RoundTripper.
func (t wired) RoundTrip(req *http.Request) (*http.Response, error) {
	t.wire.mu.Lock()
	is := t.wire.isCut
	t.wire.mu.Unlock()
	if is {
		return nil, errCut
	}
	res, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	t.wire.mu.Lock()
	defer t.wire.mu.Unlock()
	if res.StatusCode == http.StatusGone {
		t.wire.gone++
	}
	if watch := req.URL.Query().Get("watch"); res.StatusCode == http.StatusOK && (watch == "true" || watch == "1") {
		body := &watched{ReadCloser: res.Body, wire: t.wire, path: req.URL.Path}
		t.wire.watches[body] = struct{}{}
		res.Body = body
	}
	return res, nil
}

// watched is the body of a watch.
type watched struct {
	io.ReadCloser
	wire  *wire
	path  string
	last  []byte // the end of what was read before
	told  bool
	cut   atomic.Bool
	close sync.Once
}

// tooOld is in the message of each 410 that ends a watch, in JSON and in protobuf: "The
// resourceVersion for the provided watch is too old." or "too old resource version"
// (k8s.io/apiserver, storage/etcd3/errors.go and storage/cacher).
var tooOld = []byte("too old")

// Read implements io.Reader.
func (b *watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.cut.Load() {
		return 0, io.EOF // as of a connection that the API server has closed
	}
	seen := slices.Concat(b.last, p[:n])
	if !b.told && bytes.Contains(seen, tooOld) {
		b.told = true // such a watch ends with it
		b.wire.mu.Lock()
		b.wire.gone++
		b.wire.mu.Unlock()
	}
	b.last = seen[max(0, len(seen)-len(tooOld)):]
	return n, err
}

// Close implements io.Closer.
func (b *watched) Close() error {
	b.wire.mu.Lock()
	delete(b.wire.watches, b)
	b.wire.mu.Unlock()
	var err error
	b.close.Do(func() { err = b.ReadCloser.Close() })
	return err
}
