// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"cmp"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// staleBinding flags bindings to what does not exist (RBAC-065).
func staleBinding() checks.Check {
	return checks.Check{
		ID: "RBAC-065", Name: "stale-binding", Severity: checks.Medium, Actions: onlyWarned, Kinds: allBindings,
		Doc: checks.Doc{
			Title: "Bindings refer to roles and ServiceAccounts that exist",
			Why: "A binding to a role that does not exist gives nothing until somebody creates a role of that name; one for a ServiceAccount that does not exist is held by whoever creates it. Nobody looks at the binding then. " +
				"Both happen when a program is removed in parts. Users and groups stand in no object, so nothing is said of them. " +
				"Files and clusters that were read in part do not show what is missing: a role counts as missing only where the roles of Kubernetes are known too, and an account where the account default of its namespace or of kube-system is; otherwise the finding is undetermined. " +
				"Both profiles warn and do not refuse, because the missing part may be the next document of the same file.",
			Attack:  "creates the account or the role, and has what the binding gives",
			Fix:     "delete the binding, or create what it refers to before it",
			Exempt:  "A binding that is prepared for a program that is installed later.",
			Sources: []string{periodicReview, rbacDocs + "#rolebinding-and-clusterrolebinding"},
		},
		Run: func(in checks.Input) []checks.Finding {
			b, ok := bindingOf(in)
			if !ok {
				return unreadable(in)
			}
			var out []checks.Finding
			if !b.known && len(b.subjects) > 0 {
				f := checks.Finding{Subject: "roleRef", Field: "roleRef.name", Message: "refers to " + b.role.String() + ", which does not exist"}
				if !knowsRoles(in.Inventory) {
					f.Certainty, f.Message = checks.Undetermined, "refers to "+b.role.String()+", which is not known here"
				}
				out = append(out, f)
			}
			for i := range b.subjects {
				s := &b.subjects[i]
				namespace, name, account := s.account()
				if !account || exists(in.Inventory, namespace, name) {
					continue
				}
				f := b.finding(s, checks.SeverityUnset, "is for ServiceAccount "+namespace+"/"+name+", which does not exist")
				if !knowsAccounts(in.Inventory, namespace) {
					f.Certainty, f.Message = checks.Undetermined, "is for ServiceAccount "+namespace+"/"+name+", which is not known here"
				}
				out = append(out, f)
			}
			return out
		},
	}
}

// exists reports whether there is a ServiceAccount; default is made in every
// Namespace.
func exists(inv *inventory.Inventory, namespace, name string) bool {
	return name == "default" || inv.Entry(inventory.Key{Kind: inventory.ServiceAccountKind, Namespace: namespace, Name: name}) != nil
}

// knowsRoles reports whether an inventory holds the roles of a cluster: the API
// server makes cluster-admin when it starts.
func knowsRoles(inv *inventory.Inventory) bool {
	e := inv.Entry(inventory.Key{Kind: inventory.ClusterRoleKind, Name: "cluster-admin"})
	return e != nil && e.Object.GetResourceVersion() != standIn
}

// knowsAccounts reports whether an inventory holds the ServiceAccounts of a
// cluster's namespace: a controller makes default in each.
func knowsAccounts(inv *inventory.Inventory, namespace string) bool {
	for _, n := range []string{namespace, "kube-system"} {
		if inv.Entry(inventory.Key{Kind: inventory.ServiceAccountKind, Namespace: n, Name: "default"}) != nil {
			return true
		}
	}
	return false
}

// nameReuse flags who may create a ServiceAccount that a binding waits for
// (RBAC-086).
func nameReuse() checks.Check {
	return checks.Check{
		ID: "RBAC-086", Name: "claim-stale-account", Severity: checks.High, Actions: onlyWarned, Softens: checks.StepPerGrade, Kinds: slices.Concat(roles, allBindings),
		Doc: checks.Doc{
			Title: "Nobody may create a ServiceAccount that a powerful binding waits for",
			Why: "A binding for a ServiceAccount that does not exist is held by whoever creates it. The binding is judged when it names such an account and somebody may create it, and when it gives the right to create accounts where such a binding waits; " +
				"so are Roles and ClusterRoles that come to do either by a binding that is there already. The creation of the account itself is SA-011. " +
				"It is as severe as the role that waits, high at the most; a role that holds nothing medium or worse is not counted, nor are those who have full control anyway, or who are part of Kubernetes. " +
				"What is missing in a file is not known, so this needs a cluster (RBAC-065). Creating an account is not yet running as it; who may create accounts can usually run Pods too. " +
				"Both profiles warn and do not refuse, because the account may be the next document of the same file.",
			Attack:  "creates the account and has its role",
			Fix:     "delete the binding that waits, or take away create on serviceaccounts",
			Exempt:  "A pipeline that installs a program and its rights together.",
			Sources: []string{periodicReview, goodPractices + "#privilege-escalation-risks", rbacDocs + "#referring-to-subjects"},
		},
		Run: func(in checks.Input) []checks.Finding {
			if b, ok := bindingOf(in); ok {
				return append(b.waits(in), b.claims(in, func(namespace string) []wait { return waiting(in.Inventory, namespace) })...)
			}
			return reuseByRole(in)
		},
	}
}

