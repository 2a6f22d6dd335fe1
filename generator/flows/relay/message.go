// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"time"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	observerpb "github.com/cilium/cilium/api/v1/observer"
	relaypb "github.com/cilium/cilium/api/v1/relay"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/gatehouse-sh/gatehouse/generator/flows"
)

// message takes one message of a stream.
func (r *Reader) message(m *observerpb.GetFlowsResponse, f *flows.Flow, visit func(*flows.Flow) error) error {
	switch {
	case m.GetLostEvents() != nil:
		r.Stats.Lost += max(m.GetLostEvents().GetNumEventsLost(), 1)
	case m.GetNodeStatus() != nil:
		r.nodes(m.GetNodeStatus())
	case m.GetFlow() != nil:
		convert(m.GetFlow(), f)
		if !r.recent.add(m.GetFlow().GetUuid(), f.Time) {
			r.Stats.Repeated++
			return nil
		}
		if r.open {
			r.Stats.Breaks[len(r.Stats.Breaks)-1].Next, r.open = f.Time, false
		}
		if f.Time.After(r.last) {
			r.last = f.Time
		}
		r.Stats.Flows++
		if err := visit(f); err != nil {
			return visitError{err}
		}
		if r.o.Number > 0 && r.Stats.Flows >= r.o.Number {
			return errFull
		}
	}
	return nil
}

func (r *Reader) nodes(n *relaypb.NodeStatusEvent) {
	if s := n.GetStateChange(); s != relaypb.NodeState_NODE_UNAVAILABLE && s != relaypb.NodeState_NODE_ERROR {
		return
	}
	for _, name := range n.GetNodeNames() {
		if len(r.Stats.Missing) < maxMissing {
			r.Stats.Missing[name] = n.GetMessage()
		}
	}
}

func (r *Reader) noteBreak(err error) {
	r.Stats.Broken++
	r.recent.resume(r.last)
	if r.open || len(r.Stats.Breaks) >= maxBreaks {
		return // still the same silence
	}
	r.Stats.Breaks, r.open = append(r.Stats.Breaks, Break{Last: r.last, Err: err}), true
}

// fields are what is read of a flow; a node need not send the rest.
var fields = []string{
	"time", "uuid", "verdict", "drop_reason_desc", "drop_reason", "IP", "l4", "source", "destination", "Type", "l7.type", "is_reply", "reply", "traffic_direction",
	"destination_names", "destination_service", "sock_xlate_point",
}

// request asks for the flows from the beginning on, or again for those of the
// last moments before a break: nodes report with some delay, and not in order.
func (r *Reader) request() *observerpb.GetFlowsRequest {
	since := r.o.Since
	if !r.last.IsZero() {
		since = r.last.Add(-overlap)
		if since.Before(r.o.Since) {
			since = r.o.Since
		}
	} else if since.IsZero() && r.o.Follow {
		since = time.Unix(1, 0) // without it a stream that follows begins now
	}
	q := &observerpb.GetFlowsRequest{Follow: r.o.Follow, FieldMask: &fieldmaskpb.FieldMask{Paths: fields}}
	if !since.IsZero() {
		q.Since = timestamppb.New(since)
	}
	if !r.o.Until.IsZero() {
		q.Until = timestamppb.New(r.o.Until)
	}
	if len(r.o.Namespaces) > 0 {
		from, to := &flowpb.FlowFilter{}, &flowpb.FlowFilter{}
		for _, namespace := range r.o.Namespaces {
			from.SourcePod = append(from.SourcePod, namespace+"/")
			to.DestinationPod = append(to.DestinationPod, namespace+"/")
		}
		q.Whitelist = []*flowpb.FlowFilter{from, to}
	}
	return q
}
