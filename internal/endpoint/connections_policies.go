// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// asks are the connections that policies have the gateway open: for the keys of tokens,
// to services that are asked about requests, and to stores of limits. A policy that
// cannot be kept opens none: it refuses everybody.
func (d *doorway) asks() {
	for i := range d.snapshot.AccessPolicies {
		p := &d.snapshot.AccessPolicies[i]
		of := policyKey(p.Name)
		if p.Unresolved != "" || of.Name == "" {
			continue
		}
		for k := range p.Authentication.AnyOf {
			if j := p.Authentication.AnyOf[k].JWT; j != nil {
				d.keys(of, j.KeySet)
			}
		}
		d.external(of, p.ExternalAuth)
	}
	for i := range d.snapshot.TrafficPolicies {
		d.store(policyKey(d.snapshot.TrafficPolicies[i].Name), d.snapshot.TrafficPolicies[i].Store)
	}
}

// policyKey reads the name of a policy of a snapshot: the object that says it.
func policyKey(name string) inventory.Key {
	part := strings.Split(name, "/")
	if len(part) < 3 {
		return inventory.Key{}
	}
	for _, kind := range []string{v1alpha1.AccessPolicyKind, v1alpha1.TrafficPolicyKind} {
		if strings.EqualFold(kind, part[0]) {
			return inventory.Key{Kind: ownKind(kind), Namespace: part[1], Name: part[2]}
		}
	}
	if o, is := translate.OriginOf(strings.Join([]string{part[0], part[1], part[2], "0", ""}, "/")); is {
		return (&Route{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name.Name}).key()
	}
	return inventory.Key{}
}

// keys is the connection to where the keys of tokens are. An issuer says where its keys
// are by a document of its own: another host than its own is known to nobody beforehand.
func (d *doorway) keys(of inventory.Key, name string) {
	i := slices.IndexFunc(d.snapshot.KeySets, func(s config.KeySet) bool { return s.Name == name })
	if i < 0 {
		return
	}
	set := &d.snapshot.KeySets[i]
	from, what := set.URL, "the keys of tokens are fetched from it"
	if from == "" {
		from, what = set.Issuer, "the issuer of tokens, which says where its keys are: another host than its own is to be named in jwks.uri"
	}
	u, err := url.Parse(from)
	if from == "" || err != nil || u.Hostname() == "" {
		return // keys of a Secret, or what nothing is fetched from
	}
	port := map[string]uint16{"http": 80, "https": 443}[u.Scheme]
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		port = uint16(n)
	}
	d.dial(u.Hostname(), port, evidence(of, "spec.authentication", what))
}

// external is the connection to a service that is asked about requests.
func (d *doorway) external(of inventory.Key, e *config.ExternalAuth) {
	backend := ""
	switch {
	case e == nil:
		return
	case e.HTTP != nil:
		backend = e.HTTP.Backend
	case e.GRPC != nil:
		backend = e.GRPC.Backend
	}
	service, port, is := translate.ServiceOf(backend)
	if !is {
		return
	}
	ref := inventory.ServiceRef{Namespace: service.Namespace, Name: service.Name, Port: strconv.Itoa(int(port))}
	field := "spec.externalAuth"
	switch of.Kind {
	case gatewayKind("HTTPRoute"):
		field = "spec.rules.filters"
	case inventory.IngressKind:
		field = "metadata.annotations[nginx.ingress.kubernetes.io/auth-url]"
	}
	because := append([]generator.Evidence{evidence(of, field, of.String()+" has it asked about requests")}, d.granted(of, ref)...)
	d.connect(service, port, generator.TCP, append(because, d.letsIn(of.Namespace)...))
}

// store is the connection to where limits are counted.
func (d *doorway) store(of inventory.Key, name string) {
	i := slices.IndexFunc(d.snapshot.Stores, func(s config.Store) bool { return s.Name == name })
	if i < 0 || of.Name == "" || d.snapshot.Stores[i].Redis == nil {
		return
	}
	host, port, err := net.SplitHostPort(d.snapshot.Stores[i].Redis.Address)
	n, fault := strconv.ParseUint(port, 10, 16)
	if err != nil || fault != nil {
		return // a socket of the pod's own
	}
	d.dial(host, uint16(n), evidence(of, "spec.rateLimits", "its limits are counted there"))
}

// dial makes the edges to a host: an address, a Service of the cluster, or a domain name.
func (d *doorway) dial(host string, port uint16, why generator.Evidence) {
	to := generator.FQDNPeerOf(strings.ToLower(strings.TrimSuffix(host, ".")))
	if a, err := netip.ParseAddr(host); err == nil {
		to = d.at(a.Unmap().WithZone(""))
	} else if p, inside := d.all.servers.Environment.ServiceOf(host, d.namespaceOf()); inside && (d.Inventory.Service(p.Namespace, p.Name) != nil || strings.Contains(host, ".svc")) {
		to = p
	}
	for _, from := range d.from {
		if w := d.all.servers.Universe.Workload(from.ID()); w != nil && w.HostNetwork && !to.HasPods() && to.Kind != generator.ServicePeer {
			continue // no policy applies to what the node opens
		}
		d.all.out.Edges = append(d.all.out.Edges, generator.Edge{From: from, To: to, Port: generator.NumberedPort(generator.TCP, port), Because: []generator.Evidence{why}})
	}
}

// at is what has an address: a Service of the cluster, or nobody who is known.
func (d *doorway) at(a netip.Addr) generator.Peer {
	for s := range inventory.List[*corev1.Service](d.Inventory, inventory.ServiceKind, "") {
		for _, text := range append(slices.Clone(s.Spec.ClusterIPs), s.Spec.ClusterIP) {
			if own, err := netip.ParseAddr(text); err == nil && own.Unmap() == a {
				return generator.ServicePeerOf(s.Namespace, s.Name)
			}
		}
	}
	return generator.CIDRPeerOf(netip.PrefixFrom(a, a.BitLen()))
}

// namespaceOf is where the pods of a Gateway look for names without a namespace.
func (d *doorway) namespaceOf() string {
	for _, p := range d.from {
		if p.Namespace != "" {
			return p.Namespace
		}
	}
	return ""
}
