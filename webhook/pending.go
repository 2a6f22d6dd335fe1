// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"

	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Replica is what this process knows beyond what the watches have shown: the
// objects that it has just admitted. They complete violating sets, so the next
// review must see them, however late the watches are. Its methods must not block
// for long and are safe for concurrent use.
type Replica interface {
	// Views returns the inventory with what was admitted in place of what the
	// watches showed, and with what they showed in place of what was admitted; the
	// same pointer twice when there is no difference.
	Views() (current, watched *inventory.Inventory)

	// Admit makes an object visible before it returns, for a short life, and
	// reports whether it did. base is the resourceVersion of the object that it
	// replaces, "" for a creation; bytes is the size of the JSON that it came in.
	// The object must not be changed by it.
	Admit(o inventory.Object, base string, bytes int) bool
}

func (e Engine) views() (current, watched *inventory.Inventory) {
	if e.Replica == nil {
		inv := e.Inventory()
		return inv, inv
	}
	return e.Replica.Views()
}

// scopeIn is scopeOf, the stricter one of both views: an opt-in that was just
// admitted counts, an opt-out that was just admitted does not count yet.
func (e Engine) scopeIn(r Review, current, watched *inventory.Inventory, p *policy.Policy) scope {
	s := scopeOf(r, current, p, e.Namespace)
	if current == watched {
		return s
	}
	other := scopeOf(r, watched, p, e.Namespace)
	if other.mode < s.mode {
		s.mode, s.warning = other.mode, other.warning
	}
	s.profile = max(s.profile, other.profile)
	return s
}

// unconfirmed follows a refusal that only the older of two states calls for.
const unconfirmed = "\nA change that was admitted just now may allow this, but the cluster has not confirmed it. If it was stored, try again in a few seconds."

// judgeViews returns the verdict, and whether it is a refusal that only the
// watched state calls for. An admitted change of a stored object may still fail:
// the same transaction, another webhook or a quota may refuse it, and whoever
// sends it can see to that. So it can add a refusal and not take one away.
func (e Engine) judgeViews(ctx context.Context, current, old inventory.Object, r Review, now, watched *inventory.Inventory, p *policy.Policy, s scope) (v policy.Verdict, late bool, err error) {
	found, err := e.judge(ctx, current, old, r, now, p, s)
	if err != nil || now == watched || found.Denied() {
		return found, false, err
	}
	was, err := e.judge(ctx, current, old, r, watched, p, s)
	if was.Denied() {
		return was, true, err
	}
	return found, false, err
}

// remember hands an admitted object to the replica.
//
// The API server shows validating webhooks the object as it is about to be
// stored, whatever the resource: through "status" or "ephemeralcontainers" too it
// is the whole object, with what the subresource may not change as it was. A
// subresource of another kind, such as "scale", is not. A generated name is in
// the object by then; where it is not, the object is left out. What is written in
// namespaces that did not opt in never comes here, and only the watches tell of
// it; so do deletions.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go
func (e Engine) remember(r Review, current inventory.Object) {
	if e.Replica == nil || r.DryRun {
		return
	}
	kind, known := inventory.KindOfResource(r.Resource)
	if !known || !kind.Kept || kind.GroupKind != r.Kind.GroupKind() {
		return
	}
	if current == nil {
		var err error
		if current, _, err = r.decode(); err != nil {
			return // nobody judges it, and nothing can be known of it
		}
	}
	if generated := current.GetGenerateName(); generated != "" && current.GetName() == generated+"*" {
		return
	}
	base := current.GetResourceVersion()
	// A creation with a version fails, an update always has the stored one's.
	if (r.Operation == "CREATE") != (base == "") {
		return
	}
	e.Replica.Admit(current, base, r.size)
}

// Answer implements Judge.
func (g Guard) Answer(ctx context.Context, r Review) Answer {
	a := g.decide(ctx, r)
	if a.Allowed && r.Operation == "UPDATE" {
		g.remember(r, nil)
	}
	return a
}
