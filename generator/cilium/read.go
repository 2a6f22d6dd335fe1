// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/cilium/pkg/policy/api"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// Read says what policies mean in a cluster, whose Environment says which
// addresses the entities are. It reads what Render writes, and of the rest what
// says the same in other words; what it does not know, and what Cilium would
// refuse, is an error with the policy and the place, and no policy then. What
// is asked of HTTP requests narrows what is said in a connection, and is not
// part of what is read.
func Read(list []*Policy, env *generator.Environment, g Gateway) ([]verify.Policy, error) {
	all := reading{}
	var faults []error
	for i, p := range list {
		if p == nil {
			faults = append(faults, fmt.Errorf("policy %d of the list is nil", i))
			continue
		}
		r := reader{env: env, gateway: g, namespace: p.Namespace, own: labels.Everything()}
		if p.Namespace != "" {
			r.own = labels.SelectorFromSet(labels.Set{corev1.LabelMetadataName: p.Namespace})
		}
		rules := p.Specs
		if p.Spec != nil {
			rules = slices.Concat(api.Rules{p.Spec}, rules)
		}
		if len(rules) == 0 {
			r.fault("spec", "a policy has a specification")
		}
		for n, rule := range rules {
			name := p.String()
			if len(rules) > 1 {
				name = fmt.Sprintf("%s (%d)", name, n)
			}
			all.add(r.policy(name, rule))
		}
		for _, fault := range r.faults {
			faults = append(faults, fmt.Errorf("%s: %w", p, fault))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return all.learned(), nil
}

// reader reads one object.
type reader struct {
	env       *generator.Environment
	gateway   Gateway
	namespace string
	own       labels.Selector // the policy's namespace
	faults    []error
}

func (r *reader) fault(at, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s: %w", at, fmt.Errorf(format, args...)))
}

// policy reads one specification, and whether its pods have their look-ups of
// names read.
func (r *reader) policy(name string, rule *api.Rule) (verify.Policy, bool) {
	out := verify.Policy{Name: name, Tier: verify.Normal, Subject: verify.Pods{Namespaces: r.own, Pods: labels.Nothing()}}
	if rule == nil {
		r.fault("spec", "is null")
		return out, false
	}
	if err := rule.DeepCopy().Sanitize(); err != nil {
		r.faults = append(r.faults, err)
		return out, false
	}
	if rule.EndpointSelector.LabelSelector == nil || len(rule.IngressDeny)+len(rule.EgressDeny) > 0 {
		r.fault("spec", "rules about nodes and rules that deny are not read")
		return out, false
	}
	out.Subject = r.subject(rule.EndpointSelector)
	out.Isolates = generator.Guard{
		Ingress: isolates(rule.EnableDefaultDeny.Ingress, len(rule.Ingress)),
		Egress:  isolates(rule.EnableDefaultDeny.Egress, len(rule.Egress)),
	}
	for i := range rule.Ingress {
		from := &rule.Ingress[i]
		at := fmt.Sprintf("ingress[%d]", i)
		if len(from.FromRequires)+len(from.FromGroups)+len(from.FromNodes)+len(from.ICMPs) > 0 || from.Authentication != nil {
			r.fault(at, "of peers, only endpoints, entities and blocks are read")
		}
		out.Ingress = r.rule(out.Ingress, at, peers{from.FromEndpoints, from.FromEntities, from.FromCIDR, from.FromCIDRSet, nil}, from.ToPorts)
	}
	watched := false
	for i := range rule.Egress {
		to := &rule.Egress[i]
		at := fmt.Sprintf("egress[%d]", i)
		if len(to.ToRequires)+len(to.ToGroups)+len(to.ToNodes)+len(to.ToServices)+len(to.ICMPs) > 0 || to.Authentication != nil {
			r.fault(at, "of peers, only endpoints, entities, blocks and names are read")
		}
		out.Egress = r.rule(out.Egress, at, peers{to.ToEndpoints, to.ToEntities, to.ToCIDR, to.ToCIDRSet, to.ToFQDNs}, to.ToPorts)
		watched = watched || slices.ContainsFunc(to.ToPorts, readsAnswers)
	}
	return out, watched
}

// isolates: what is not said is whether there is a rule (Rule.Sanitize).
func isolates(said *bool, rules int) bool {
	if said != nil {
		return *said && rules > 0 // only rules carry it (pkg/policy/utils, RulesToPolicyEntries)
	}
	return rules > 0
}

// peers are the lists of a rule that say who. A list that is empty and not nil
// is nobody.
type peers struct {
	endpoints []api.EndpointSelector
	entities  api.EntitySlice
	cidrs     api.CIDRSlice
	blocks    api.CIDRRuleSlice
	names     api.FQDNSelectorSlice
}

func (p *peers) absent() bool {
	return p.endpoints == nil && p.entities == nil && p.cidrs == nil && p.blocks == nil && p.names == nil
}

// rule appends what a rule says. Without peers and without ports it says
// nothing; without peers alone it is about everyone, without ports about all of
// them (pkg/policy/rule.go, mergeL4Filter).
func (r *reader) rule(list []verify.Rule, at string, p peers, ports api.PortRules) []verify.Rule {
	out := verify.Rule{Name: at, Action: verify.Accept, EveryPort: len(ports) == 0}
	switch {
	case p.absent() && len(ports) == 0:
		return list
	case p.absent() || slices.Contains(p.entities, api.EntityAll):
		out.Anyone = true
	default:
		out.Peers = r.peers(at, p)
	}
	for i := range ports {
		out.Ports = append(out.Ports, r.ports(fmt.Sprintf("%s.toPorts[%d]", at, i), &ports[i])...)
	}
	if len(out.Peers) == 0 && !out.Anyone || len(out.Ports) == 0 && !out.EveryPort {
		return list // nobody, or on no port
	}
	return append(list, out)
}
