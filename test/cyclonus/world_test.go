// SPDX-License-Identifier: Apache-2.0

// Package differential asks generator/verify and the matcher of cyclonus
// (github.com/mattfenwick/cyclonus, the simulator of the NetworkPolicy
// conformance probes) the same questions about the same random policies, and
// fails at the first answer that differs. It is a module of its own, so that the
// product does not depend on cyclonus.
//
// Everything random comes from one seed, which the test prints; GATEHOUSE_SEED
// chooses another, and "random" one from the clock.
package differential

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

const (
	seedVariable = "GATEHOUSE_SEED"
	defaultSeed  = 20261
)

// seedOf returns the seed of this run.
func seedOf(t testing.TB) uint64 {
	t.Helper()
	switch text := os.Getenv(seedVariable); text {
	case "":
		return defaultSeed
	case "random":
		return uint64(rand.Uint32())
	default:
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
		return seed
	}
}

// dice draw the same case for the same seed and number.
type dice struct{ *rand.Rand }

func newDice(seed, number uint64) dice { return dice{rand.New(rand.NewPCG(seed, number))} }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

var (
	namespaces = []string{"shop", "pay", "ops"}
	keys       = []string{"app", "tier", "team"}
	values     = []string{"a", "b", "c"}
	names      = []string{"http", "dns", "admin"}
	numbers    = []int32{53, 80, 443, 8080, 8081, 9000}
	protocols  = []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}
	blocks     = []string{"0.0.0.0/0", "::/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.128/25", "10.0.1.7/32", "192.0.2.0/24", "192.0.2.70/26", "2001:db8::/32", "2001:db8:1::/48"}
	outside    = []string{"192.0.2.1", "192.0.2.70", "198.51.100.1", "2001:db8::1", "2001:db8:1::1", "2001:db9::1"}
)

// nodes is where pods on the network of their node are.
const nodes = "10.1.0.1"

// host is an end as both sides need it.
type host struct {
	end       verify.End
	namespace string // empty for an address
	own       map[string]string
	labels    map[string]string
	ports     []generator.ContainerPort
	address   string
}

// world is a random universe and everything that may connect in it.
type world struct {
	model *generator.Model
	hosts []host
}

func (d dice) labels() map[string]string {
	out := map[string]string{}
	for _, key := range keys {
		switch {
		case d.chance(5):
			out[key] = ""
		case d.chance(60):
			out[key] = pick(d, values)
		}
	}
	return out
}

func (d dice) world(t testing.TB) world {
	t.Helper()
	own := map[string]map[string]string{}
	for _, name := range namespaces {
		own[name] = d.labels()
	}
	var list []*generator.Workload
	for i := range 1 + d.IntN(6) {
		w := &generator.Workload{
			ID:     generator.WorkloadID{Namespace: pick(d, namespaces), Kind: "Pod", Name: fmt.Sprintf("p%d", i)},
			Labels: d.labels(), HostNetwork: d.chance(10),
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(d.IntN(3)), pick(d, []byte{1, 7, 130, 200})})},
		}
		for range d.IntN(4) {
			w.Ports = append(w.Ports, generator.ContainerPort{Name: pick(d, names), Protocol: generator.Protocols[d.IntN(3)], Number: uint16(pick(d, numbers))})
		}
		list = append(list, w)
	}
	u, err := generator.NewUniverse(list, own)
	if err != nil {
		t.Fatal(err)
	}
	m := &generator.Model{Universe: u, Environment: generator.NewEnvironment()}
	m.Environment.PodRanges = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}
	m.Environment.Nodes.Addresses = []netip.Prefix{netip.MustParsePrefix(nodes + "/32")}
	out := world{model: m}
	for _, w := range list {
		h := host{end: verify.PodOf(w.ID), address: nodes}
		if !w.HostNetwork {
			h.namespace, h.own, h.labels, h.ports = w.ID.Namespace, u.NamespaceLabels(w.ID.Namespace), w.Labels, w.Ports
			h.address = w.Addresses[0].String()
		}
		out.hosts = append(out.hosts, h)
	}
	for _, name := range namespaces {
		h := host{end: verify.StrangerIn(name), namespace: name, own: u.NamespaceLabels(name), address: "10.0.2.99"}
		h.end.Address = netip.MustParseAddr(h.address)
		out.hosts = append(out.hosts, h)
	}
	for range 3 {
		a := pick(d, outside)
		out.hosts = append(out.hosts, host{end: verify.AddressOf(netip.MustParseAddr(a)), address: a})
	}
	return out
}

