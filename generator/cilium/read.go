// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/policy/api"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/internal/reading"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// Read says what policies mean in a cluster, whose Environment says which
// addresses the entities are. It reads what Render writes, and of the rest what
// says the same in other words; what it does not know, and what Cilium would
// refuse, is an error with the policy and the place, and no policy then. What
// is asked of HTTP requests narrows what is said in a connection, and is not
// part of what is read.
func Read(list []*Policy, env *generator.Environment, g Gateway) ([]verify.Policy, error) {
	all := together{}
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
		rules := p.rules()
		if len(rules) == 0 {
			r.fault("", "a policy has a specification")
		}
		for n, rule := range rules {
			r.at = p.Parts()[n]
			all.add(r.policy(p.Part(n), rule))
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
	at        string          // the specification that is read
	faults    []error
}

// fault notes what is wrong at a place of the specification, empty for all of it.
func (r *reader) fault(at, format string, args ...any) {
	path := strings.Trim(r.at+"."+at, ".")
	r.faults = append(r.faults, &reading.FieldError{Path: cmp.Or(path, "spec"), Err: fmt.Errorf(format, args...)})
}

// policy reads one specification, and whether its pods have their look-ups of
// names read.
func (r *reader) policy(name string, rule *api.Rule) (verify.Policy, bool) {
	out := verify.Policy{Name: name, Tier: verify.Normal, Subject: verify.Pods{Namespaces: r.own, Pods: labels.Nothing()}}
	if rule == nil {
		r.fault("", "is null")
		return out, false
	}
	if err := rule.DeepCopy().Sanitize(); err != nil {
		r.fault("", "%w", err)
		return out, false
	}
	if rule.EndpointSelector.LabelSelector == nil {
		r.fault("", "rules about nodes are not read")
		return out, false
	}
	out.Subject = r.subject(rule.EndpointSelector)
	out.Isolates = generator.Guard{
		Ingress: isolates(rule.EnableDefaultDeny.Ingress, len(rule.Ingress)+len(rule.IngressDeny)),
		Egress:  isolates(rule.EnableDefaultDeny.Egress, len(rule.Egress)+len(rule.EgressDeny)),
	}
	r.denials(&out, rule)
	for i := range rule.Ingress {
		from := &rule.Ingress[i]
		at := fmt.Sprintf("ingress[%d]", i)
		if len(from.FromRequires)+len(from.FromGroups)+len(from.FromNodes)+len(from.ICMPs) > 0 || from.Authentication != nil {
			r.fault(at, "of peers, only endpoints, entities and blocks are read")
		}
		out.Ingress = r.rule(out.Ingress, at, verify.Accept, peers{from.FromEndpoints, from.FromEntities, from.FromCIDR, from.FromCIDRSet, nil}, from.ToPorts)
	}
	watched := false
	for i := range rule.Egress {
		to := &rule.Egress[i]
		at := fmt.Sprintf("egress[%d]", i)
		if len(to.ToRequires)+len(to.ToGroups)+len(to.ToNodes)+len(to.ToServices)+len(to.ICMPs) > 0 || to.Authentication != nil {
			r.fault(at, "of peers, only endpoints, entities, blocks and names are read")
		}
		out.Egress = r.rule(out.Egress, at, verify.Accept, peers{to.ToEndpoints, to.ToEntities, to.ToCIDR, to.ToCIDRSet, to.ToFQDNs}, to.ToPorts)
		watched = watched || slices.ContainsFunc(to.ToPorts, readsAnswers)
	}
	return out, watched
}

// denials reads the rules that deny, which count before those that allow.
func (r *reader) denials(out *verify.Policy, rule *api.Rule) {
	const others = "of peers that are denied, only endpoints, entities and blocks are read"
	for i := range rule.IngressDeny {
		from := &rule.IngressDeny[i]
		at := fmt.Sprintf("ingressDeny[%d]", i)
		if len(from.FromRequires)+len(from.FromGroups)+len(from.FromNodes)+len(from.ICMPs) > 0 {
			r.fault(at, others)
		}
		out.Ingress = r.rule(out.Ingress, at, verify.Deny, peers{from.FromEndpoints, from.FromEntities, from.FromCIDR, from.FromCIDRSet, nil}, denied(from.ToPorts))
	}
	for i := range rule.EgressDeny {
		to := &rule.EgressDeny[i]
		at := fmt.Sprintf("egressDeny[%d]", i)
		if len(to.ToRequires)+len(to.ToGroups)+len(to.ToNodes)+len(to.ToServices)+len(to.ICMPs) > 0 {
			r.fault(at, others)
		}
		n := len(out.Egress)
		out.Egress = r.rule(out.Egress, at, verify.Deny, peers{to.ToEndpoints, to.ToEntities, to.ToCIDR, to.ToCIDRSet, nil}, denied(to.ToPorts))
		for j := range out.Egress[n:] {
			out.Egress[n+j].Peers = ofNames(out.Egress[n+j].Peers)
		}
	}
}

// denied is ports that are denied, as those that are allowed are written.
func denied(list api.PortDenyRules) api.PortRules {
	out := make(api.PortRules, 0, len(list))
	for _, p := range list {
		out = append(out, api.PortRule{Ports: p.Ports})
	}
	return out
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
func (r *reader) rule(list []verify.Rule, at string, action verify.Action, p peers, ports api.PortRules) []verify.Rule {
	out := verify.Rule{Name: at, Action: action, EveryPort: len(ports) == 0}
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
