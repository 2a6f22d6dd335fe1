// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// standard sends by net/http's Transport: for HTTP/2, and as what http1 is compared
// with.
type standard struct {
	transport *http.Transport
	scheme    string
	address   string
}

// Do implements sender.
func (s *standard) Do(ctx context.Context, r *http1.Request) (*http1.Response, error) {
	outer, cancel := ctx, context.CancelFunc(nil)
	stop := func() bool { return true }
	if r.HeadTimeout > 0 {
		ctx, cancel = context.WithCancel(ctx)
		stop = time.AfterFunc(r.HeadTimeout, cancel).Stop
	}
	told := &informing{inform: r.Informed}
	out, err := s.request(ctx, r, told)
	if err != nil {
		if cancel != nil {
			cancel()
		}
		return nil, &http1.Error{Stage: http1.Asking, Unsent: true, Err: err}
	}
	res, err := s.transport.RoundTrip(out)
	told.end()
	if err == nil && (res.StatusCode < 100 || res.StatusCode > 999) {
		_ = res.Body.Close()
		err = &http1.FaultError{Fault: http1.BadStatusLine} // net/http reads any number from HTTP/2, and panics when it is to write it
	}
	if !stop() && err == nil {
		_ = res.Body.Close() // it came with the end of its time
		err = os.ErrDeadlineExceeded
	}
	if err != nil {
		if cancel != nil {
			cancel()
			if outer.Err() == nil && errors.Is(err, context.Canceled) {
				err = os.ErrDeadlineExceeded
			}
		}
		return nil, &http1.Error{Stage: stageOf(err), Err: err}
	}
	answer := &http1.Response{Status: res.StatusCode, Header: res.Header, Length: res.ContentLength, Body: res.Body, Trailer: res.Trailer}
	if _, both := res.Body.(io.Writer); !both {
		answer.Body = &standardBody{res.Body, res, answer, cancel}
	}
	return answer, nil
}

// maxInforms is how many responses may come before the response, as http1 has it.
const maxInforms = 16

// informing tells of responses that come before the response for as long as somebody
// waits for it: RoundTrip may return, since its context ended, while a goroutine of the
// transport still tells, and who sent the request answers otherwise by then.
type informing struct {
	inform http1.Informer

	mu    sync.Mutex
	ended bool
	told  int
}

func (i *informing) tell(code int, h textproto.MIMEHeader) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.told++; i.told > maxInforms {
		return &http1.FaultError{Fault: http1.TooManyInforms}
	}
	if i.ended || i.inform == nil {
		return nil
	}
	return i.inform.Inform(code, http.Header(h))
}

// end waits for what is being told, and lets nothing more be.
func (i *informing) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ended = true
}

// standardBody passes trailers on, which may come without having been announced, and
// frees what the time of a head took.
type standardBody struct {
	io.ReadCloser
	from   *http.Response
	to     *http1.Response
	cancel context.CancelFunc // nil: there was none
}

// Read implements io.Reader.
func (b *standardBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.to.Trailer = b.from.Trailer
	}
	return n, err
}

// Close implements io.Closer.
func (b *standardBody) Close() error {
	if b.cancel != nil {
		defer b.cancel()
	}
	return b.ReadCloser.Close()
}

// Close implements sender.
func (*standard) Close() {} // what is idle of an address that is gone ends by its time

// stageOf is as much as an error of net/http tells.
func stageOf(err error) http1.Stage {
	if _, dialling := errors.AsType[*dialError](err); dialling {
		return http1.Connecting
	}
	return http1.Waiting
}

func (s *standard) request(ctx context.Context, r *http1.Request, told *informing) (*http.Request, error) {
	decoded, err := url.PathUnescape(r.Path)
	if err != nil {
		return nil, err
	}
	// Without RawPath net/http escapes what may stand for itself, "!" for one.
	u := &url.URL{Scheme: s.scheme, Host: s.address, Path: decoded, RawPath: r.Path, RawQuery: r.Query}
	if u.EscapedPath() != r.Path {
		return nil, http1.ErrRequest // the backend would be asked for another one than was checked
	}
	h := r.Header
	if _, has := h["User-Agent"]; !has {
		h["User-Agent"] = []string{""} // or else net/http adds its own
	}
	if r.Expect {
		h["Expect"] = []string{"100-continue"}
	}
	if r.Upgrade {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	}
	out := &http.Request{Method: r.Method, URL: u, Host: r.Host, Header: h, ContentLength: r.Length, Trailer: r.Trailer, ProtoMajor: 1, ProtoMinor: 1}
	switch {
	case r.Body == nil:
		out.ContentLength = 0
	case r.Replayable():
		taken := r.Taken()
		out.Body = io.NopCloser(bytes.NewReader(taken))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(taken)), nil }
	default:
		out.Body = r.Body
	}
	return out.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: told.tell})), nil
}
