// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// compileParameters reads spec.parameters except its mutation. It always returns
// parameters; they must not be used when f has a fault.
func compileParameters(f *faults, at string, in v1alpha1.Parameters) *checks.Parameters {
	out := checks.DefaultParameters()
	if in.ClusterDomain != "" {
		subdomain(f, at+".clusterDomain", string(in.ClusterDomain))
		out.ClusterDomain = string(in.ClusterDomain)
	}
	compileGateway(f, at+".gateway", in.Gateway, &out.Gateway)
	out.LoadBalancers = compileLoadBalancers(f, at+".loadBalancers", in.LoadBalancers)
	out.AllowedExternalIPs = networks(f, at+".allowedExternalIPs", in.AllowedExternalIPs)
	compilePorts(f, at+".sensitivePorts", in.SensitivePorts, out.SensitivePorts)
	out.StatusWriters = list(f, at+".statusWriters", in.StatusWriters, maxEntries, username)
	out.EndpointWriters = list(f, at+".endpointWriters", in.EndpointWriters, maxEntries, username)
	return out
}

func compileGateway(f *faults, at string, in v1alpha1.Gateway, out *checks.Gateway) {
	if len(in.Namespaces) > 0 {
		out.Namespaces = list(f, at+".namespaces", in.Namespaces, maxFew, dnsLabel)
	}
	if len(in.GatewayClasses) > 0 {
		out.GatewayClasses = list(f, at+".gatewayClasses", in.GatewayClasses, maxFew, subdomain)
	}
	if len(in.IngressClasses) > 0 {
		out.IngressClasses = list(f, at+".ingressClasses", in.IngressClasses, maxFew, subdomain)
	}
	if in.PrivilegeThreshold != "" {
		severity, known := checks.ParseSeverity(string(in.PrivilegeThreshold))
		if !known || severity < checks.Medium {
			f.notOneOf(at+".privilegeThreshold", string(in.PrivilegeThreshold), checks.Medium.String(), checks.High.String(), checks.Critical.String())
		}
		out.Threshold = severity
	}
	at += ".parentGateways"
	if !f.atMost(at, len(in.ParentGateways), maxEntries) {
		return
	}
	seen := map[checks.GatewayName]bool{}
	for i, g := range in.ParentGateways {
		dnsLabel(f, index(at, i)+".namespace", string(g.Namespace))
		subdomain(f, index(at, i)+".name", string(g.Name))
		name := checks.GatewayName{Namespace: string(g.Namespace), Name: string(g.Name)}
		if once(f, index(at, i), seen, name, quote(name.Namespace+"/"+name.Name)) {
			out.ParentGateways = append(out.ParentGateways, name)
		}
	}
}

func compileLoadBalancers(f *faults, at string, in v1alpha1.LoadBalancers) loadbalancer.Config {
	before := len(f.list)
	out := loadbalancer.Config{
		DefaultScheme: scheme(f, at+".defaultScheme", cmp.Or(in.DefaultScheme, v1alpha1.SchemeUnknown)),
		Providers:     list(f, at+".providers", in.Providers, maxEntries, provider),
		TrustedPools:  networks(f, at+".trustedPools", in.TrustedPools),
	}
	if f.atMost(at+".classes", len(in.Classes), maxEntries) && len(in.Classes) > 0 {
		out.Classes = make(map[string]loadbalancer.Scheme, len(in.Classes))
		seen := map[string]bool{}
		for i, c := range in.Classes {
			at := index(at+".classes", i)
			qualified(f, at+".name", c.Name)
			once(f, at+".name", seen, c.Name, quote(c.Name))
			out.Classes[c.Name] = scheme(f, at+".scheme", c.Scheme)
		}
	}
	if f.atMost(at+".extraKeys", len(in.ExtraKeys), maxEntries) {
		seen := map[string]bool{}
		for i, k := range in.ExtraKeys {
			at := index(at+".extraKeys", i)
			once(f, at+".annotation", seen, k.Annotation, quote(k.Annotation))
			out.Extra = append(out.Extra, extraKey(f, at, k))
		}
	}
	if err := out.Validate(); err != nil && len(f.list) == before {
		f.add(at, "%s", err)
	}
	return out
}

