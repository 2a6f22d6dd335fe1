// SPDX-License-Identifier: Apache-2.0

package power

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Survey answers EffectiveAccount for many accounts, best in the order of their
// namespaces. It looks at the bindings of a namespace once, and most accounts have a
// power of that namespace or none: then nothing more is to be searched. The zero
// value is not usable. It belongs to one goroutine.
type Survey struct {
	view      authz.View
	namespace string
	known     bool // the rest is of the namespace

	// plain says that nothing but the bindings that list an account by name decides
	// about it. grants are those of them that may hold a power, and accounts whose
	// they are.
	plain    bool
	grants   []authz.Grant
	accounts []string
}

// NewSurvey begins a survey of one version.
func NewSurvey(inv *inventory.Inventory) *Survey { return &Survey{view: authz.Over(inv.Sweep())} }

// maxSurveyed is how many bindings of a namespace a survey looks at for an account
// that may have only one of them.
const maxSurveyed = 256

// Effective is EffectiveAccount.
func (s *Survey) Effective(namespace, name string) *Effect {
	if !s.known || s.namespace != namespace {
		s.look(namespace)
	}
	if s.plain && !strings.Contains(name, ":") {
		if e := s.simple(name); e != nil {
			return e
		}
	}
	return EffectiveAccount(s.view, namespace, name)
}

// simple is the effect of an account that becomes nobody, or the accounts of its own
// namespace which have no power; nil for any other.
func (s *Survey) simple(name string) *Effect {
	own, others := s.of(name)
	e := &Effect{Subject: authz.ServiceAccount(s.namespace, name)}
	if len(own) == 0 {
		return e
	}
	e.Direct = heldBy(s.view, own)
	for i := range e.Direct {
		h := &e.Direct[i]
		switch {
		case h.Power.Becomes == Nobody:
		case h.Named || others || h.Power.Becomes != Accounts || h.Grant.Namespace != s.namespace:
			return nil
		case e.Reaches == nil:
			e.Reaches = []string{s.namespace}
		}
	}
	if len(e.Direct) > 0 && e.Direct[0].Severity > e.Severity {
		e.Severity, e.Steps = e.Direct[0].Severity, []Step{{e.Subject, e.Direct[0]}}
	}
	return e
}

// of returns the grants of an account, and whether others have any.
func (s *Survey) of(name string) (own []authz.Grant, others bool) {
	first := slices.Index(s.accounts, name)
	if first < 0 {
		return nil, len(s.accounts) > 0
	}
	end := first + 1
	for end < len(s.accounts) && s.accounts[end] == name {
		end++
	}
	own = s.grants[first:end:end] // those of one account are neighbours, but for an overlaid binding
	for i := end; i < len(s.accounts); i++ {
		if s.accounts[i] == name {
			own = append(own, s.grants[i])
		}
	}
	return own, len(own) < len(s.accounts)
}

// look reads the bindings of a namespace.
func (s *Survey) look(namespace string) {
	clear(s.grants)
	s.namespace, s.known, s.plain, s.grants, s.accounts = namespace, true, false, s.grants[:0], s.accounts[:0]
	inv := s.view.Inventory()
	if namespace == "" || strings.Contains(namespace, ":") {
		return
	}
	for _, group := range [...]string{authz.AccountGroup, authz.AccountGroupPrefix + namespace, authz.Authenticated} {
		for e := range inv.BindingsOf(rbacv1.GroupKind, "", group) {
			if mayHold(s.view, e) {
				return
			}
		}
	}
	for e := range inv.BindingsOfUsers(authz.AccountPrefix + namespace + ":") {
		if mayHold(s.view, e) {
			return
		}
	}
	seen := 0
	for name, e := range inv.BoundWithin(namespace) {
		b, ok := authz.BoundOf(e.Object)
		if seen++; seen > maxSurveyed || !ok || strings.Contains(name, ":") {
			return
		}
		rules, found := s.view.Rules(b.Role())
		if possible(rules) == 0 {
			continue
		}
		g := authz.Grant{Binding: b.Key, Role: b.Role(), Namespace: b.Key.Namespace, Rules: rules, Missing: !found}
		for i := range b.Subjects {
			of := &b.Subjects[i]
			if of.Kind == rbacv1.ServiceAccountKind && of.Name == name && (of.Namespace == namespace || of.Namespace == "" && b.Key.Namespace == namespace) {
				g.Subject = *of
				break
			}
		}
		s.grants, s.accounts = append(s.grants, g), append(s.accounts, name)
	}
	s.plain = true
}
