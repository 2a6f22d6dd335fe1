// SPDX-License-Identifier: Apache-2.0

package power

import (
	"cmp"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Held is a power of a subject and where it has it from.
type Held struct {
	Hold
	Grant authz.Grant
}

// Step is one stage of an escalation: the subject uses a power to become the
// next one.
type Step struct {
	Subject authz.Subject
	Held    Held
}

// Effect is what a subject can do in the end. It is shared and read-only; the
// zero value is a subject without powers.
type Effect struct {
	Subject  authz.Subject
	Severity checks.Severity // SeverityUnset: nothing dangerous

	// Direct are the subject's own powers, the most severe first.
	Direct []Held

	// Steps lead to the worst: through none or more powers by which the subject
	// becomes others, to the power that does the harm, which is the last. A
	// shorter way is preferred among equally severe ones. Empty when there is
	// nothing dangerous.
	Steps []Step

	// Reaches are the namespaces whose ServiceAccounts the subject can become,
	// ordered; Everyone says that they are all, and Reaches is empty then.
	Reaches  []string
	Everyone bool
}

// effectOf and directOf are keys of the memo.
type (
	effectOf struct{ namespace, account string }
	directOf struct{ name string }
	holdsOf  struct {
		role  inventory.Key
		scope Scope // its namespace is "", kube-system or "-" for any other
	}
)

// Effective works out what a subject can do, escalation included. Answers about
// ServiceAccounts are kept in the inventory's memo.
func Effective(v authz.View, s authz.Subject) *Effect {
	if namespace, name, account := s.Account(); account {
		return EffectiveAccount(v, namespace, name)
	}
	return escalate(v, s)
}

// EffectiveAccount is Effective for a ServiceAccount.
func EffectiveAccount(v authz.View, namespace, name string) *Effect {
	e, _ := v.Inventory().Once(effectOf{namespace, name}, func(inv *inventory.Inventory) any {
		return escalate(authz.Over(inv), authz.ServiceAccount(namespace, name))
	}).(*Effect)
	return e
}

// escalate searches breadth first, so that the first way to a severity is a
// shortest one.
func escalate(v authz.View, s authz.Subject) *Effect {
	e := &Effect{Subject: s, Direct: Direct(v, s)}
	search := search{view: v, effect: e, namespaces: map[string]bool{}, subjects: map[string]bool{s.String(): true}, queue: []*stage{{subject: s}}}
	// Who can become everyone can do the worst, and nothing more is to be found.
	for ; len(search.queue) > 0 && !e.Everyone; search.queue = search.queue[1:] {
		search.at(search.queue[0])
	}
	if e.Everyone {
		e.Reaches = nil
	}
	slices.Sort(e.Reaches)
	return e
}

// stage is a subject and how it is become: by a power of the subject before it. A
// way may be as long as there are namespaces, so it is written out only for the
// answer.
type stage struct {
	subject authz.Subject
	before  *stage // nil for the subject that was asked about
	by      Held   // of the subject before
}

// steps is the way to a stage and a power that is used there.
func (s *stage) steps(h Held) []Step {
	out := []Step{{s.subject, h}}
	for ; s.before != nil; s = s.before {
		out = append(out, Step{s.before.subject, s.by})
	}
	slices.Reverse(out)
	return out
}

// search is an escalation in progress.
type search struct {
	view       authz.View
	effect     *Effect
	namespaces map[string]bool // whose accounts are in the queue
	subjects   map[string]bool // by text, those that are in it
	queue      []*stage
}

// at looks at the powers of a stage and puts whom it can become into the queue.
func (s *search) at(from *stage) {
	e := s.effect
	for _, h := range Direct(s.view, from.subject) {
		if h.Severity > e.Severity {
			e.Severity, e.Steps = h.Severity, from.steps(h)
		}
		switch {
		case h.Power.Becomes == Nobody:
			continue
		case h.Named:
			for _, who := range becomesNamed(s.view, from.subject, h) {
				s.push(who, from, h)
			}
			continue
		case h.Grant.Namespace == "" || h.Power.Becomes == Anyone:
			e.Everyone = true
			if e.Severity < checks.Critical {
				e.Severity, e.Steps = checks.Critical, from.steps(h)
			}
			continue
		case s.namespaces[h.Grant.Namespace]:
			continue
		}
		s.namespaces[h.Grant.Namespace] = true
		e.Reaches = append(e.Reaches, h.Grant.Namespace)
		for _, name := range accounts(s.view, h.Grant.Namespace) {
			s.push(authz.ServiceAccount(h.Grant.Namespace, name), from, h)
		}
	}
}

func (s *search) push(who authz.Subject, from *stage, by Held) {
	if text := who.String(); !s.subjects[text] {
		s.subjects[text] = true
		s.queue = append(s.queue, &stage{who, from, by})
	}
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

// accounts returns the ServiceAccounts of a namespace: those that exist and those
// that bindings list, which exist as soon as somebody creates them. Ordered.
func accounts(v authz.View, namespace string) []string {
	var out []string
	for e := range v.Inventory().Entries(inventory.ServiceAccountKind, namespace) {
		out = append(out, e.Key.Name)
	}
	for e := range v.Inventory().BindingsWithin(namespace) {
		b, ok := authz.BoundOf(e.Object)
		if !ok {
			continue
		}
		for _, s := range b.Subjects {
			if s.Kind == rbacv1.ServiceAccountKind && cmp.Or(s.Namespace, b.Key.Namespace) == namespace {
				out = append(out, s.Name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Direct returns a subject's own powers, without whom it can become: at most one
// for each power and namespace, the most severe first. Shared and read-only.
func Direct(v authz.View, s authz.Subject) []Held {
	if _, _, account := s.Account(); !account {
		return direct(v, s)
	}
	held, _ := v.Inventory().Once(directOf{s.Name}, func(inv *inventory.Inventory) any { return direct(authz.Over(inv), s) }).([]Held)
	return held
}

func direct(v authz.View, s authz.Subject) []Held {
	var grants []authz.Grant
	for g := range v.Grants(s) {
		if !slices.ContainsFunc(grants, func(o authz.Grant) bool { return o.Binding == g.Binding }) {
			grants = append(grants, g)
		}
	}
	var out []Held
	for _, g := range grants {
		for _, h := range holds(v, g) {
			out = append(out, Held{h, g})
		}
	}
	if len(grants) > 1 {
		out = append(out, together(grants)...)
	}
	slices.SortStableFunc(out, compareHeld)
	return distinct(out)
}

// distinct drops, from a sorted list, what a more severe hold of the same power
// in the same place says already.
func distinct(sorted []Held) []Held {
	type place struct{ id, namespace string }
	seen := make(map[place]bool, len(sorted))
	out := sorted[:0]
	for _, h := range sorted {
		at := place{h.Power.ID, h.Grant.Namespace}
		if !seen[at] && !seen[place{h.Power.ID, ""}] {
			out = append(out, h)
		}
		seen[at] = true
	}
	return slices.Clip(out)
}

func compareHeld(a, b Held) int {
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity),
		cmp.Compare(a.Power.ID, b.Power.ID),
		cmp.Compare(a.Grant.Namespace, b.Grant.Namespace),
		a.Grant.Binding.Compare(b.Grant.Binding),
	)
}

// holds is Of for a grant, kept by role: many bindings share one.
func holds(v authz.View, g authz.Grant) []Hold {
	scope := Scope{g.Namespace}
	class := scope
	if class.Namespace != "" && !Special(class.Namespace) {
		class.Namespace = "-"
	}
	key := holdsOf{g.Role, class}
	list, _ := v.Inventory().Once(key, func(*inventory.Inventory) any { return Of(g.Rules, scope) }).([]Hold)
	return placed(list, g.Namespace)
}

// placed returns holds with their examples in a namespace.
func placed(list []Hold, namespace string) []Hold {
	out := slices.Clone(list)
	for i := range out {
		if out[i].Request.Path == "" {
			out[i].Request.Namespace = namespace
		}
	}
	return out
}

// together returns the combined powers that no single grant gives: for the whole
// cluster, and for each namespace with what holds everywhere.
func together(grants []authz.Grant) []Held {
	var everywhere []rbacv1.PolicyRule
	var namespaces []string
	for _, g := range grants {
		if g.Namespace == "" {
			everywhere = append(everywhere, g.Rules...)
		} else {
			namespaces = append(namespaces, g.Namespace)
		}
	}
	out := combinedOf(everywhere, grants, "")
	slices.Sort(namespaces)
	for _, namespace := range slices.Compact(namespaces) {
		rules := slices.Clone(everywhere)
		for _, g := range grants {
			if g.Namespace == namespace {
				rules = append(rules, g.Rules...)
			}
		}
		out = append(out, combinedOf(rules, grants, namespace)...)
	}
	return out
}

func combinedOf(rules []rbacv1.PolicyRule, grants []authz.Grant, namespace string) []Held {
	var out []Held
	for i := range table {
		p := &table[i]
		if !p.Combined() || p.severity(Scope{namespace}, false) == checks.SeverityUnset {
			continue
		}
		h, ok := p.combined(rules, Scope{namespace})
		if !ok {
			continue
		}
		// The grant that gives the first of the permissions stands for all.
		for _, g := range grants {
			if (g.Namespace == "" || g.Namespace == namespace) && g.Allows(h.Request) {
				g.Namespace = namespace
				out = append(out, Held{h, g})
				break
			}
		}
	}
	return out
}

// Path returns the way to the worst as a reader follows it: the subject, the
// binding and the role that give the power, what it allows, and so on with whom
// it becomes. Empty when there is nothing dangerous.
func (e *Effect) Path() []string {
	var out []string
	for i, s := range e.Steps {
		h := s.Held
		out = append(out, s.Subject.String(), h.Grant.Binding.String(), h.Grant.Role.String()+" (may "+h.Power.Can+where(h.Grant.Namespace)+")")
		if i == len(e.Steps)-1 && e.Severity == checks.Critical && h.Severity < checks.Critical {
			out = append(out, "every ServiceAccount")
		}
	}
	return out
}

func where(namespace string) string {
	if namespace == "" {
		return " everywhere"
	}
	return " in " + namespace
}
