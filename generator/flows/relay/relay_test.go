// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	observerpb "github.com/cilium/cilium/api/v1/observer"
	relaypb "github.com/cilium/cilium/api/v1/relay"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/internal/hubble/relaytest"
)

// ports reads to the end and returns the destination ports, which number the flows.
func ports(ctx context.Context, r *Reader) (got []int, err error) {
	err = r.Each(ctx, func(f *flows.Flow) error {
		got = append(got, int(f.DestinationPort))
		return nil
	})
	return got, err
}

var gone = status.Error(codes.Unavailable, "the relay is going away")

func TestFlowsAreReadOverTLS(t *testing.T) {
	t.Parallel()
	s := relaytest.Start(t, relaytest.Send(nil, relaytest.Numbered(1), relaytest.Numbered(2), relaytest.Numbered(3)))
	r := readerOf(t, s, Options{Namespaces: []string{"shop", "bank"}, Since: relaytest.Noon, Until: relaytest.Noon.Add(time.Hour)})
	got, err := ports(t.Context(), r)
	if err != nil || !slices.Equal(got, []int{1, 2, 3}) {
		t.Fatalf("%v %v", got, err)
	}
	q := s.Requests()[0]
	if !q.GetSince().AsTime().Equal(relaytest.Noon) || !q.GetUntil().AsTime().Equal(relaytest.Noon.Add(time.Hour)) || q.GetFollow() {
		t.Errorf("asked %v", q)
	}
	if d := cmp.Diff([][]string{{"shop/", "bank/"}, nil, nil, {"shop/", "bank/"}}, [][]string{
		q.GetWhitelist()[0].GetSourcePod(), q.GetWhitelist()[0].GetDestinationPod(), q.GetWhitelist()[1].GetSourcePod(), q.GetWhitelist()[1].GetDestinationPod(),
	}); d != "" {
		t.Error(d)
	}
	if _, err := fieldmaskpb.New(&flowpb.Flow{}, fields...); err != nil {
		t.Error(err)
	}
}

func TestWhoIsNotTheRelayIsNotRead(t *testing.T) {
	t.Parallel()
	s := relaytest.Start(t, relaytest.Send(nil, relaytest.Numbered(1)))
	other := relaytest.NewPKI(t)
	for name, c := range map[string]Certificates{
		"another name":                {CA: s.CA, Cert: s.Cert, Key: s.Key, ServerName: "relay.example"},
		"another authority":           {CA: other.CA, Cert: s.Cert, Key: s.Key, ServerName: relaytest.Name},
		"the machine's authorities":   {Cert: s.Cert, Key: s.Key, ServerName: relaytest.Name},
		"no certificate of our own":   {CA: s.CA, ServerName: relaytest.Name},
		"a certificate of a stranger": {CA: s.CA, Cert: other.Cert, Key: other.Key, ServerName: relaytest.Name},
	} {
		transport, err := Secure(c)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ports(t.Context(), readerOf(t, s, Options{Transport: transport, Retries: 1})); err == nil || len(got) > 0 {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	if got, err := ports(t.Context(), readerOf(t, s, Options{Transport: Plain(), Retries: 1})); err == nil || len(got) > 0 {
		t.Errorf("without TLS: %v %v", got, err)
	}
	if n := len(s.Requests()); n > 0 {
		t.Errorf("%d calls came through", n)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	if _, err := NewReader(Options{Transport: Plain()}); err == nil {
		t.Error("no address")
	}
	if _, err := NewReader(Options{Address: "x:1"}); err == nil {
		t.Error("no transport")
	}
	p := relaytest.NewPKI(t)
	for name, c := range map[string]Certificates{
		"an authority that is none": {CA: []byte("x")}, "a certificate without a key": {Cert: p.Cert}, "a key without a certificate": {Key: p.Key}, "what does not belong together": {Cert: p.Cert, Key: relaytest.NewPKI(t).Key},
	} {
		if _, err := Secure(c); err == nil {
			t.Error(name)
		}
	}
}

// TestABrokenStreamIsTakenUp: the flows before the break are kept, those that
// come again are known again, and the break is reported.
func TestABrokenStreamIsTakenUp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flow     func(int) *observerpb.GetFlowsResponse
		repeated uint64
	}{
		"with identifiers":    {relaytest.Numbered, 3},
		"without identifiers": {relaytest.Nameless, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := relaytest.Start(t, relaytest.Send(gone, tc.flow(8), tc.flow(9), tc.flow(10)), relaytest.Send(gone), relaytest.Send(nil, tc.flow(8), tc.flow(9), tc.flow(10), tc.flow(42), tc.flow(43)))
			r := readerOf(t, s, Options{})
			got, err := ports(t.Context(), r)
			if err != nil || !slices.Equal(got, []int{8, 9, 10, 42, 43}) {
				t.Fatalf("%v %v", got, err)
			}
			if r.Stats.Repeated != tc.repeated || r.Stats.Broken != 2 || len(r.Stats.Breaks) != 1 || r.Stats.Flows != 5 {
				t.Fatalf("%+v", r.Stats)
			}
			if b := r.Stats.Breaks[0]; !b.Last.Equal(relaytest.Noon.Add(10*time.Second)) || !b.Next.Equal(relaytest.Noon.Add(42*time.Second)) || status.Code(b.Err) != codes.Unavailable {
				t.Errorf("%+v", b)
			}
			asked := s.Requests()
			if asked[0].GetSince() != nil || !asked[1].GetSince().AsTime().Equal(relaytest.Noon.Add(5*time.Second)) || !asked[2].GetSince().AsTime().Equal(relaytest.Noon.Add(5*time.Second)) {
				t.Errorf("asked %v", asked)
			}
		})
	}
}

