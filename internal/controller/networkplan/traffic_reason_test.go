// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/internal/network"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestOnlyDropsOfPoliciesAreRefusals: a full table of connections, for one, must
// withdraw no plan.
func TestOnlyDropsOfPoliciesAreRefusals(t *testing.T) {
	t.Parallel()
	universe, err := generator.Observe(inventory.New())
	if err != nil {
		t.Fatal(err)
	}
	o := flows.Options{Universe: universe, Environment: generator.NewEnvironment()}
	for reason, want := range map[string]uint64{"POLICY_DENIED": 1, "POLICY_DENY": 1, "": 1, "CT_MAP_INSERTION_FAILED": 0, "AUTH_REQUIRED": 0} {
		dropped := flows.NewCollector(o)
		seen := flows.NewCollector(o)
		traffic := &Traffic{since: [sorts]*flows.Collector{cameAbout: seen, wasRefused: dropped}}
		f := flows.Flow{Verdict: flows.Dropped, Opens: true, Protocol: generator.TCP, DestinationPort: 8080}
		f.DroppedFor(reason, 0)
		if err := traffic.add(&f); err != nil {
			t.Fatal(err)
		}
		other := seen.Result()
		if got := dropped.Result(); got.Summary.Flows != want || other.Summary.Flows != 1-want || other.Summary.Left[flows.NoPolicy] != 1-want {
			t.Errorf("%q: refused %+v, the rest %+v", reason, got.Summary, other.Summary)
		}
	}
}

// TestWhereSomethingWasDropped is kept apart: at which end says whose policies did it.
func TestWhereSomethingWasDropped(t *testing.T) {
	t.Parallel()
	inv := inventory.New(deployments("left", "right")...)
	var published network.Traffic
	traffic := &Traffic{Inventory: func() *inventory.Inventory { return inv }, known: [sorts]map[connection]generator.Evidence{{}, {}, {}, {}}}
	traffic.Changed = func() { published = traffic.Load() }
	now := time.Unix(1_000_000, 0)
	if err := traffic.turn(now); err != nil {
		t.Fatal(err)
	}
	end := func(name string) flows.Endpoint {
		return flows.Endpoint{Namespace: "shop", Workloads: []flows.WorkloadName{{Kind: "Deployment", Name: name}}}
	}
	for d, port := range map[flows.Direction]uint16{flows.NoDirection: 1, flows.Ingress: 2, flows.Egress: 3} {
		f := flows.Flow{Verdict: flows.Dropped, Direction: d, Opens: true, Protocol: generator.TCP, SourcePort: 40000, DestinationPort: port, Source: end("left"), Destination: end("right")}
		if err := traffic.add(&f); err != nil {
			t.Fatal(err)
		}
	}
	if err := traffic.turn(now); err != nil {
		t.Fatal(err)
	}
	for want, list := range map[uint16][]generator.Edge{1: published.Refused, 2: published.RefusedEntering, 3: published.RefusedLeaving} {
		if len(list) != 1 || list[0].Port != generator.NumberedPort(generator.TCP, want) {
			t.Errorf("port %d: %v", want, list)
		}
	}
	if len(published.Seen) > 0 {
		t.Errorf("came about: %v", published.Seen)
	}
}

// deployments are Deployments of namespace shop.
func deployments(names ...string) []inventory.Object {
	out := make([]inventory.Object, len(names))
	for i, name := range names {
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
		d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
		d.Spec.Template.Labels = d.Spec.Selector.MatchLabels
		out[i] = d
	}
	return out
}
