// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

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
			p.gateways[b.gateway].broken = clash
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

// blame finds the policy that a fault of the snapshot is of, and has it refuse instead.
func (b *snapshotBuilder) blame(f config.Error) bool {
	for p := range b.used {
		for i := range b.out.AccessPolicies {
			if b.out.AccessPolicies[i].Name == p.label() && strings.HasPrefix(f.Path, fmt.Sprintf("accessPolicies[%d]", i)) && b.out.AccessPolicies[i].Unresolved == "" {
				p.gateways[b.gateway].broken = f.Path + ": " + f.What
				b.out.AccessPolicies[i] = refusing(p, f.What)
				return true
			}
		}
		for i := range b.out.TrafficPolicies {
			if t := &b.out.TrafficPolicies[i]; t.Name == p.label() && strings.HasPrefix(f.Path, fmt.Sprintf("trafficPolicies[%d]", i)) && t.Unresolved == "" {
				p.gateways[b.gateway].broken = f.Path + ": " + f.What
				*t = config.TrafficPolicy{Name: t.Name, Mode: t.Mode, Unresolved: f.What}
				return true
			}
		}
	}
	return false
}
