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
	b.afford()
	list := slices.SortedFunc(maps.Keys(b.used), func(p, q *policy) int { return cmp.Compare(p.label(), q.label()) })
	for _, p := range list {
		switch why := p.refusesAt(p.gateways[b.gateway]); {
		case why != "" && p.of == trafficPolicyKind:
			b.out.TrafficPolicies = append(b.out.TrafficPolicies, config.TrafficPolicy{Name: p.label(), Mode: p.mode, Unresolved: why})
		case why != "":
			b.out.AccessPolicies = append(b.out.AccessPolicies, p.refusal(why))
		case p.of == trafficPolicyKind:
			b.out.TrafficPolicies = append(b.out.TrafficPolicies, *p.traffic)
			b.store(p)
		default:
			b.out.AccessPolicies = append(b.out.AccessPolicies, *p.access)
			b.out.KeySets = append(b.out.KeySets, p.keySets...)
			b.add(p.backends)
		}
	}
}

// refusal is the policy in the place of one that cannot be kept.
func (p *policy) refusal(why string) config.AccessPolicy {
	if p.of == clientPolicyKind {
		return refusing(p.label(), config.Enforced, why) // no route gets around it
	}
	return refusing(p.label(), p.mode, why)
}

// refusing is a policy that lets nobody in.
func refusing(name string, mode config.Mode, why string) config.AccessPolicy {
	out := config.AccessPolicy{Name: name, Mode: mode, Unresolved: why}
	out.Authentication.AnyOf = []config.Authenticator{{Name: "nobody", Anonymous: &config.Anonymous{}}}
	out.Authorization.Rules = []config.AccessRule{{Name: "nothing", Deny: &config.Condition{}}}
	return out
}

// blame finds the policy that a fault of the snapshot is of, and has it refuse instead:
// of several faults the first one is told.
func (b *snapshotBuilder) blame(f config.Error) bool {
	for p := range b.used {
		for i := range b.out.AccessPolicies {
			if b.out.AccessPolicies[i].Name == p.label() && strings.HasPrefix(f.Path, fmt.Sprintf("accessPolicies[%d]", i)) {
				if b.out.AccessPolicies[i].Unresolved != "" {
					return true
				}
				p.gateways[b.gateway].broken = f.Path + ": " + f.What
				b.out.AccessPolicies[i] = p.refusal(f.What)
				return true
			}
		}
		for i := range b.out.TrafficPolicies {
			if t := &b.out.TrafficPolicies[i]; t.Name == p.label() && strings.HasPrefix(f.Path, fmt.Sprintf("trafficPolicies[%d]", i)) {
				if t.Unresolved != "" {
					return true
				}
				p.gateways[b.gateway].broken = f.Path + ": " + f.What
				*t = config.TrafficPolicy{Name: t.Name, Mode: t.Mode, Unresolved: f.What}
				return true
			}
		}
	}
	return false
}
