// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// poolKind is MetalLB's address pool. https://metallb.io/apis/#ipaddresspool
var poolKind = schema.GroupKind{Group: "metallb.io", Kind: "IPAddressPool"}

const metalLBClass = "metallb.io/metallb"

// classify says who can reach the load balancer of a Service. It adds the
// MetalLB pools of the inventory to the configuration where MetalLB is meant.
func classify(svc *corev1.Service, in checks.Input) loadbalancer.Verdict {
	cfg := in.Parameters.LoadBalancers
	if cfg.Pools == nil && meansMetalLB(svc, cfg) {
		cfg.Pools = metalLBPools(in.Inventory)
	}
	return loadbalancer.Classify(svc, cfg)
}

// meansMetalLB reports whether a Service is one for MetalLB: by class, by
// annotation, or because the configuration names no other controller.
func meansMetalLB(svc *corev1.Service, cfg loadbalancer.Config) bool {
	if svc.Spec.LoadBalancerClass != nil {
		return *svc.Spec.LoadBalancerClass == metalLBClass
	}
	if len(cfg.Providers) == 1 && cfg.Providers[0] == "metallb" {
		return true
	}
	for key := range svc.Annotations {
		if strings.HasPrefix(key, "metallb.io/") || strings.HasPrefix(key, "metallb.universe.tf/") {
			return true
		}
	}
	return false
}

// metalLBPools reads the address pools by name; nil when the inventory holds
// none. A range that cannot be read is kept as an invalid prefix, which counts
// as public.
func metalLBPools(inv *inventory.Inventory) map[string][]netip.Prefix {
	var out map[string][]netip.Prefix
	for e := range inv.Entries(poolKind, "") {
		u, ok := e.Object.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		if out == nil {
			out = map[string][]netip.Prefix{}
		}
		prefixes := out[e.Key.Name]
		for _, f := range inventory.Walk(u.Object, "spec.addresses[]") {
			text, ok := f.Value.(string)
			if !ok {
				prefixes = append(prefixes, netip.Prefix{})
				continue
			}
			prefixes = append(prefixes, rangePrefixes(text)...)
		}
		out[e.Key.Name] = prefixes
	}
	return out
}

// rangePrefixes reads "10.0.0.0/24" or "10.0.0.10-10.0.0.20" as the fewest
// prefixes that cover exactly it; one invalid prefix when it is neither.
func rangePrefixes(text string) []netip.Prefix {
	unreadable := []netip.Prefix{{}}
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return unreadable
		}
		return []netip.Prefix{p.Masked()}
	}
	from, err := netip.ParseAddr(strings.TrimSpace(first))
	if err != nil {
		return unreadable
	}
	to, err := netip.ParseAddr(strings.TrimSpace(last))
	from, to = from.Unmap(), to.Unmap()
	if err != nil || from.Zone() != "" || to.Zone() != "" || from.BitLen() != to.BitLen() || to.Less(from) {
		return unreadable
	}
	var out []netip.Prefix
	for {
		p := widestPrefix(from, to)
		out = append(out, p)
		end := lastAddress(p)
		if end == to {
			return out
		}
		from = end.Next()
	}
}

// widestPrefix is the shortest prefix that starts at from and does not pass to.
// Both are of one family and in order.
func widestPrefix(from, to netip.Addr) netip.Prefix {
	best := netip.PrefixFrom(from, from.BitLen())
	for bits := from.BitLen() - 1; bits >= 0; bits-- {
		p := netip.PrefixFrom(from, bits)
		if p.Masked().Addr() != from || to.Less(lastAddress(p)) {
			break
		}
		best = p
	}
	return best
}

// lastAddress is the highest address of a prefix.
func lastAddress(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := range b {
		switch host := (i+1)*8 - p.Bits(); {
		case host >= 8:
			b[i] = 0xff
		case host > 0:
			b[i] |= 1<<host - 1
		}
	}
	end, _ := netip.AddrFromSlice(b)
	return end
}

// sharedSpace is the address space of carrier-grade NAT (RFC 6598 §7), which is
// as private as that of RFC 1918.
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// privateAddress reports whether the internet cannot reach an address, or the
// operator trusts it.
func privateAddress(a netip.Addr, trusted []netip.Prefix) bool {
	a = a.Unmap()
	return a.IsPrivate() || a.IsLinkLocalUnicast() || sharedSpace.Contains(a) || inAny(a, trusted)
}

// inAny reports whether one of the networks holds an address.
func inAny(a netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// isLoadBalancer reports whether a Service asks for a load balancer that is not
// the bundled gateway's own.
func isLoadBalancer(svc *corev1.Service, in checks.Input) bool {
	return svc.Spec.Type == corev1.ServiceTypeLoadBalancer && !in.Parameters.Gateway.OwnsService(svc)
}

// loadBalancerPath is the way in through a load balancer.
func loadBalancerPath(v loadbalancer.Verdict, in checks.Input) []string {
	if v.Scheme == loadbalancer.Internal {
		return []string{"internal network", inputName(in) + " (internal LoadBalancer)"}
	}
	return []string{"internet", inputName(in) + " (LoadBalancer)"}
}

// wasType says which type a Service had before an update that changed it, as a
// clause to append to a message; empty otherwise.
func wasType(in checks.Input) string {
	old, isUpdate := checks.Old[*corev1.Service](in)
	svc, ok := in.Object.(*corev1.Service)
	if !isUpdate || !ok || typeOf(old) == typeOf(svc) {
		return ""
	}
	return "; before the update it was of type " + string(typeOf(old))
}

// typeOf is spec.type with the API server's default for an empty one.
func typeOf(svc *corev1.Service) corev1.ServiceType {
	if svc.Spec.Type == "" {
		return corev1.ServiceTypeClusterIP
	}
	return svc.Spec.Type
}
