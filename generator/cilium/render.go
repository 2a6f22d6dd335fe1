// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"fmt"

	"github.com/cilium/cilium/pkg/policy/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/rendering"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
)

// Enforcement says what policies do to connections that no rule allows.
type Enforcement uint8

// The enforcements: deny them, or leave them be (enableDefaultDeny), so that
// names are learned and rules can be looked at before anything is cut off.
// Observe leaves requests out: a rule about requests denies the others in any
// case.
const (
	Enforce Enforcement = iota
	Observe
)

// RenderOptions say how policies are written down.
type RenderOptions struct {
	// MaxBytes bounds the rules of one policy as JSON; a greater one becomes
	// several. netpol.DefaultMaxBytes when 0.
	MaxBytes int

	Gateway     Gateway
	Enforcement Enforcement

	// SCTP says that the agents know it (enable-sctp); they do not by default.
	SCTP bool
}

// Render writes policies of a plan of the model down as CiliumNetworkPolicies,
// in their order; one without a namespace is clusterwide. A problem is an edge
// that Cilium cannot express, with what to do: it is left out, and no rule
// becomes wider.
func Render(m *generator.Model, policies []compact.Policy, o RenderOptions) ([]*Policy, []generator.Problem) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = netpol.DefaultMaxBytes
	}
	r := renderer{model: m, options: o, apart: apart(&m.Environment, o.Gateway), watched: map[string]bool{}}
	r.watch(policies)
	out := make([]*Policy, 0, len(policies))
	for i := range policies {
		p := &policies[i]
		rules := r.rules(p)
		if len(rules) == 0 && len(p.Rules) > 0 {
			continue // nothing of it can be said; the denial is a policy of its own
		}
		for n, part := range rendering.Split(rules, o.MaxBytes, rule.size, rule.halves) {
			out = append(out, r.object(p, n, part))
		}
	}
	return out, r.problems.List()
}

type renderer struct {
	model    *generator.Model
	options  RenderOptions
	apart    []word
	lookups  []lookup
	watched  map[string]bool // namespaces whose look-ups of names are read along
	problems rendering.Problems
}

// rule is one rule of either direction, which differ in the names of fields. One
// of its lists of peers is not empty.
type rule struct {
	endpoints []api.EndpointSelector
	entities  api.EntitySlice
	blocks    api.CIDRRuleSlice
	names     api.FQDNSelectorSlice
	ports     api.PortRules
	edges     []*generator.Edge
}

// object returns one policy; n counts the parts of one that was cut.
func (r *renderer) object(p *compact.Policy, n int, rules []rule) *Policy {
	var edges []*generator.Edge
	for _, rule := range rules {
		edges = append(edges, rule.edges...)
	}
	kind := Kind
	if p.Namespace == "" {
		kind = ClusterwideKind
	}
	return &Policy{
		TypeMeta: metav1.TypeMeta{APIVersion: APIVersion, Kind: kind},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.Namespace, Name: rendering.Name(p, n),
			Labels:      map[string]string{netpol.ManagedByLabel: netpol.ManagedBy},
			Annotations: map[string]string{netpol.BecauseAnnotation: rendering.Because(p, edges)},
		},
		Spec: r.spec(p, rules),
	}
}

// spec returns the specification of a policy. Without rules it has one that says
// nothing, which here allows nobody: a policy without any rule is none.
func (r *renderer) spec(p *compact.Policy, rules []rule) *api.Rule {
	out := &api.Rule{EndpointSelector: subjectOf(p)}
	denies := r.options.Enforcement == Enforce
	if p.Direction == compact.Egress {
		out.EnableDefaultDeny.Egress = &denies
		for _, rule := range rules {
			out.Egress = append(out.Egress, api.EgressRule{
				EgressCommonRule: api.EgressCommonRule{ToEndpoints: rule.endpoints, ToEntities: rule.entities, ToCIDRSet: rule.blocks},
				ToFQDNs:          rule.names, ToPorts: rule.ports,
			})
		}
		if len(rules) == 0 {
			out.Egress = []api.EgressRule{{}}
		}
		return out
	}
	out.EnableDefaultDeny.Ingress = &denies
	for _, rule := range rules {
		out.Ingress = append(out.Ingress, api.IngressRule{
			IngressCommonRule: api.IngressCommonRule{FromEndpoints: rule.endpoints, FromEntities: rule.entities, FromCIDRSet: rule.blocks},
			ToPorts:           rule.ports,
		})
	}
	if len(rules) == 0 {
		out.Ingress = []api.IngressRule{{}}
	}
	return out
}

// rules returns the rules of a policy that can be said.
func (r *renderer) rules(p *compact.Policy) []rule {
	out := make([]rule, 0, len(p.Rules))
	for i := range p.Rules {
		out = append(out, r.rule(p, &p.Rules[i])...)
	}
	return out
}

// rule returns what can be said of a rule, each part with peers of one kind and with
// ports.
func (r *renderer) rule(p *compact.Policy, from *compact.Rule) []rule {
	list, edges := r.ports(from.Ports, from.Edges)
	asked, list, edges := r.requests(p, from, list, edges)
	if len(list) == 0 {
		r.problems.Add(edges, rendering.ErrNoPorts)
		return nil
	}
	servers, others := r.servers(p, from)
	var parts []rule
	for _, group := range []struct {
		peers []compact.Peer
		ports func(list []generator.Port) api.PortRules
	}{
		{others, func(list []generator.Port) api.PortRules { return portRules(list, asked) }},
		{servers, r.lookupPorts},
	} {
		if len(group.peers) == 0 {
			continue
		}
		var whole rule
		whole, edges = r.peers(p, group.peers, edges)
		whole.ports = group.ports(list)
		numbers := whole.ports
		if some := rendering.Numbered(list); p.Direction == compact.Egress && len(some) < len(list) {
			numbers = group.ports(some)
		}
		parts = append(parts, whole.kinds(numbers)...)
	}
	if len(parts) == 0 {
		r.problems.Add(edges, rendering.ErrNoPeers) // or none with a port: no address has a name for one
		return nil
	}
	out := make([]rule, 0, len(parts))
	for _, part := range parts {
		part.edges = edges
		if err := r.refused(p, part); err != nil {
			r.problems.Add(edges, err)
			continue
		}
		out = append(out, part)
	}
	return out
}

// kinds makes one rule for each kind of peers: Cilium takes no two in one. What is
// no pod has ports by number alone, and no names (pkg/types, NamedPortMultiMap).
func (r rule) kinds(numbers api.PortRules) []rule {
	var out []rule
	if len(r.endpoints) > 0 {
		out = append(out, rule{endpoints: r.endpoints, ports: r.ports})
	}
	if len(numbers) == 0 {
		return out
	}
	if len(r.entities) > 0 {
		out = append(out, rule{entities: r.entities, ports: numbers})
	}
	if len(r.blocks) > 0 {
		out = append(out, rule{blocks: r.blocks, ports: numbers})
	}
	if len(r.names) > 0 {
		out = append(out, rule{names: r.names, ports: numbers})
	}
	return out
}

// refused says what Cilium's own validation has against a rule. It is asked
// about a copy: what it is asked about, it rewrites.
func (r *renderer) refused(p *compact.Policy, part rule) error {
	if err := r.spec(p, []rule{part}).DeepCopy().Sanitize(); err != nil {
		return fmt.Errorf("the rule is refused by Cilium: %w", err)
	}
	return nil
}
