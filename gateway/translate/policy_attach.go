// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// unread takes listeners out whose clients cannot be asked what policies want to know:
// they pass on what they do not read.
func (s *policies) unread(g *gateway) {
	for _, l := range g.listeners {
		if !config.Protocol(l.spec.Protocol).Stream() {
			continue
		}
		refuse := func(format string, values ...any) {
			l.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.ListenerReasonUnsupportedValue), fmt.Sprintf(format, values...))
		}
		for _, p := range slices.Concat(s.at[accessPolicyKind][aim{of: gatewayKind, name: nameOf(g.object)}], s.at[accessPolicyKind][l.aim()], s.at[trafficPolicyKind][l.aim()]) {
			refuse("%s is for it, and can ask nothing of what is passed on unread: name the listeners of HTTP and HTTPS in its targetRefs", p)
		}
		if c := s.clientOf(g, place(l)); c != nil && c.broken != "" {
			refuse("%s is for it, and cannot be kept: %s", c, c.broken)
		}
	}
}

// floor gives listeners of requests the policies of the Gateway and of its listeners, and
// every listener what its ClientPolicy says.
func (b *snapshotBuilder) floor() {
	s, whole := b.policies, aim{of: gatewayKind, name: nameOf(b.gateway.object)}
	for at, p := range b.ports {
		l := &b.out.Listeners[slices.IndexFunc(b.out.Listeners, func(c config.Listener) bool { return c.Name == p.name })]
		if c := s.clientOf(b.gateway, at); c != nil {
			if c.broken == "" {
				restrict(l, c.client)
			} else if !l.Protocol.Stream() {
				l.Access = append(l.Access, b.use(c))
			}
			c.gateways[b.gateway].hold(fmt.Sprintf("port %d", at.port))
		}
		if l.Protocol.Stream() || l.Redirect != 0 {
			continue
		}
		l.Access = append(l.Access, b.names(s.at[accessPolicyKind][whole])...)
		l.Traffic = b.names(s.at[trafficPolicyKind][whole])
		for _, own := range p.listeners {
			h := config.HostPolicies{Host: own.host(), Access: b.names(s.at[accessPolicyKind][own.aim()]), Traffic: b.names(s.at[trafficPolicyKind][own.aim()])}
			if own.serves() && slices.Contains(l.Hosts, h.Host) && len(h.Access)+len(h.Traffic) > 0 {
				l.ForHosts = append(l.ForHosts, h)
			}
		}
	}
}

// use has a policy put into the snapshot, and returns its name.
func (b *snapshotBuilder) use(p *policy) string {
	b.used[p] = true
	return p.label()
}

func (b *snapshotBuilder) names(list []*policy) []string {
	var out []string
	for _, p := range list {
		out = append(out, b.use(p))
		if p.mode != config.Default {
			p.gateways[b.gateway].all = true
		}
	}
	return out
}

// guard gives a rule its policies, and notes for which routes each policy is in force.
func (b *snapshotBuilder) guard(out *config.Route, r *route, u *rule, p *port) {
	name := r.of.kind + " " + r.name.String()
	for of, to := range map[kind]*[]string{accessPolicyKind: &out.Access, trafficPolicyKind: &out.Traffic} {
		hold, replaced := b.policies.ofRule(of, r, u)
		for _, own := range hold {
			*to = append(*to, b.use(own))
			own.gateways[b.gateway].hold(name)
		}
		for _, x := range replaced {
			x.policy.gateways[b.gateway].replace(name, x.by)
		}
		for _, l := range p.listeners {
			if b.attaches(r, l) {
				b.above(of, l, name, hold)
			}
		}
	}
}

func (b *snapshotBuilder) attaches(r *route, l *listener) bool {
	return slices.ContainsFunc(r.parents, func(p *parent) bool {
		return slices.ContainsFunc(p.at, func(a attachment) bool { return a.listener == l })
	})
}

// above notes what becomes of the policies of a listener and of its Gateway for a rule
// with policies of its own, as the data plane has it: each Default gives way.
func (b *snapshotBuilder) above(of kind, l *listener, name string, own []*policy) {
	var instead *policy
	if len(own) > 0 {
		instead = own[0]
	}
	for _, level := range [][]*policy{b.policies.at[of][l.aim()], b.policies.at[of][aim{of: gatewayKind, name: nameOf(b.gateway.object)}]} {
		below := instead
		for _, p := range level {
			switch {
			case p.mode == config.Default && below != nil:
				p.gateways[b.gateway].replace(name, below)
			default:
				p.gateways[b.gateway].hold(name)
				if p.mode == config.Default {
					instead = p
				}
			}
		}
	}
}

