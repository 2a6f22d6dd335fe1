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

// collide keeps the header lines in which one policy is told who asks from being those in
// which another one tells backends who asked, where no client could send them to the first.
// Policies of the Gateway come first. Of the others, where they meet at backends of one's own
// namespace, that one comes before those of other namespaces, whatever its age: a grant is
// not to close what was not granted. Then come the older ones, and those of annotations.
func (b *snapshotBuilder) collide() {
	var list []*policy
	for p := range b.used {
		if p.of == accessPolicyKind && p.broken == "" {
			list = append(list, p)
		}
	}
	if len(list)+len(b.out.AccessPolicies) == 0 {
		return
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
	audience := b.out.Audience()
	all := lines{audience: audience, asked: map[string][]owned{}, told: map[string][]owned{}}
	for _, p := range list {
		all.add(p.access, p.String())
	}
	for i := range b.out.AccessPolicies {
		all.add(&b.out.AccessPolicies[i], b.out.AccessPolicies[i].Name)
	}
	taken := lines{audience: audience, listeners: b.out.Listeners, asked: map[string][]owned{}, told: map[string][]owned{}}
	for _, p := range list {
		clash := ""
		if rank(p) > 0 {
			clash = all.yield(p.access)
		}
		if clash == "" {
			clash = taken.take(p.access, p.String())
		}
		p.gateways[b.gateway].broken = cmp.Or(clash, p.gateways[b.gateway].broken)
	}
	for i := range b.out.AccessPolicies { // those of annotations, by the age of their routes
		p := &b.out.AccessPolicies[i]
		if clash := taken.take(p, p.Name); clash != "" {
			if !b.unasked(p.Name, clash) {
				b.gateway.events = append(b.gateway.events, ofAnnotation(p.Name, clash))
			}
			*p = refusing(p.Name, p.Mode, clash)
		}
	}
}

// unasked tells the route whose filter has a policy that it is refused; false if none has.
func (b *snapshotBuilder) unasked(policy, why string) (told bool) {
	for i := range b.out.Routes {
		if slices.Contains(b.out.Routes[i].AccessBeside, policy) {
			b.unwritten(i, "is answered 503: "+why)
			told = true
		}
	}
	return told
}

// ofAnnotation is the event of what the policy of an annotation cannot have.
func ofAnnotation(policy, what string) Event {
	kind, of, _ := strings.Cut(policy, "/")
	namespace, name, _ := strings.Cut(of, "/")
	return Event{
		Kind: map[string]string{"ingress": "Ingress", "service": "Service"}[kind], Name: Name{Namespace: namespace, Name: name},
		Reason: unsupportedAnnotation, Message: what + "; without it nothing is served (503)",
	}
}

// lines are header lines, in lower case, and which policies have them: asked are those in
// which clients say who they are, told those in which backends are told.
type lines struct {
	audience    *config.Audience
	listeners   []config.Listener
	asked, told map[string][]owned
}

// owned is a policy as the snapshot calls it, and as people do.
type owned struct{ name, as string }

// take has a policy have the lines that it names. If it meets others that have them, it has
// none of them, and why is said.
func (l *lines) take(p *config.AccessPolicy, as string) (clash string) {
	reads, tells := linesOf(p)
	for _, name := range reads {
		for i := range l.listeners {
			c := &l.listeners[i]
			if l.audience.Hears(p.Name, c.Name) && slices.ContainsFunc(c.Client.Headers.Identity, func(told string) bool { return strings.EqualFold(told, name) }) {
				return unread(name, "a ClientPolicy of the Gateway")
			}
		}
		for _, by := range l.told[name] {
			if l.audience.Hides(by.name, p.Name) {
				return unread(name, by.as)
			}
		}
	}
	for _, name := range tells {
		if slices.Contains(reads, name) {
			return unread(name, "the same policy")
		}
		for _, by := range l.asked[name] {
			if l.audience.Hides(p.Name, by.name) {
				return untold(name, by.as)
			}
		}
	}
	l.add(p, as)
	return ""
}

// add notes the lines that a policy names.
func (l *lines) add(p *config.AccessPolicy, as string) {
	reads, tells := linesOf(p)
	for _, name := range reads {
		l.asked[name] = append(l.asked[name], owned{p.Name, as})
	}
	for _, name := range tells {
		l.told[name] = append(l.told[name], owned{p.Name, as})
	}
}

// yield says why a policy has none of its lines: at backends of another namespace it meets a
// policy of theirs.
func (l *lines) yield(p *config.AccessPolicy) (clash string) {
	reads, tells := linesOf(p)
	for _, name := range reads {
		for _, by := range l.told[name] {
			if l.audience.HidesAtHome(by.name, p.Name, by.name) {
				return unread(name, by.as)
			}
		}
	}
	for _, name := range tells {
		for _, by := range l.asked[name] {
			if l.audience.HidesAtHome(p.Name, by.name, by.name) {
				return untold(name, by.as)
			}
		}
	}
	return ""
}

func untold(line, by string) string {
	return fmt.Sprintf("%s is a line in which %s has clients say who they are, so no backend can be told there", line, by)
}

func unread(line, by string) string {
	return fmt.Sprintf("%s is a line in which %s tells backends who asks, so no client's arrives", line, by)
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
