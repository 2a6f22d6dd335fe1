// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"slices"

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
			if !own.serves() || !slices.Contains(l.Hosts, own.host()) {
				continue // it answers nobody, so its policies have nothing to be named by
			}
			h := config.HostPolicies{Host: own.host(), Access: b.names(s.ofListener(accessPolicyKind, p, own)), Traffic: b.names(s.ofListener(trafficPolicyKind, p, own))}
			if len(h.Access)+len(h.Traffic) > 0 {
				l.ForHosts = append(l.ForHosts, h)
			}
		}
	}
}

// ofListener are the policies of a kind for a listener. One of a ListenerSet has those of
// the Gateway's own listener that would be asked for its host: it is not to take a host out
// of what the Gateway's owner guards.
func (s *policies) ofListener(of kind, p *port, l *listener) []*policy {
	out := s.at[of][l.aim()]
	if l.set == nil {
		return out
	}
	var hosts []string
	var own []*listener
	for _, other := range p.listeners {
		if other.set == nil {
			hosts, own = append(hosts, other.host()), append(own, other)
		}
	}
	if at := owner(hosts, l.host()); at >= 0 {
		out = slices.Concat(out, s.at[of][own[at].aim()])
	}
	return out
}

// use has a policy put into the snapshot, and returns its name.
func (b *snapshotBuilder) use(p *policy) string {
	b.used[p] = true
	return p.label()
}

func (b *snapshotBuilder) names(list []*policy) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, 0, len(list))
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
	if len(b.policies.all) == 0 {
		return
	}
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
			if l.serves() && b.attaches(r, l) {
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
	for _, level := range [][]*policy{b.policies.ofListener(of, b.ports[place(l)], l), b.policies.at[of][aim{of: gatewayKind, name: nameOf(b.gateway.object)}]} {
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
