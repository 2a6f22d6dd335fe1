// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"net/netip"

	flowpb "github.com/cilium/cilium/api/v1/flow"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/flows"
)

// convert makes a flow of Cilium's. It says the same of it as the reader of JSON
// does; TestJSONAndMessagesSayTheSame compares the two.
func convert(m *flowpb.Flow, f *flows.Flow) {
	f.Reset()
	if t := m.GetTime(); t.IsValid() {
		f.Time = t.AsTime()
	}
	f.Verdict = verdictOf(m.GetVerdict())
	f.DroppedFor(reasonOf(m))
	f.Source.Address, f.Destination.Address = address(m.GetIP().GetSource()), address(m.GetIP().GetDestination())
	endpoint(m.GetSource(), &f.Source)
	endpoint(m.GetDestination(), &f.Destination)
	transport(m.GetL4(), f)
	switch {
	case m.GetIsReply() == nil && m.GetReply(): //nolint:staticcheck // what nodes before 1.10 send
		f.Reply = flows.Yes
	case m.GetIsReply() == nil:
	case m.GetIsReply().GetValue():
		f.Reply = flows.Yes
	default:
		f.Reply = flows.No
	}
	if m.GetL7().GetType() == flowpb.L7FlowType_RESPONSE {
		f.Answers = true
	}
	if p := m.GetSockXlatePoint(); p == flowpb.SocketTranslationPoint_SOCK_XLATE_POINT_PRE_DIRECTION_REV || p == flowpb.SocketTranslationPoint_SOCK_XLATE_POINT_POST_DIRECTION_REV {
		f.Answers = true
	}
	switch m.GetTrafficDirection() {
	case flowpb.TrafficDirection_INGRESS:
		f.Direction = flows.Ingress
	case flowpb.TrafficDirection_EGRESS:
		f.Direction = flows.Egress
	case flowpb.TrafficDirection_TRAFFIC_DIRECTION_UNKNOWN:
	}
	for _, name := range m.GetDestinationNames() {
		if name != "" {
			f.Names = append(f.Names, name)
		}
	}
	f.ServiceNamespace, f.ServiceName = m.GetDestinationService().GetNamespace(), m.GetDestinationService().GetName()
}

func verdictOf(v flowpb.Verdict) flows.Verdict {
	switch v {
	case flowpb.Verdict_FORWARDED, flowpb.Verdict_REDIRECTED, flowpb.Verdict_AUDIT:
		return flows.Forwarded
	case flowpb.Verdict_DROPPED:
		return flows.Dropped
	case flowpb.Verdict_ERROR:
		return flows.Failed
	case flowpb.Verdict_VERDICT_UNKNOWN, flowpb.Verdict_TRACED, flowpb.Verdict_TRANSLATED:
	}
	return flows.NoVerdict
}

// reasonOf returns the name of a reason why a flow was dropped, and its number.
func reasonOf(m *flowpb.Flow) (string, uint64) {
	desc := m.GetDropReasonDesc()
	switch name, known := flowpb.DropReason_name[int32(desc)]; {
	case desc == flowpb.DropReason_DROP_REASON_UNKNOWN:
		return "", uint64(m.GetDropReason()) //nolint:staticcheck // all that old nodes send
	case known:
		return name, uint64(desc) //nolint:gosec // of a table without negative ones
	case desc < 0:
		return desc.String(), 0
	}
	return "", uint64(desc)
}

func endpoint(m *flowpb.Endpoint, e *flows.Endpoint) {
	e.Namespace, e.Pod = m.GetNamespace(), m.GetPodName()
	e.Reserved.AddIdentity(uint64(m.GetIdentity()))
	for _, w := range m.GetWorkloads() {
		e.Workloads = append(e.Workloads, flows.WorkloadName{Kind: w.GetKind(), Name: w.GetName()})
	}
	for _, text := range m.GetLabels() {
		e.AddLabel(text)
	}
}

func address(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func transport(m *flowpb.Layer4, f *flows.Flow) {
	switch l := m.GetProtocol().(type) {
	case *flowpb.Layer4_TCP:
		f.Protocol = generator.TCP
		f.SourcePort, f.DestinationPort = port(l.TCP.GetSourcePort()), port(l.TCP.GetDestinationPort())
		if flags := l.TCP.GetFlags(); flags.GetSYN() {
			f.Opens, f.Answers = !flags.GetACK(), flags.GetACK()
		}
	case *flowpb.Layer4_UDP:
		f.Protocol = generator.UDP
		f.SourcePort, f.DestinationPort = port(l.UDP.GetSourcePort()), port(l.UDP.GetDestinationPort())
	case *flowpb.Layer4_SCTP:
		f.Protocol = generator.SCTP
		f.SourcePort, f.DestinationPort = port(l.SCTP.GetSourcePort()), port(l.SCTP.GetDestinationPort())
		f.Opens, f.Answers = l.SCTP.GetChunkType() == flowpb.SCTPChunkType_INIT, l.SCTP.GetChunkType() == flowpb.SCTPChunkType_INIT_ACK
	case *flowpb.Layer4_ICMPv4:
		f.Other = "ICMPv4"
	case *flowpb.Layer4_ICMPv6:
		f.Other = "ICMPv6"
	case *flowpb.Layer4_VRRP:
		f.Other = "VRRP"
	case *flowpb.Layer4_IGMP:
		f.Other = "IGMP"
	}
}

// port is 0 for what is none.
func port(n uint32) uint16 {
	if n > generator.MaxPort {
		return 0
	}
	return uint16(n)
}
