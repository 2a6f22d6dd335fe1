// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/internal/hubble/relaytest"
)

// same compares what a message becomes with what its JSON becomes, in both
// spellings of the names. False for what has no JSON or is no flow.
func same(t *testing.T, m *flowpb.Flow) bool {
	t.Helper()
	compared := false
	for _, proto := range []bool{true, false} {
		text, err := protojson.MarshalOptions{UseProtoNames: proto}.Marshal(m)
		if err != nil {
			return false
		}
		var got, want flows.Flow
		convert(m, &want)
		var r flows.Reader
		if err := r.Each(bytes.NewReader(fmt.Appendf(nil, `{"flow":%s}`, text)), func(f *flows.Flow) error {
			got = *f
			compared = true
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !compared {
			return false
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
			t.Errorf("%s\nmessage -, JSON +:\n%s", text, d)
		}
	}
	return compared
}

var messages = []*flowpb.Flow{
	relaytest.Numbered(7).GetFlow(),
	{
		Time: timestamppb.New(relaytest.Noon), Verdict: flowpb.Verdict_REDIRECTED, IP: &flowpb.IP{Source: "10.0.0.1", Destination: "::ffff:10.0.0.2"},
		L4:     &flowpb.Layer4{Protocol: &flowpb.Layer4_TCP{TCP: &flowpb.TCP{SourcePort: 1, DestinationPort: 70000, Flags: &flowpb.TCPFlags{SYN: true, ACK: true}}}},
		Source: &flowpb.Endpoint{Identity: 7, Labels: []string{"reserved:kube-apiserver", "reserved:remote-node"}},
		Destination: &flowpb.Endpoint{
			Identity: 70000, Namespace: "shop", PodName: "web-1", Workloads: []*flowpb.Workload{{Kind: "Deployment", Name: "web"}, {Name: "x"}},
			Labels: []string{"k8s:app=web", "k8s:io.kubernetes.pod.namespace=other", "cidr:10.0.0.0/8", "any:x", "k8s:io.cilium.k8s.policy.cluster=c", "odd", ""},
		},
		IsReply: wrapperspb.Bool(true), TrafficDirection: flowpb.TrafficDirection_INGRESS, DestinationNames: []string{"a.example", "", "b.example"},
		DestinationService: &flowpb.Service{Name: "web", Namespace: "shop"},
	},
	{Verdict: flowpb.Verdict_DROPPED, L4: &flowpb.Layer4{Protocol: &flowpb.Layer4_UDP{UDP: &flowpb.UDP{SourcePort: 5, DestinationPort: 53}}}, Reply: true, TrafficDirection: flowpb.TrafficDirection_EGRESS},
	{Verdict: flowpb.Verdict_DROPPED, DropReasonDesc: flowpb.DropReason_POLICY_DENIED, DropReason: 133, Type: flowpb.FlowType_L3_L4, Source: &flowpb.Endpoint{}},
	{Verdict: flowpb.Verdict_DROPPED, DropReasonDesc: flowpb.DropReason_CT_MAP_INSERTION_FAILED, Type: flowpb.FlowType_L3_L4, Source: &flowpb.Endpoint{}},
	{Verdict: flowpb.Verdict_DROPPED, DropReason: 155, Type: flowpb.FlowType_L3_L4, Source: &flowpb.Endpoint{}},
	{Verdict: flowpb.Verdict_DROPPED, DropReason: 133, Type: flowpb.FlowType_L3_L4, Source: &flowpb.Endpoint{}},
	{Verdict: flowpb.Verdict_DROPPED, DropReasonDesc: 300, Type: flowpb.FlowType_L3_L4, Source: &flowpb.Endpoint{}},
	{Verdict: flowpb.Verdict_FORWARDED, DropReasonDesc: flowpb.DropReason_POLICY_DENY, Type: flowpb.FlowType_L3_L4, Source: &flowpb.Endpoint{}},
	{Verdict: flowpb.Verdict_ERROR, L4: &flowpb.Layer4{Protocol: &flowpb.Layer4_SCTP{SCTP: &flowpb.SCTP{ChunkType: flowpb.SCTPChunkType_INIT}}}},
	{Verdict: flowpb.Verdict_AUDIT, L4: &flowpb.Layer4{Protocol: &flowpb.Layer4_SCTP{SCTP: &flowpb.SCTP{ChunkType: flowpb.SCTPChunkType_INIT_ACK}}}},
	{Verdict: flowpb.Verdict_TRACED, L4: &flowpb.Layer4{Protocol: &flowpb.Layer4_ICMPv4{ICMPv4: &flowpb.ICMPv4{Type: 8}}}},
	{Verdict: flowpb.Verdict_TRANSLATED, L4: &flowpb.Layer4{Protocol: &flowpb.Layer4_ICMPv6{ICMPv6: &flowpb.ICMPv6{}}}, SockXlatePoint: flowpb.SocketTranslationPoint_SOCK_XLATE_POINT_PRE_DIRECTION_REV},
	{L4: &flowpb.Layer4{Protocol: &flowpb.Layer4_VRRP{VRRP: &flowpb.VRRP{}}}, IsReply: wrapperspb.Bool(false)},
	{L4: &flowpb.Layer4{Protocol: &flowpb.Layer4_IGMP{IGMP: &flowpb.IGMP{}}}, SockXlatePoint: flowpb.SocketTranslationPoint_SOCK_XLATE_POINT_POST_DIRECTION_FWD},
	{IP: &flowpb.IP{Source: "fe80::1%eth0", Destination: "nowhere"}, L7: &flowpb.Layer7{Type: flowpb.L7FlowType_RESPONSE, Record: &flowpb.Layer7_Dns{Dns: &flowpb.DNS{Query: "a.example."}}}, Type: flowpb.FlowType_L7},
	{IP: &flowpb.IP{Source: "10.0.0.1"}, L7: &flowpb.Layer7{Type: flowpb.L7FlowType_REQUEST}},
	{NodeName: "n1", Summary: "TCP", Source: &flowpb.Endpoint{}}, // nothing that only Hubble has, and no verdict
}

func TestJSONAndMessagesSayTheSame(t *testing.T) {
	t.Parallel()
	for i, m := range messages {
		if !same(t, m) {
			t.Errorf("message %d was not compared", i)
		}
	}
}

// TestAllThatIsReadIsAskedFor takes out of the messages what the relay is not asked
// for: they say the same without it.
func TestAllThatIsReadIsAskedFor(t *testing.T) {
	t.Parallel()
	differ := false
	for i, m := range messages {
		asked := proto.CloneOf(m)
		asked.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			if !slices.ContainsFunc(fields, func(path string) bool {
				return path == string(f.Name()) || strings.HasPrefix(path, string(f.Name())+".")
			}) {
				asked.ProtoReflect().Clear(f)
				differ = true
			}
			return true
		})
		var got, want flows.Flow
		convert(asked, &got)
		convert(m, &want)
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
			t.Errorf("message %d (all -, what is asked for +):\n%s", i, d)
		}
	}
	if !differ {
		t.Error("every field is asked for: this tests nothing")
	}
}

func FuzzConvert(f *testing.F) {
	for _, m := range messages {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m flowpb.Flow
		if proto.Unmarshal(data, &m) != nil {
			return
		}
		var flow flows.Flow
		convert(&m, &flow)
		same(t, &m)
	})
}