func (d dice) selector() metav1.LabelSelector {
	var s metav1.LabelSelector
	if d.chance(30) {
		return s
	}
	for range d.IntN(3) {
		if s.MatchLabels == nil {
			s.MatchLabels = map[string]string{}
		}
		s.MatchLabels[pick(d, keys)] = pick(d, append(values, "a", "b", ""))
	}
	for range d.IntN(2) {
		r := metav1.LabelSelectorRequirement{Key: pick(d, keys), Operator: pick(d, []metav1.LabelSelectorOperator{
			metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist,
		})}
		if r.Operator == metav1.LabelSelectorOpIn || r.Operator == metav1.LabelSelectorOpNotIn {
			r.Values = []string{pick(d, values), pick(d, append(values, ""))}
		}
		s.MatchExpressions = append(s.MatchExpressions, r)
	}
	return s
}

func (d dice) peers() []networkingv1.NetworkPolicyPeer {
	var out []networkingv1.NetworkPolicyPeer
	for range d.IntN(4) {
		var p networkingv1.NetworkPolicyPeer
		kind := d.IntN(4)
		if kind == 0 {
			p.IPBlock = &networkingv1.IPBlock{CIDR: pick(d, blocks)}
			whole := netip.MustParsePrefix(p.IPBlock.CIDR)
			for range d.IntN(3) {
				if x := netip.MustParsePrefix(pick(d, blocks)); x.Bits() > whole.Bits() && whole.Contains(x.Addr()) {
					p.IPBlock.Except = append(p.IPBlock.Except, x.String())
				}
			}
		}
		if kind == 1 || kind == 3 {
			s := d.selector()
			p.PodSelector = &s
		}
		if kind == 2 || kind == 3 {
			s := d.selector()
			if d.chance(30) {
				s = metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: pick(d, namespaces)}}
			}
			p.NamespaceSelector = &s
		}
		out = append(out, p)
	}
	return out
}

func (d dice) ports() []networkingv1.NetworkPolicyPort {
	var out []networkingv1.NetworkPolicyPort
	for range d.IntN(4) {
		var p networkingv1.NetworkPolicyPort
		if d.chance(70) {
			protocol := pick(d, protocols)
			p.Protocol = &protocol
		}
		switch d.IntN(4) {
		case 0:
		case 1:
			name := intstr.FromString(pick(d, names))
			p.Port = &name
		case 2:
			a, b := pick(d, numbers), pick(d, numbers)
			number, last := intstr.FromInt32(min(a, b)), max(a, b)
			p.Port, p.EndPort = &number, &last
		default:
			number := intstr.FromInt32(pick(d, numbers))
			p.Port = &number
		}
		out = append(out, p)
	}
	return out
}

func (d dice) policies() []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	for i := range 1 + d.IntN(5) {
		p := &networkingv1.NetworkPolicy{}
		p.Namespace, p.Name = pick(d, namespaces), fmt.Sprintf("np%d", i)
		p.Spec.PodSelector = d.selector()
		for range d.IntN(3) {
			p.Spec.Ingress = append(p.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{From: d.peers(), Ports: d.ports()})
		}
		for range d.IntN(3) {
			p.Spec.Egress = append(p.Spec.Egress, networkingv1.NetworkPolicyEgressRule{To: d.peers(), Ports: d.ports()})
		}
		p.Spec.PolicyTypes = pick(d, [][]networkingv1.PolicyType{
			nil, {networkingv1.PolicyTypeIngress}, {networkingv1.PolicyTypeEgress}, {networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		})
		out = append(out, p)
	}
	return out
}
