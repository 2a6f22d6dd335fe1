// SPDX-License-Identifier: Apache-2.0

package enforcer_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestFind(t *testing.T) {
	t.Parallel()
	want := []string{"generic", "aws-vpc-cni", "calico", "cilium", "gke", "ovn-kubernetes"}
	if diff := cmp.Diff(want, enforcer.Names()); diff != "" {
		t.Error(diff)
	}
	for _, name := range enforcer.Names() {
		if p, err := enforcer.Find(name); err != nil || p.String() != name {
			t.Errorf("%s: %s %v", name, p, err)
		}
	}
	if _, err := enforcer.Find("flannel"); err == nil || !strings.Contains(err.Error(), strings.Join(want, ", ")) {
		t.Errorf("an unknown name: %v", err)
	}
}

// TestNoEnforcerRefusesEverything: the zero value allows nothing and keeps the
// denials.
func TestNoEnforcerRefusesEverything(t *testing.T) {
	t.Parallel()
	m := shop(t, nil, generator.Edge{From: workload("web"), To: workload("db"), Port: tcp(5432)})
	plan, _ := compact.Compact(m, compact.Options{})
	got, refused := enforcer.Profile{}.Adapt(m, plan)
	if len(got.Allows) != 0 || len(got.Denies) != 2 || len(refused) != 1 || len(plan.Allows) != 2 {
		t.Errorf("%+v %v, of %d policies", got, refused, len(plan.Allows))
	}
	if (enforcer.Profile{}).String() != "no enforcer" || (enforcer.Profile{}).Verify().Blocks != verify.BlocksAreOutside {
		t.Error("the zero value is somebody")
	}
}

// TestAdaptLeavesThePlanAlone: what it makes is a plan of its own.
func TestAdaptLeavesThePlanAlone(t *testing.T) {
	t.Parallel()
	for _, name := range enforcer.Names() {
		m := shop(t, nil,
			generator.Edge{From: workload("web"), To: cidr("10.0.0.0/8"), Port: tcp(80)},
			generator.Edge{From: workload("web"), To: workload("db"), Port: generator.Port{Protocol: generator.TCP, First: 80, Last: 83}},
			generator.Edge{From: workload("web"), To: generator.NamespacePeerOf("shop"), Port: generator.NumberedPort(generator.SCTP, 9)})
		plan, _ := compact.Compact(m, compact.Options{})
		before := text(t, plan)
		find(t, name).Adapt(m, plan)
		if diff := cmp.Diff(before, text(t, plan)); diff != "" {
			t.Errorf("%s changes the plan: %s", name, diff)
		}
	}
}

// TestNotes: a sentence for those whom it concerns, and none for the others.
func TestNotes(t *testing.T) {
	t.Parallel()
	web := workload("web")
	metadata := generator.Edge{From: web, To: cidr("169.254.169.254/32"), Port: tcp(80)}
	dns := generator.Edge{From: web, To: group(generator.DNSPeer)}
	nodes := generator.Edge{From: group(generator.NodePeer), To: web, Port: tcp(80)}
	world := generator.Edge{From: web, To: group(generator.ExternalPeer), Port: tcp(443)}
	cache := func(e *generator.Environment) { e.DNS.Addresses = prefixes("169.254.20.10/32") }
	both := func(e *generator.Environment) { e.PodRanges = prefixes("10.244.0.0/16", "2001:db8::/64") }
	for name, tc := range map[string]struct {
		enforcer string
		change   func(*generator.Environment)
		edges    []generator.Edge
		says     string
		not      bool
	}{
		"a pod without an owner on AWS":                {"aws-vpc-cni", nil, nil, "Pod shop/debug", false},
		"a pod without an owner elsewhere":             {"calico", nil, nil, "owner", true},
		"B1.8 ICMP on AWS":                             {"aws-vpc-cni", nil, nil, "ICMP", false},
		"B1.8 ICMP with Cilium":                        {"cilium", nil, nil, "ICMP", false},
		"B1.17 the world from pods of one family":      {"aws-vpc-cni", nil, []generator.Edge{world}, "the other are ignored", false},
		"the world from pods of both families":         {"aws-vpc-cni", both, []generator.Edge{world}, "ignored", true},
		"B1.12 nodes connect through Calico's tunnels": {"calico", nil, []generator.Edge{nodes}, "IPv4IPIPTunnelAddr", false},
		"no nodes connect with Calico":                 {"calico", nil, []generator.Edge{world}, "Tunnel", true},
		"B1.13 nodes connect with OVN":                 {"ovn-kubernetes", nil, []generator.Edge{nodes}, "openshift-host-network", false},
		"B1.9 name servers on GKE":                     {"gke", nil, []generator.Edge{dns}, "--dns 169.254.20.10", false},
		"name servers on GKE with their cache":         {"gke", cache, []generator.Edge{dns}, "--dns", true},
		"B1.16 the metadata service on GKE":            {"gke", nil, []generator.Edge{metadata}, "988", false},
		"no metadata service on GKE":                   {"gke", nil, []generator.Edge{dns}, "988", true},
		"nothing to say of what everybody promises":    {"generic", nil, []generator.Edge{nodes, dns, world, metadata}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			notes := find(t, tc.enforcer).Notes(shop(t, tc.change, slices.Clone(tc.edges)...))
			said := strings.Contains(strings.Join(notes, "\n"), tc.says) && len(notes) > 0
			if said == tc.not {
				t.Errorf("%q", notes)
			}
		})
	}
}

// TestNotesOfServices: B1.6. AWS wants the port of a Service to be that of its
// containers.
func TestNotesOfServices(t *testing.T) {
	t.Parallel()
	connects := []generator.Edge{{From: workload("web"), To: workload("db"), Port: tcp(5432)}}
	for name, tc := range map[string]struct {
		enforcer string
		edges    []generator.Edge
		services []generator.Through
		want     bool
	}{
		"a port that is moved":         {"aws-vpc-cni", connects, []generator.Through{{Service: generator.ServicePeerOf("shop", "db"), Moved: true}}, true},
		"a port that is the same":      {"aws-vpc-cni", connects, []generator.Through{{Service: generator.ServicePeerOf("shop", "db")}}, false},
		"nobody connects":              {"aws-vpc-cni", nil, []generator.Through{{Service: generator.ServicePeerOf("shop", "db"), Moved: true}}, false},
		"where the address is no more": {"calico", connects, []generator.Through{{Service: generator.ServicePeerOf("shop", "db"), Moved: true}}, false},
	} {
		m := shop(t, nil, slices.Clone(tc.edges)...)
		m.Services = tc.services
		if got := strings.Contains(strings.Join(find(t, tc.enforcer).Notes(m), "\n"), "shop/db"); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
