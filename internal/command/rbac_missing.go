// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/privilege"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// maxMissing is how many missing roles are told one by one.
const maxMissing = 8

// rbacRead are the roles and bindings that were read.
type rbacRead struct {
	authz.View

	// whole says that a cluster was read: a role that is missing does not exist.
	// Files and snapshots of files may lack one that does.
	whole bool
}

// lack is a role that bindings refer to and that was not read.
type lack struct {
	role     inventory.Key
	bindings []inventory.Key
}

// String returns "RoleBinding shop/y refers to it".
func (l lack) String() string {
	if more := len(l.bindings) - 1; more > 0 {
		return fmt.Sprintf("%s and %d more refer to it", l.bindings[0], more)
	}
	return fmt.Sprintf("%s refers to it", l.bindings[0])
}

// lacksOf lists what bindings refer to and was not read, ordered by role.
func lacksOf(v authz.View) []lack {
	at := map[inventory.Key]int{}
	var out []lack
	for b := range bindingsOf(v) {
		role := b.Role()
		if v.Inventory().Entry(role) != nil {
			continue
		}
		i, known := at[role]
		if !known {
			i = len(out)
			at[role] = i
			out = append(out, lack{role: role})
		}
		out[i].bindings = append(out[i].bindings, b.Key)
	}
	slices.SortFunc(out, func(x, y lack) int { return x.role.Compare(y.role) })
	return out
}

// bindingsOf yields every binding, those of the whole cluster first.
func bindingsOf(v authz.View) iter.Seq[authz.Bound] {
	return func(yield func(authz.Bound) bool) {
		for _, kind := range []inventory.Key{{Kind: inventory.ClusterBindingKind}, {Kind: inventory.RoleBindingKind}} {
			for e := range v.Inventory().Entries(kind.Kind, "") {
				if b, ok := authz.BoundOf(e.Object); ok && !yield(b) {
					return
				}
			}
		}
	}
}

// completed puts the roles that Kubernetes ships in the place of those that were
// not read, and tells that, and which others are missing: a binding to a role that is
// not known must not pass for one that gives nothing.
func (a *app) completed(r rbacRead) rbacRead {
	if r.whole {
		a.tellLacks(lacksOf(r.View), true)
		return r
	}
	inv, shipped, lacks := withShipped(r.Inventory())
	r.View = authz.Over(inv)
	a.tellShipped(shipped)
	a.tellLacks(lacks, false)
	return r
}

// withShipped returns an inventory of files with the roles that Kubernetes ships in
// the place of those which bindings refer to and which are not in it: these, and
// what is still lacking.
func withShipped(inv *inventory.Inventory) (*inventory.Inventory, []inventory.Object, []lack) {
	var shipped []inventory.Object
	lacks := slices.DeleteFunc(lacksOf(authz.Over(inv)), func(l lack) bool {
		role := privilege.ShippedRole(l.role)
		if role != nil {
			shipped = append(shipped, role)
		}
		return role != nil
	})
	if len(shipped) == 0 {
		return inv, nil, lacks
	}
	edit := inv.Edit()
	for _, role := range shipped {
		edit.Put(inventory.NewEntry(role))
	}
	return edit.Inventory(), shipped, lacks
}

// tellShipped names the roles that stand in for some that were not read.
func (a *app) tellShipped(roles []inventory.Object) {
	names := make([]string, 0, len(roles))
	for _, o := range roles {
		names = append(names, inventory.KeyOf(o).String())
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch len(names) {
	case 0:
	case 1:
		a.say("note: %s is not in what was read; what Kubernetes ships is taken", names[0])
	default:
		a.say("note: %s are not in what was read; what Kubernetes ships is taken", strings.Join(names, ", "))
	}
}

func (a *app) tellLacks(lacks []lack, whole bool) {
	state := "is not in what was read"
	if whole {
		state = "does not exist"
	}
	for i, l := range lacks {
		if i == maxMissing {
			a.say("note: %d more roles that bindings refer to: each %s", len(lacks)-i, state)
			return
		}
		a.say("%s", checks.Plain(fmt.Sprintf("note: %s %s: %s", l.role, state, l)))
	}
}

// doubts returns the bindings by which a "no" about a subject may be untrue: they refer
// to roles that were not read, where the request is made (nil: any).
func (r rbacRead) doubts(s authz.Subject, request *authz.Request) []authz.Grant {
	if r.whole {
		return nil
	}
	var out []authz.Grant
	for g := range r.Grants(s) {
		if g.Missing && (request == nil || concerns(g.Namespace, *request)) {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(x, y authz.Grant) int { return x.Binding.Compare(y.Binding) })
	return out
}

// anyDoubts returns those about whoever may make a request.
func (r rbacRead) anyDoubts(request authz.Request) []authz.Grant {
	if r.whole {
		return nil
	}
	var out []authz.Grant
	for b := range bindingsOf(r.View) {
		if g := r.Grant(b); g.Missing && len(b.Subjects) > 0 && concerns(g.Namespace, request) {
			out = append(out, g)
		}
	}
	return out
}

// concerns reports whether a grant of a namespace ("": of all) may allow a request.
func concerns(namespace string, r authz.Request) bool {
	return namespace == "" || r.Path == "" && r.Namespace == namespace
}

// undecided ends a command whose answer lacks what these bindings give.
func (a *app) undecided(answer string, doubts []authz.Grant) error {
	more := ""
	if n := len(doubts) - 1; n > 0 {
		more = fmt.Sprintf(", and %s like it", count(n, "binding"))
	}
	a.say("%s", checks.Plain(fmt.Sprintf("error: %s: %s refers to %s, which is not in what was read%s", answer, doubts[0].Binding, doubts[0].Role, more)))
	return failure(ExitFault)
}
