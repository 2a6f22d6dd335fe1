// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// Set is all that is told, as the configuration in force has it. Its methods may be
// called by any number of goroutines, Prepare and Close by one at a time.
type Set struct {
	*Metrics
	program logr.Logger
	stdout  io.Writer
	log     *Log
	now     atomic.Pointer[current]
}

// current is what a configuration makes of a Set.
type current struct {
	made    config.Telemetry
	decided bool // lines are written
	client  func(netip.Addr) string
	hasher  *Hasher
	tracer  *Tracer // nil: none
	file    *os.File
}

// NewSet tells nothing until it is given a configuration. Lines for stdout are
// written to an io.Writer; what goes wrong is told to the log of the program.
func NewSet(stdout io.Writer, program logr.Logger) *Set {
	s := &Set{Metrics: NewMetrics(), program: program, stdout: stdout}
	s.log = NewLog(stdout, s.Lost, func(err error) { program.Error(err, "decisions are not written") })
	s.now.Store(&current{client: Addresses["Off"], hasher: NewHasher(nil)})
	return s
}

// closing bounds the sending of the last spans.
const closing = 5 * time.Second

// Prepare makes ready what a configuration says. Nothing changes until one of the
// functions that it returns is called, once: keep, which tells as it says from then
// on, or leave.
func (s *Set) Prepare(ctx context.Context, c *config.Telemetry) (keep, leave func(), err error) {
	before := s.now.Load()
	next := &current{made: *c, decided: c.Decisions.To != "off", client: Addresses[c.Decisions.Client], hasher: before.hasher, tracer: before.tracer, file: before.file}
	if next.client == nil {
		next.client = Addresses["Full"]
	}
	if key := c.Decisions.Key; string(key) != string(before.made.Decisions.Key) {
		next.hasher = NewHasher(key)
	}
	moved, changed := c.Decisions.To != before.made.Decisions.To, !equal(c.Tracing, before.made.Tracing)
	if moved {
		if next.file, err = open(c.Decisions.To); err != nil {
			return nil, nil, fmt.Errorf("telemetry.decisions.to: %w", err)
		}
	}
	if changed {
		next.tracer = nil
		if c.Tracing != nil {
			next.tracer, err = NewTracer(ctx, c.Tracing)
		}
		if err != nil {
			if moved {
				closeFile(next.file)
			}
			return nil, nil, fmt.Errorf("telemetry.tracing: %w", err)
		}
	}
	keep = func() { //nolint:contextcheck // what ends outlives the call
		s.now.Store(next)
		if moved {
			s.log.Redirect(next.to(s.stdout))
			closeFile(before.file)
		}
		if changed {
			s.end(before.tracer)
		}
	}
	leave = func() { //nolint:contextcheck // what ends outlives the call
		if moved {
			closeFile(next.file)
		}
		if changed {
			s.end(next.tracer)
		}
	}
	return keep, leave, nil
}

// open opens the file of decisions, nil if they are for none.
func open(to string) (*os.File, error) {
	if to == "" || to == "stdout" || to == "off" {
		return nil, nil //nolint:nilnil // there is none
	}
	return os.OpenFile(to, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600) //nolint:gosec // the operator names it
}

func closeFile(f *os.File) {
	if f != nil {
		_ = f.Close() // all of it was written
	}
}

// to is where lines go.
func (c *current) to(stdout io.Writer) io.Writer {
	if c.file != nil {
		return c.file
	}
	return stdout
}

func equal(a, b *config.Tracing) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// end lets a tracer send what it has; spans that end later are not sent.
func (s *Set) end(t *Tracer) {
	if t == nil {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), closing)
		defer cancel()
		if err := t.Close(ctx); err != nil {
			s.program.Error(err, "the last spans are not sent")
		}
	}()
}

// Close writes and sends what waits.
func (s *Set) Close(ctx context.Context) {
	s.log.Close()
	now := s.now.Load()
	if now.tracer != nil {
		if err := now.tracer.Close(ctx); err != nil {
			s.program.Error(err, "the last spans are not sent")
		}
	}
}

// Begin starts the span of a request, nil if there is no tracing.
func (s *Set) Begin(f *request.Form) *Span {
	if t := s.now.Load().tracer; t != nil {
		return t.Begin(f)
	}
	return nil
}

// Record tells of a request once it is answered. The form is nil if the request had
// none, the principal if nobody was asked for one.
func (s *Set) Record(r *Record, f *request.Form, who *auth.Principal) {
	s.Metrics.Record(r)
	now := s.now.Load()
	if !now.decided {
		return
	}
	r.Gateway = now.made.Decisions.Gateway
	if f != nil {
		r.Scheme, r.Method, r.Host, r.Path, r.Client = f.Scheme, f.Method, f.Authority(), f.Path, f.Client
		r.Query = query(f.Query, now.made.Decisions.Query)
		for _, name := range now.made.Decisions.Header {
			if values := f.Header[name]; len(values) > 0 {
				r.Header = append(r.Header, strings.ToLower(name), strings.Join(values, ", "))
			}
		}
	}
	if who != nil {
		r.Principal, r.By = now.hasher.Hash(who.By, who.Issuer, who.Subject), who.By
	}
	s.log.Record(r, now.client(r.Client))
}

// query tells as much of a query as it may.
func query(q, how string) string {
	if q == "" || how != "Full" && how != "Names" {
		return ""
	}
	var parts []string
	for pair := range strings.SplitSeq(q, "&") {
		name, _, has := strings.Cut(pair, "=")
		switch {
		case !has && how == "Names" && len(pair) > longestName:
			pair = "[redacted]" // no name: a link whose query is a token as a whole
		case has && how == "Full" && secret(name):
			pair = name + "=[redacted]"
		case how == "Names":
			pair = name
		}
		if how == "Full" || pair != "" && !slices.Contains(parts, pair) {
			parts = append(parts, pair)
		}
	}
	return strings.Join(parts, "&")
}

// longestName is more than what parameters are called.
const longestName = 32

// secret tells whether a parameter of this name holds what lets somebody in: of
// OAuth 2.0 (RFC 6749, RFC 6750), OpenID Connect, signed URLs, and of habit.
func secret(name string) bool {
	if decoded, err := url.QueryUnescape(name); err == nil {
		name = decoded // pass%77ord
	}
	name = strings.ToLower(name)
	for _, word := range []string{"token", "code", "secret", "password", "passwd", "pwd", "key", "sig", "credential", "auth", "assertion", "saml", "session", "ticket", "otp", "jwt", "state", "nonce"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