// waits reports the missing accounts of the binding that somebody may create.
func (b *binding) waits(in checks.Input) []checks.Finding {
	worst := b.worst()
	if worst < checks.Medium {
		return nil
	}
	v := authz.Over(in.Inventory)
	var out []checks.Finding
	for i := range b.subjects {
		s := &b.subjects[i]
		namespace, name, account := s.account()
		if !account || exists(in.Inventory, namespace, name) || !knowsAccounts(in.Inventory, namespace) {
			continue
		}
		var who []string
		for _, h := range v.Holders(createAccount(namespace)) {
			if claims(v, h.Grant, h.Subject) && h.Grant.Binding != b.Key {
				who = addOnce(who, subjectName(h.Subject, h.Grant.Binding.Namespace))
			}
		}
		if len(who) == 0 {
			continue
		}
		f := b.finding(s, min(worst, checks.High), "waits for ServiceAccount "+namespace+"/"+name+", which "+joinFew(who, "subject")+" may create: it may "+b.can()+b.where())
		f.Subject = "waits/" + s.name
		f.Path = append([]string{who[0] + andMore(len(who)-1)}, f.Path...)
		out = append(out, f)
	}
	return out
}

// claims reports the bindings that wait for an account which the subjects of this
// one may create; wait lists those of a namespace, or with "" all.
func (b *binding) claims(in checks.Input, wait func(namespace string) []wait) []checks.Finding {
	v := authz.Over(in.Inventory)
	at := b.grant.Namespace
	request := createAccount(cmp.Or(at, "any"))
	if !b.grant.Allows(request) {
		return nil
	}
	var out []checks.Finding
	for _, w := range wait(at) {
		for i := range b.subjects {
			s := &b.subjects[i]
			if w.binding == b.Key || !claims(v, b.grant, s.Subject) {
				continue
			}
			f := b.finding(s, w.severity, "lets "+s.name+" create ServiceAccount "+w.account+", for which "+w.binding.String()+" waits")
			f.Subject = "claims/" + w.account + "/" + w.binding.String() + "/" + s.name
			f.Path = []string{s.name, b.Key.String(), "ServiceAccount " + w.account, w.binding.String()}
			out = append(out, f)
		}
	}
	return out
}

func createAccount(namespace string) authz.Request {
	return authz.Request{Verb: "create", Resource: "serviceaccounts", Namespace: namespace}
}

// claims reports whether a subject gains by creating an account: it is not part of
// Kubernetes, and does not hold everything.
func claims(v authz.View, g authz.Grant, s rbacv1.Subject) bool {
	if e := v.Inventory().Entry(g.Binding); e != nil {
		if b, ok := authz.BoundOf(e.Object); ok && shippedBinding(authz.Bound{Key: b.Key, RoleRef: b.RoleRef, Subjects: []rbacv1.Subject{s}}) {
			return false
		}
	}
	_, everything := v.Allowed(actor(s), authz.Request{Verb: "*", Group: "*", Resource: "*"})
	return !everything
}

// wait is a binding for an account that does not exist.
type wait struct {
	binding  inventory.Key
	account  string
	severity checks.Severity
}

// waiting returns the bindings with a dangerous role for accounts of a namespace,
// or of any, that do not exist.
func waiting(inv *inventory.Inventory, namespace string) []wait {
	v := authz.Over(inv)
	var out []wait
	visit := func(e *inventory.Entry) {
		bound, ok := authz.BoundOf(e.Object)
		if !ok {
			return
		}
		var missing []string
		for _, s := range subjectsOf(bound) {
			if ns, name, account := s.account(); account && (namespace == "" || ns == namespace) && !exists(inv, ns, name) && knowsAccounts(inv, ns) {
				missing = addOnce(missing, ns+"/"+name)
			}
		}
		if len(missing) == 0 {
			return
		}
		if severity := worstHold(v.Grant(bound)); severity >= checks.Medium {
			for _, account := range missing {
				out = append(out, wait{bound.Key, account, min(severity, checks.High)})
			}
		}
	}
	if namespace != "" {
		for e := range inv.BindingsWithin(namespace) {
			visit(e)
		}
		return out
	}
	for _, kind := range allBindings {
		for e := range inv.Entries(kind, "") {
			visit(e)
		}
	}
	return out
}