func extraKey(f *faults, at string, in v1alpha1.ExtraKey) loadbalancer.Key {
	qualified(f, at+".annotation", in.Annotation)
	if in.Provider != "" {
		dnsLabel(f, at+".provider", in.Provider)
	}
	if len(in.InternalValues)+len(in.PublicValues) == 0 {
		f.add(at, "give internalValues, publicValues or both")
	}
	out := loadbalancer.Key{
		Annotation: in.Annotation,
		Internal:   list(f, at+".internalValues", in.InternalValues, maxFew, keyValue),
		Public:     list(f, at+".publicValues", in.PublicValues, maxFew, keyValue),
		Provider:   in.Provider,
	}
	same := func(a, b string) bool { return a == b }
	switch in.Comparison {
	case "", v1alpha1.CompareExact:
	case v1alpha1.CompareIgnoreCase:
		out.Case, same = loadbalancer.CaseFold, strings.EqualFold
	default:
		f.notOneOf(at+".comparison", string(in.Comparison), string(v1alpha1.CompareExact), string(v1alpha1.CompareIgnoreCase))
	}
	for _, v := range out.Internal {
		if slices.ContainsFunc(out.Public, func(p string) bool { return same(v, p) }) {
			f.add(at, "%s cannot be both internal and public", quote(v))
		}
	}
	return out
}

func scheme(f *faults, at string, s v1alpha1.Scheme) loadbalancer.Scheme {
	switch s {
	case v1alpha1.SchemePublic:
		return loadbalancer.Public
	case v1alpha1.SchemeInternal:
		return loadbalancer.Internal
	case v1alpha1.SchemeUnknown:
		return loadbalancer.Unknown
	}
	f.notOneOf(at, string(s), string(v1alpha1.SchemePublic), string(v1alpha1.SchemeInternal), string(v1alpha1.SchemeUnknown))
	return loadbalancer.Unknown
}

// compilePorts changes the table in place.
func compilePorts(f *faults, at string, in v1alpha1.SensitivePorts, table map[int32]string) {
	if !f.atMost(at+".add", len(in.Add), maxPorts) || !f.atMost(at+".remove", len(in.Remove), maxPorts) {
		return
	}
	added, removed := map[int32]bool{}, map[int32]bool{}
	for i, p := range in.Add {
		at := index(at+".add", i)
		port(f, at+".port", p.Port)
		portName(f, at+".name", p.Name)
		once(f, at+".port", added, p.Port, "the port")
		table[p.Port] = p.Name
	}
	for i, p := range in.Remove {
		at := index(at+".remove", i)
		port(f, at, p)
		once(f, at, removed, p, "the port")
		if added[p] {
			f.add(at, "port %d cannot be both added and removed", p)
		}
		delete(table, p)
	}
}

func networks(f *faults, at string, in []v1alpha1.CIDR) []netip.Prefix {
	if !f.atMost(at, len(in), maxEntries) || len(in) == 0 {
		return nil
	}
	out := make([]netip.Prefix, 0, len(in))
	seen := map[netip.Prefix]bool{}
	for i, c := range in {
		p, err := parseNetwork(string(c))
		if err != nil {
			f.add(index(at, i), "%s", err)
			continue
		}
		if once(f, index(at, i), seen, p, quote(string(c))) {
			out = append(out, p)
		}
	}
	return out
}

// list checks every entry of a list without duplicates and copies it.
func list[S ~string](f *faults, at string, in []S, limit int, check func(f *faults, at, value string)) []string {
	if !f.atMost(at, len(in), limit) || len(in) == 0 {
		return nil
	}
	out := make([]string, 0, len(in))
	seen := map[S]bool{}
	for i, v := range in {
		check(f, index(at, i), string(v))
		if once(f, index(at, i), seen, v, quote(string(v))) {
			out = append(out, string(v))
		}
	}
	return out
}
