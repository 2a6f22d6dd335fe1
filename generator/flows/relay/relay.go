// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	observerpb "github.com/cilium/cilium/api/v1/observer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/gatehouse-sh/gatehouse/generator/flows"
)

// Options say where to read, what, and for how long. One bound at least ends a
// Reader that follows: Number, For, Until, or the context.
type Options struct {
	Address   string    // "hubble-relay.kube-system.svc:443"
	Transport Transport // how the connection is protected

	Namespaces []string // only flows with an end in one of these; none for all

	// Since is where to begin; zero for the oldest flow that the nodes remember,
	// which is some minutes ago. Until is where to end; zero for no end.
	Since, Until time.Time

	// Follow waits for flows to come; without it the reading ends with those that
	// there are.
	Follow bool

	Number uint64        // of flows; 0 for no bound
	For    time.Duration // from the call on; 0 for no bound

	// Retries is how often in a row a connection may break without having brought
	// a flow; 0 for DefaultRetries. Wait is the pause after the first of them,
	// which doubles up to a minute; 0 for a second.
	Retries int
	Wait    time.Duration
}

// DefaultRetries is for a relay that restarts, which takes less than a minute.
const DefaultRetries = 6

const longestWait = time.Minute

// Stats say what was read, and what was not.
type Stats struct {
	Flows    uint64 // that were visited
	Repeated uint64 // that came again after a break, and were not visited again
	Lost     uint64 // events that the nodes or the relay say they lost
	Breaks   []Break
	Broken   uint64            // breaks, also those beyond the number that is kept
	Missing  map[string]string // nodes that the relay could not read at some time, and what it said of them
}

// Break is a connection that ended before its time.
type Break struct {
	Last time.Time // of the last flow before it; zero for none
	Next time.Time // of the first new flow after it; zero for none
	Err  error
}

// The bounds of what is kept of a relay that breaks all the time, and of a
// cluster with many nodes.
const (
	maxBreaks  = 100
	maxMissing = 10_000
)

// Reader reads from one relay. It is for one goroutine.
type Reader struct {
	Stats Stats

	o      Options
	last   time.Time // of the newest flow
	recent recent
	open   bool // the last break waits for its Next
}

// NewReader checks options.
func NewReader(o Options) (*Reader, error) {
	if o.Address == "" {
		return nil, errors.New("relay: no address given")
	}
	if o.Transport.credentials == nil {
		return nil, errors.New("relay: no transport given: TLS, or in words that there is none")
	}
	if o.Retries <= 0 {
		o.Retries = DefaultRetries
	}
	if o.Wait <= 0 {
		o.Wait = time.Second
	}
	return &Reader{o: o, Stats: Stats{Missing: map[string]string{}}}, nil
}

var (
	errEnough = errors.New("the time is over")
	errFull   = errors.New("the number is reached")
	errEnded  = errors.New("the relay ended the stream")
)

// visitError is an error of the visitor: no fault of the relay.
type visitError struct{ error }

func (v visitError) Unwrap() error { return v.error }

// Each calls visit for every flow until a bound is reached; the flow is valid
// until visit returns. When it returns an error, the flows before it have been
// visited all the same.
func (r *Reader) Each(ctx context.Context, visit func(*flows.Flow) error) error {
	conn, err := grpc.NewClient(r.o.Address, grpc.WithTransportCredentials(r.o.Transport.credentials),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 5 * time.Minute, Timeout: 20 * time.Second})) // servers refuse more frequent pings
	if err != nil {
		return fmt.Errorf("relay %s: %w", r.o.Address, err)
	}
	defer conn.Close() //nolint:errcheck // it was only read from
	if r.o.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.o.For, errEnough)
		defer cancel()
	}
	client := observerpb.NewObserverClient(conn)
	wait := r.o.Wait
	for failures := 0; ; {
		before := r.Stats.Flows
		err := r.stream(ctx, client, visit)
		if done, result := r.ends(ctx, err); done {
			return result
		}
		r.noteBreak(err)
		if r.Stats.Flows > before {
			failures, wait = 0, r.o.Wait
		} else if failures++; failures > r.o.Retries {
			return fmt.Errorf("relay %s: given up after %d attempts: %w", r.o.Address, failures, err)
		}
		select {
		case <-ctx.Done():
			_, result := r.ends(ctx, ctx.Err())
			return result
		case <-time.After(wait):
		}
		wait = min(2*wait, longestWait)
	}
}

// ends says whether the reading is over, and with which error.
func (r *Reader) ends(ctx context.Context, err error) (bool, error) {
	var visitor visitError
	switch {
	case err == nil, errors.Is(err, errFull):
		return true, nil
	case errors.As(err, &visitor):
		return true, visitor.error
	case errors.Is(context.Cause(ctx), errEnough):
		return true, nil
	case ctx.Err() != nil:
		return true, fmt.Errorf("relay %s: %w", r.o.Address, ctx.Err())
	}
	if slices.Contains(final, status.Code(err)) {
		return true, fmt.Errorf("relay %s: %w", r.o.Address, err)
	}
	return false, nil
}

// final are the answers that the next attempt would get too.
var final = []codes.Code{codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented, codes.InvalidArgument}

// stream reads one stream to its end.
func (r *Reader) stream(ctx context.Context, client observerpb.ObserverClient, visit func(*flows.Flow) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.GetFlows(ctx, r.request())
	if err != nil {
		return err //nolint:wrapcheck // Each says which relay
	}
	var f flows.Flow
	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && (!r.o.Follow || !r.o.Until.IsZero()):
			return nil
		case errors.Is(err, io.EOF):
			return errEnded
		case err != nil:
			return err //nolint:wrapcheck // Each says which relay
		}
		if err := r.message(m, &f, visit); err != nil {
			return err
		}
	}
}
