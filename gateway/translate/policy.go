// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

var (
	accessPolicyKind  = kind{v1alpha1.GroupName, v1alpha1.AccessPolicyKind}
	trafficPolicyKind = kind{v1alpha1.GroupName, v1alpha1.TrafficPolicyKind}
	clientPolicyKind  = kind{v1alpha1.GroupName, v1alpha1.ClientPolicyKind}
)

// policy is an AccessPolicy, a TrafficPolicy or a ClientPolicy.
type policy struct {
	of         kind
	name       Name
	created    time.Time
	mode       config.Mode
	conditions conditions
	aims       []aim // that there are
	lost       []aim // that nobody has, or that an older policy has
	broken     string
	gateways   map[*gateway]*reach // that it concerns
	read       func()              // makes what follows
	missing    Missing

	access   *config.AccessPolicy
	keySets  []config.KeySet
	backends []*config.Backend
	traffic  *config.TrafficPolicy
	client   *config.Listener
}

// label is what the data plane calls a policy.
func (p *policy) label() string { return strings.ToLower(p.of.kind) + "/" + p.name.String() }

func (p *policy) String() string { return p.of.kind + " " + p.name.String() }

// refuse says that a policy cannot be kept: nothing that it is for is let in then.
func (p *policy) refuse(condition, reason, message string) {
	p.conditions.set(condition, metav1.ConditionFalse, reason, message)
	if p.broken == "" {
		p.broken = message
	}
}

func (p *policy) invalid(format string, values ...any) {
	p.refuse(accepted, string(gatewayv1.PolicyReasonInvalid), fmt.Sprintf(format, values...))
}

// policies are those of ours, and what they are for.
type policies struct {
	all []*policy // the oldest first
	at  map[kind]map[aim][]*policy
}

// guards reads the policies that there are.
func (x *index) guards(o *Objects) *policies {
	out := &policies{at: map[kind]map[aim][]*policy{accessPolicyKind: {}, trafficPolicyKind: {}, clientPolicyKind: {}}}
	add := func(of kind, m metav1.Object, mode v1alpha1.PolicyMode, targets []v1alpha1.PolicyTarget) *policy {
		p := &policy{of: of, name: nameOf(m), created: m.GetCreationTimestamp().Time, mode: config.Mode(mode), conditions: conditions{generation: m.GetGeneration()}, gateways: map[*gateway]*reach{}}
		if p.mode == "" {
			p.mode = config.Enforced
		}
		for _, t := range targets {
			a := aim{of: kind{t.Group, t.Kind}, name: Name{Namespace: m.GetNamespace(), Name: t.Name}, section: t.SectionName}
			if !slices.Contains(p.aims, a) {
				p.aims = append(p.aims, a)
			}
		}
		out.all = append(out.all, p)
		return p
	}
	for _, a := range o.AccessPolicies {
		p := add(accessPolicyKind, a, a.Spec.Mode, a.Spec.TargetRefs)
		p.read = func() { p.missing = x.lacks(func() { x.access(p, &a.Spec) }) }
	}
	for _, t := range o.TrafficPolicies {
		p := add(trafficPolicyKind, t, t.Spec.Mode, t.Spec.TargetRefs)
		p.read = func() {
			p.readTraffic(&t.Spec)
			x.stored(p)
		}
	}
	for _, c := range o.ClientPolicies {
		p := add(clientPolicyKind, c, v1alpha1.PolicyDefault, c.Spec.TargetRefs)
		p.read = func() { p.readClient(&c.Spec) }
	}
	slices.SortFunc(out.all, func(a, b *policy) int {
		return cmp.Or(a.created.Compare(b.created), compareNames(a.name, b.name), cmp.Compare(a.of.kind, b.of.kind))
	})
	return out
}

