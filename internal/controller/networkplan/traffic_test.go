// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	observerpb "github.com/cilium/cilium/api/v1/observer"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/flows/relay"
)

// hubble is a Hubble Relay that sends what a test gives it, over gRPC. Cilium
// itself needs a kernel and nodes of its own.
type hubble struct {
	observerpb.UnimplementedObserverServer

	address string
	flows   chan *flowpb.Flow
}

func newHubble(t *testing.T) *hubble {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hubble{address: listener.Addr().String(), flows: make(chan *flowpb.Flow, 100)}
	server := grpc.NewServer()
	observerpb.RegisterObserverServer(server, h)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return h
}

func (h *hubble) GetFlows(_ *observerpb.GetFlowsRequest, out grpc.ServerStreamingServer[observerpb.GetFlowsResponse]) error {
	for {
		select {
		case <-out.Context().Done():
			return nil
		case f := <-h.flows:
			if err := out.Send(&observerpb.GetFlowsResponse{Time: f.GetTime(), ResponseTypes: &observerpb.GetFlowsResponse_Flow{Flow: f}}); err != nil {
				return err
			}
		}
	}
}

// trafficked is the namespace of the flows.
const trafficked = "traffic"

// see sends one flow between Deployments of it.
func (h *hubble) see(from, to string, port uint32, verdict flowpb.Verdict) {
	end := func(name string) *flowpb.Endpoint {
		return &flowpb.Endpoint{
			Namespace: trafficked, PodName: name + "-1-a", Labels: []string{"k8s:app=" + name, "k8s:io.kubernetes.pod.namespace=" + trafficked},
			Workloads: []*flowpb.Workload{{Kind: "Deployment", Name: name}},
		}
	}
	h.flows <- &flowpb.Flow{
		Time: timestamppb.Now(), Verdict: verdict, Source: end(from), Destination: end(to), IsReply: wrapperspb.Bool(false),
		TrafficDirection: flowpb.TrafficDirection_EGRESS, Type: flowpb.FlowType_L3_L4,
		L4: &flowpb.Layer4{Protocol: &flowpb.Layer4_TCP{TCP: &flowpb.TCP{SourcePort: 40000, DestinationPort: port, Flags: &flowpb.TCPFlags{SYN: true}}}},
	}
}

// TestFlows: what the plan would drop shows in the preview until somebody allows it, and
// one whose own connections are dropped after it was
// applied is withdrawn.
func TestFlows(t *testing.T) {
	e := newEnvironment(t)
	h := newHubble(t)
	o := quick()
	o.Watch = time.Minute
	r := e.start(o, &Traffic{Relay: relay.Options{Address: h.address, Transport: relay.Plain(), Follow: true}})
	const ns = trafficked
	e.namespace(ns, "preview")
	e.phase(ns, v1alpha1.NetworkPreviewed)
	time.Sleep(turn) // the workloads are known from the next turn on
	h.see("web", "carts", 8080, flowpb.Verdict_FORWARDED)
	h.see("carts", "web", 8080, flowpb.Verdict_FORWARDED)
	p := e.becomes(ns, "a preview with a drop", func(p *v1alpha1.NetworkPlan) bool { return p.Status.Counts.Drops > 0 })
	if d := p.Status.Drops; len(d) != 1 || d[0].From != "Deployment traffic/carts" || d[0].To != "Deployment traffic/web" || d[0].Port != "TCP/8080" || d[0].Flows != 1 || d[0].Wanted {
		t.Errorf("drops %+v", d)
	}

	e.kubectl("", "patch", "networkplan", "default", "-n", ns, "--type=merge", "-p", `{"spec":{"allow":[{"from":{"workload":{"name":"carts"}},"to":{"workload":{"name":"web"}},"ports":["8080"],"reason":"seen"}]}}`)
	p = e.becomes(ns, "a plan without drops", func(p *v1alpha1.NetworkPlan) bool {
		return p.Status.Counts.Drops == 0 && p.Status.ObservedGeneration == p.Generation
	})
	if !slices.ContainsFunc(p.Status.Connections, func(c v1alpha1.NetworkConnection) bool {
		return c.From == "Deployment traffic/carts" && strings.HasPrefix(c.Because, "intent ")
	}) {
		t.Errorf("connections %+v", p.Status.Connections)
	}

	e.label(ns, "apply")
	e.phase(ns, v1alpha1.NetworkApplied)
	e.settled(ns, "allow", "allow", "allow", "allow", "deny", "deny")
	time.Sleep(2 * time.Second) // a drop of the time before it took effect says nothing
	h.see("carts", "carts", 9999, flowpb.Verdict_DROPPED)
	h.see("web", "carts", 8080, flowpb.Verdict_DROPPED)
	p = e.phase(ns, v1alpha1.NetworkWithdrawn)
	e.settled(ns)
	if p.Status.Withdrawn == "" || len(p.Status.Drops) == 0 || !p.Status.Drops[0].Wanted || !r.heard("Withdrawn") {
		t.Errorf("status %+v", p.Status)
	}
	e.label(ns, "preview")
	p = e.phase(ns, v1alpha1.NetworkPreviewed)
	if p.Status.Withdrawn != "" || p.Status.Applied != "" {
		t.Errorf("after a look at the preview: %+v", p.Status)
	}
}

// TestWhatIsKnownIsBounded: the connection that was seen longest ago goes first.
func TestWhatIsKnownIsBounded(t *testing.T) {
	t.Parallel()
	known, start := map[connection]generator.Evidence{}, time.Unix(1_000_000, 0)
	edge := func(i int, at time.Time) generator.Edge {
		return generator.Edge{
			From: generator.NamespacePeerOf("a"), To: generator.NamespacePeerOf("b"), Port: generator.NumberedPort(generator.TCP, uint16(1+i%60_000)),
			Because: []generator.Evidence{{Source: generator.Flow, Flows: 1, First: at, Last: at}},
		}
	}
	for turn := range 3 {
		var list []generator.Edge
		for i := range maxSeen/2 + 5 {
			i += turn * (maxSeen/2 + 5)
			list = append(list, edge(i, start.Add(time.Duration(i)*time.Second)))
		}
		remember(known, list, start.Add(2*maxSeen*time.Second))
	}
	first, last := edge(0, start), edge(3*(maxSeen/2+5)-1, start)
	_, old := known[connection{first.From, first.To, first.Port}]
	_, recent := known[connection{last.From, last.To, last.Port}]
	if len(known) != maxSeen || old || !recent {
		t.Errorf("%d are known; the oldest is: %t, the newest: %t", len(known), old, recent)
	}
	remember(known, []generator.Edge{last, last}, start.Add(2*maxSeen*time.Second))
	if got := known[connection{last.From, last.To, last.Port}]; got.Flows != 3 {
		t.Errorf("%d flows, want 3", got.Flows)
	}
	if remember(known, nil, start.Add(kept+365*24*time.Hour)); len(known) != 0 {
		t.Errorf("%d are known for ever", len(known))
	}
}