// enact puts the policies into the snapshot. One that cannot be kept refuses all that it
// is for.
func (b *snapshotBuilder) enact() {
	b.collide()
	list := slices.SortedFunc(maps.Keys(b.used), func(p, q *policy) int { return cmp.Compare(p.label(), q.label()) })
	for _, p := range list {
		switch why := cmp.Or(p.broken, p.gateways[b.gateway].broken); {
		case why != "" && p.of == trafficPolicyKind:
			b.out.TrafficPolicies = append(b.out.TrafficPolicies, config.TrafficPolicy{Name: p.label(), Mode: p.mode, Unresolved: why})
		case why != "":
			b.out.AccessPolicies = append(b.out.AccessPolicies, refusing(p, why))
		case p.of == trafficPolicyKind:
			b.out.TrafficPolicies = append(b.out.TrafficPolicies, *p.traffic)
		default:
			b.out.AccessPolicies = append(b.out.AccessPolicies, *p.access)
			b.out.KeySets = append(b.out.KeySets, p.keySets...)
			b.add(p.backends)
		}
	}
}

// refusing is the policy in the place of one that cannot be kept.
func refusing(p *policy, why string) config.AccessPolicy {
	out := config.AccessPolicy{Name: p.label(), Mode: p.mode, Unresolved: why}
	if p.of == clientPolicyKind {
		out.Mode = config.Enforced // no route gets around it
	}
	out.Authentication.AnyOf = []config.Authenticator{{Name: "nobody", Anonymous: &config.Anonymous{}}}
	out.Authorization.Rules = []config.AccessRule{{Name: "nothing", Deny: &config.Condition{}}}
	return out
}

// collide keeps the header lines in which one policy is told who asks from being those in
// which another one tells backends who asked, which no client can send. Policies of the
// Gateway come first, and then the older ones.
func (b *snapshotBuilder) collide() {
	var list []*policy
	for p := range b.used {
		if p.of == accessPolicyKind && p.broken == "" {
			list = append(list, p)
		}
	}
	rank := func(p *policy) int {
		if slices.ContainsFunc(p.aims, func(a aim) bool { return a.of == gatewayKind && a.name == nameOf(b.gateway.object) }) {
			return 0
		}
		return 1
	}
	slices.SortFunc(list, func(p, q *policy) int {
		return cmp.Or(rank(p)-rank(q), p.created.Compare(q.created), cmp.Compare(p.label(), q.label()))
	})
	asked, told := map[string]string{}, map[string]string{}
	for i := range b.out.Listeners {
		for _, name := range b.out.Listeners[i].Client.Headers.Identity {
			told[strings.ToLower(name)] = "a ClientPolicy of the Gateway"
		}
	}
	for _, p := range list {
		reads, tells := linesOf(p.access)
		clash := ""
		for _, name := range reads {
			if by := told[name]; by != "" {
				clash = fmt.Sprintf("%s is a line in which %s tells backends who asks, so no client's arrives", name, by)
			}
		}
		for _, name := range tells {
			if by := asked[name]; by != "" {
				clash = fmt.Sprintf("%s is a line in which %s has clients say who they are, so no backend can be told there", name, by)
			}
		}
		if clash != "" {
			b.spoil(p, clash)
			continue
		}
		for _, name := range reads {
			asked[name] = p.String()
		}
		for _, name := range tells {
			told[name] = p.String()
		}
	}
}

// linesOf are the header lines, in lower case, that a policy reads credentials from, and
// those in which it tells backends who asks.
func linesOf(p *config.AccessPolicy) (reads, tells []string) {
	for i := range p.Authentication.AnyOf {
		if name, _ := p.Authentication.AnyOf[i].Line(); name != "" {
			reads = append(reads, strings.ToLower(name))
		}
	}
	tells = slices.Collect(maps.Values(p.Forward.ClaimsToHeaders))
	if h := p.ExternalAuth.Headers(); h != nil {
		tells = append(tells, h.ResponseHeaders...)
	}
	for i := range tells {
		tells[i] = strings.ToLower(tells[i])
	}
	slices.Sort(tells)
	return reads, tells
}

// spoil says that a policy cannot be kept at this Gateway.
func (b *snapshotBuilder) spoil(p *policy, why string) {
	p.gateways[b.gateway].broken = why
	p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.PolicyReasonInvalid), why)
}

// blame finds the policy that a fault of the snapshot is of, and has it refuse instead.
func (b *snapshotBuilder) blame(f config.Error) bool {
	for p := range b.used {
		for i := range b.out.AccessPolicies {
			if b.out.AccessPolicies[i].Name == p.label() && strings.HasPrefix(f.Path, fmt.Sprintf("accessPolicies[%d]", i)) && b.out.AccessPolicies[i].Unresolved == "" {
				b.spoil(p, f.Path+": "+f.What)
				b.out.AccessPolicies[i] = refusing(p, f.What)
				return true
			}
		}
		for i := range b.out.TrafficPolicies {
			if t := &b.out.TrafficPolicies[i]; t.Name == p.label() && strings.HasPrefix(f.Path, fmt.Sprintf("trafficPolicies[%d]", i)) && t.Unresolved == "" {
				b.spoil(p, f.Path+": "+f.What)
				*t = config.TrafficPolicy{Name: t.Name, Mode: t.Mode, Unresolved: f.What}
				return true
			}
		}
	}
	return false
}