// TestARelayThatIsRestartedIsFoundAgain stops the server itself in the middle of
// a stream, and starts another at its address.
func TestARelayThatIsRestartedIsFoundAgain(t *testing.T) {
	t.Parallel()
	s := relaytest.Start(t, relaytest.Hang(relaytest.Numbered(1), relaytest.Numbered(2)), relaytest.Hang(relaytest.Numbered(2), relaytest.Numbered(3)))
	r := readerOf(t, s, Options{Follow: true, Number: 3, Retries: 200})
	var got []int
	err := r.Each(t.Context(), func(f *flows.Flow) error {
		got = append(got, int(f.DestinationPort))
		if f.DestinationPort == 2 {
			s.Server.Stop()
			s.Listen(t, s.Address)
		}
		return nil
	})
	if err != nil || !slices.Equal(got, []int{1, 2, 3}) || r.Stats.Repeated != 1 || len(r.Stats.Breaks) != 1 {
		t.Errorf("%v %v %+v", got, err, r.Stats)
	}
	if q := s.Requests()[0]; !q.GetFollow() || q.GetSince() == nil {
		t.Errorf("asked %v: what the nodes remember is left out", q)
	}
}

func TestAStreamThatFollowsDoesNotEndByItself(t *testing.T) {
	t.Parallel()
	s := relaytest.Start(t, relaytest.Send(nil, relaytest.Numbered(1)), relaytest.Send(nil, relaytest.Numbered(2)))
	r := readerOf(t, s, Options{Follow: true, Number: 2})
	if got, err := ports(t.Context(), r); err != nil || !slices.Equal(got, []int{1, 2}) || !errors.Is(r.Stats.Breaks[0].Err, errEnded) {
		t.Errorf("%v %v %+v", got, err, r.Stats)
	}
}

func TestWhatWasReadIsKeptWhenTheRelayStaysAway(t *testing.T) {
	t.Parallel()
	s := relaytest.Start(t, relaytest.Send(gone, relaytest.Numbered(1)), relaytest.Send(gone))
	r := readerOf(t, s, Options{Retries: 3})
	got, err := ports(t.Context(), r)
	if status.Code(errors.Unwrap(err)) != codes.Unavailable || !slices.Equal(got, []int{1}) {
		t.Errorf("%v %v", got, err)
	}
	if n := len(s.Requests()); n != 5 { // the first, which brought a flow, and one more than the retries
		t.Errorf("%d calls", n)
	}
	if b := r.Stats.Breaks; len(b) != 1 || !b[0].Next.IsZero() || r.Stats.Broken != 5 {
		t.Errorf("%+v", r.Stats)
	}
}

func TestARefusalIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented, codes.InvalidArgument} {
		s := relaytest.Start(t, relaytest.Send(status.Error(code, "no")))
		if _, err := ports(t.Context(), readerOf(t, s, Options{})); err == nil || len(s.Requests()) != 1 {
			t.Errorf("%s: %v after %d calls", code, err, len(s.Requests()))
		}
	}
}

func TestLossesAndMissingNodesAreCounted(t *testing.T) {
	t.Parallel()
	s := relaytest.Start(t, relaytest.Send(nil, relaytest.Node(relaypb.NodeState_NODE_CONNECTED, "n1", ""), relaytest.Lost(41), relaytest.Numbered(1), relaytest.Lost(0), relaytest.Unreached("n2", "why"),
		relaytest.Node(relaypb.NodeState_NODE_ERROR, "n3", "why"), &observerpb.GetFlowsResponse{}))
	r := readerOf(t, s, Options{})
	if _, err := ports(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Stats{Flows: 1, Lost: 42, Missing: map[string]string{"n2": "why", "n3": "why"}}, r.Stats); d != "" {
		t.Errorf("stats (want -, got +):\n%s", d)
	}
}

func TestABoundEndsTheReading(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	t.Run("a number", func(t *testing.T) {
		t.Parallel()
		s := relaytest.Start(t, relaytest.Hang(relaytest.Numbered(1), relaytest.Numbered(2), relaytest.Numbered(3)))
		if got, err := ports(t.Context(), readerOf(t, s, Options{Follow: true, Number: 2})); err != nil || len(got) != 2 {
			t.Errorf("%v %v", got, err)
		}
	})
	t.Run("a duration", func(t *testing.T) {
		t.Parallel()
		s := relaytest.Start(t, relaytest.Hang(relaytest.Numbered(1)))
		if got, err := ports(t.Context(), readerOf(t, s, Options{Follow: true, For: 2 * time.Second})); err != nil || len(got) != 1 {
			t.Errorf("%v %v", got, err)
		}
	})
	t.Run("the context", func(t *testing.T) {
		t.Parallel()
		s := relaytest.Start(t, relaytest.Hang(relaytest.Numbered(1)))
		ctx, cancel := context.WithCancel(t.Context())
		err := readerOf(t, s, Options{Follow: true}).Each(ctx, func(*flows.Flow) error {
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("the visitor", func(t *testing.T) {
		t.Parallel()
		s := relaytest.Start(t, relaytest.Hang(relaytest.Numbered(1)))
		err := readerOf(t, s, Options{Follow: true}).Each(t.Context(), func(*flows.Flow) error { return enough })
		if !errors.Is(err, enough) || len(s.Requests()) != 1 {
			t.Errorf("%v after %d calls", err, len(s.Requests()))
		}
	})
	t.Run("a context in a pause", func(t *testing.T) {
		t.Parallel()
		s := relaytest.Start(t, relaytest.Send(gone))
		r := readerOf(t, s, Options{Retries: 9})
		r.o.Wait = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := ports(ctx, r); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	var r recent
	for i := range 2 * maxRecent {
		if !r.add(relaytest.Numbered(i).GetFlow().GetUuid(), relaytest.Noon) {
			t.Fatalf("flow %d is taken for another", i)
		}
	}
	if len(r.ring) != maxRecent || len(r.known) != maxRecent || r.add("u-131071", relaytest.Noon) || !r.add("u-0", relaytest.Noon) {
		t.Errorf("%d and %d are known", len(r.ring), len(r.known))
	}
}

// TestTheCollectorTakesWhatTheRelaySends goes the whole way to counted flows.
func TestTheCollectorTakesWhatTheRelaySends(t *testing.T) {
	t.Parallel()
	var list []*observerpb.GetFlowsResponse
	for n := range 2000 {
		list = append(list, relaytest.Numbered(n+1))
	}
	s := relaytest.Start(t, func(q *observerpb.GetFlowsRequest, out grpc.ServerStreamingServer[observerpb.GetFlowsResponse]) error {
		return relaytest.Send(nil, list...)(q, out)
	})
	got, err := ports(t.Context(), readerOf(t, s, Options{}))
	if err != nil || len(got) != len(list) {
		t.Errorf("%d flows, %v", len(got), err)
	}
}