// settle finds what the policies are for, and reads those that concern a Gateway of ours.
func (s *policies) settle(o *Objects, servicing map[string]Name, gateways map[Name]*gateway, routes []*route) {
	if len(s.all) == 0 {
		return
	}
	known := aimsOf(o)
	for _, r := range routes {
		for i := range r.rules {
			r.rules[i].answer(servicing)
			for _, service := range r.rules[i].services { // a share of another one is not to be open because it is gone
				known[aim{of: serviceKind, name: service}] = true
			}
		}
	}
	for _, p := range s.all {
		p.aims = slices.DeleteFunc(p.aims, func(a aim) bool {
			var message string
			reason := gatewayv1.PolicyReasonTargetNotFound
			holding := slices.IndexFunc(s.at[p.of][a], func(other *policy) bool { return other.mode == config.Default })
			switch {
			case !known[a]:
				message = "there is no " + a.String()
			case p.mode == config.Default && holding >= 0:
				reason, message = gatewayv1.PolicyReasonConflicted, fmt.Sprintf("%s, which is older, is for %s", s.at[p.of][a][holding], a)
			default:
				s.at[p.of][a] = append(s.at[p.of][a], p)
				return false
			}
			p.conditions.set(accepted, metav1.ConditionFalse, string(reason), message)
			p.lost = append(p.lost, a)
			return true
		})
	}
	s.concern(gateways, routes)
	for _, p := range s.all {
		if len(p.gateways) > 0 {
			p.read()
		}
		p.conditions.set(accepted, metav1.ConditionTrue, string(gatewayv1.PolicyReasonAccepted), "")
		p.conditions.set(resolvedRefs, metav1.ConditionTrue, string(gatewayv1.RouteReasonResolvedRefs), "")
	}
	for _, g := range gateways {
		s.unread(g)
	}
}

// answer finds the Services that get a share of the requests of a rule.
func (u *rule) answer(servicing map[string]Name) {
	for i := range u.Backends {
		if w := u.Backends[i].Weight; w != nil && *w == 0 {
			continue
		}
		if service, known := servicing[u.Backends[i].Name]; known && !slices.Contains(u.answering, service) {
			u.answering = append(u.answering, service)
		}
	}
}

// concern notes which Gateways have anything to do with each policy.
func (s *policies) concern(gateways map[Name]*gateway, routes []*route) {
	note := func(g *gateway, list []*policy) {
		for _, p := range list {
			if p.gateways[g] == nil {
				p.gateways[g] = newReach()
			}
		}
	}
	for of, at := range s.at {
		for name, g := range gateways {
			note(g, at[aim{of: gatewayKind, name: name}])
			for _, l := range g.listeners {
				note(g, at[l.aim()])
			}
		}
		for _, r := range routes {
			for i := range r.rules {
				hold, replaced := s.ofRule(of, r, &r.rules[i])
				for _, p := range r.parents {
					note(p.gateway, hold)
					for _, other := range replaced {
						note(p.gateway, []*policy{other.policy})
					}
				}
			}
		}
	}
}

// replacement is a policy that another one is in the place of.
type replacement struct{ policy, by *policy }

// ofRule are the policies of a kind for a rule by itself, those for more of it first, and
// those that others are in the place of.
func (s *policies) ofRule(of kind, r *route, u *rule) (hold []*policy, replaced []replacement) {
	levels := [][]*policy{s.at[of][aim{of: r.of, name: r.name}], nil, nil}
	if u.name != "" {
		levels[1] = s.at[of][aim{of: r.of, name: r.name, section: u.name}]
	}
	for _, service := range u.services {
		levels[2] = append(levels[2], s.at[of][aim{of: serviceKind, name: service}]...)
	}
	// A Default gives way to what is for all that answers, and not to one part of it or to
	// who gets copies.
	partly := slices.ContainsFunc(u.answering, func(service Name) bool { return len(s.at[of][aim{of: serviceKind, name: service}]) == 0 })
	var below *policy
	for i, level := range slices.Backward(levels) {
		var own []*policy
		for _, p := range level {
			switch {
			case slices.Contains(hold, p) || slices.Contains(own, p):
			case p.mode == config.Default && below != nil:
				replaced = append(replaced, replacement{p, below})
			default:
				own = append(own, p)
			}
		}
		if i == len(levels)-1 && (partly || len(u.answering) == 0) {
			hold = own
			continue
		}
		if len(level) > 0 && below == nil {
			below = level[0]
		}
		hold = append(own, hold...)
	}
	return hold, replaced
}
