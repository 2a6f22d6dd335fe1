// SPDX-License-Identifier: Apache-2.0

package power

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// escalate searches breadth first, so that the first way to a severity is a
// shortest one.
func escalate(v authz.View, s authz.Subject) *Effect {
	e := &Effect{Subject: s, Direct: Direct(v, s)}
	if !becomesAny(e.Direct) {
		if len(e.Direct) > 0 && e.Direct[0].Severity > checks.SeverityUnset {
			e.Severity, e.Steps = e.Direct[0].Severity, []Step{{s, e.Direct[0]}}
		}
		return e
	}
	search := search{view: v, effect: e, first: stage{subject: s}}
	search.at(&search.first, e.Direct)
	// Who can become everyone can do the worst, and nothing more is to be found.
	for ; len(search.queue) > 0 && !e.Everyone && !v.Inventory().Ended(); search.queue = search.queue[1:] {
		search.at(search.queue[0], Direct(v, search.queue[0].subject))
	}
	if e.Everyone {
		e.Reaches = nil
	}
	slices.Sort(e.Reaches)
	return e
}

func becomesAny(held []Held) bool {
	for i := range held {
		if held[i].Power.Becomes != Nobody {
			return true
		}
	}
	return false
}

// stage is a subject and how it is become: by a power of the subject before it. A
// way may be as long as there are namespaces, so it is written out only for the
// answer.
type stage struct {
	subject authz.Subject
	before  *stage // nil for the subject that was asked about
	by      *Held  // of the subject before
}

// steps is the way to a stage and a power that is used there.
func (s *stage) steps(h *Held) []Step {
	out := []Step{{s.subject, *h}}
	for ; s.before != nil; s = s.before {
		out = append(out, Step{s.before.subject, *s.by})
	}
	slices.Reverse(out)
	return out
}

// search is an escalation in progress.
type search struct {
	view       authz.View
	effect     *Effect
	namespaces map[string]bool // whose accounts are in the queue; nil while Reaches holds a few
	subjects   map[string]bool // by identity, those that are in it but the first
	first      stage
	queue      []*stage // behind the first
}

// at looks at the powers of a stage and puts whom it can become into the queue.
func (s *search) at(from *stage, held []Held) {
	e := s.effect
	for i := range held {
		h := &held[i]
		if h.Severity > e.Severity {
			e.Severity, e.Steps = h.Severity, from.steps(h)
		}
		switch {
		case h.Power.Becomes == Nobody:
			continue
		case h.Named:
			for _, who := range becomesNamed(s.view, from.subject, *h) {
				s.push(who, from, h)
			}
			continue
		case h.Grant.Namespace == "" || h.Power.Becomes == Anyone:
			e.Everyone = true
			if e.Severity < checks.Critical {
				e.Severity, e.Steps = checks.Critical, from.steps(h)
			}
			continue
		case s.reaches(h.Grant.Namespace):
			continue
		}
		for _, name := range powerful(s.view, h.Grant.Namespace) {
			if !e.Subject.Names(&rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: name}, h.Grant.Namespace) {
				s.push(authz.ServiceAccount(h.Grant.Namespace, name), from, h)
			}
		}
	}
}

// reaches notes that the accounts of a namespace can be become; false the first
// time.
func (s *search) reaches(namespace string) bool {
	e := s.effect
	switch {
	case s.namespaces != nil && s.namespaces[namespace], s.namespaces == nil && slices.Contains(e.Reaches, namespace):
		return true
	case s.namespaces == nil && len(e.Reaches) == 16: // from here on a map is faster
		s.namespaces = make(map[string]bool, 2*len(e.Reaches))
		for _, known := range e.Reaches {
			s.namespaces[known] = true
		}
	}
	if s.namespaces != nil {
		s.namespaces[namespace] = true
	}
	e.Reaches = append(e.Reaches, namespace)
	return false
}

func (s *search) push(who authz.Subject, from *stage, by *Held) {
	id := identity(who)
	if s.subjects[id] || id == identity(s.effect.Subject) {
		return
	}
	if s.subjects == nil {
		s.subjects = map[string]bool{}
	}
	s.subjects[id] = true
	s.queue = append(s.queue, &stage{who, from, by})
}

// identity tells subjects apart: two of one name are one, and so are two that are
// nobody but members of a group.
func identity(s authz.Subject) string {
	if s.Name == "" && len(s.Groups) > 0 {
		return "\x00" + s.Groups[0]
	}
	return s.Name
}

// becomesNamed returns whom a subject can become by a power which resourceNames
// limit: the accounts whose tokens it may request, and the accounts, users and
// groups that it may impersonate. Direct keeps one hold of a power in a
// place, so all grants of the place are asked. Commands in named Pods, and
// Secrets by name, lead to accounts that RBAC does not tell.
func becomesNamed(v authz.View, s authz.Subject, h Held) []authz.Subject {
	var out []authz.Subject
	for g := range v.Grants(s) {
		if g.Namespace != h.Grant.Namespace {
			continue
		}
		for _, p := range h.Power.Permissions(g.Rules, Scope{g.Namespace}) {
			for _, name := range p.Names {
				switch p.Request.Resource {
				case "serviceaccounts":
					out = append(out, accountsNamed(v, g.Namespace, name)...)
				case "users":
					if namespace, account, ok := authz.SplitAccount(name); ok {
						out = append(out, authz.ServiceAccount(namespace, account))
					} else {
						out = append(out, authz.User(name))
					}
				case "groups":
					out = append(out, authz.Subject{Groups: []string{name}})
				}
			}
		}
	}
	return out
}

// accountsNamed returns the account of a name in a namespace, whether or not it
// exists, or with "" those of all namespaces that exist.
func accountsNamed(v authz.View, namespace, name string) []authz.Subject {
	if namespace != "" {
		return []authz.Subject{authz.ServiceAccount(namespace, name)}
	}
	var out []authz.Subject
	for e := range v.Inventory().Entries(inventory.ServiceAccountKind, "") {
		if e.Key.Name == name {
			out = append(out, authz.ServiceAccount(e.Key.Namespace, name))
		}
	}
	return out
}
