// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/floor"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// displaced reports what is asked for less where a ClientPolicy that is written takes the
// place of another, at the targets that it did not have. In files the two are written
// together, and nobody says which of them was there first.
func displaced(in checks.Input) []checks.Finding {
	policy, ok := in.Object.(*unstructured.Unstructured)
	if !ok || in.Request.Operation == checks.Delete || inventory.KeyOf(policy).Kind != inventory.ClientPolicyKind ||
		in.Request.User == "" || in.Request.Stored || in.Request.Before {
		return nil
	}
	var had []policyTarget
	if in.Old != nil {
		had = policyTargets(in.Old)
	}
	now, _, _ := unstructured.NestedMap(policy.Object, "spec")
	var out []checks.Finding
	for _, t := range policyTargets(policy) {
		if slices.Contains(had, t) {
			continue
		}
		holder := placeOf(t, in)
		if holder == nil {
			continue
		}
		before, _, _ := unstructured.NestedMap(holder.Object, "spec")
		for _, l := range floor.Client(before, now) {
			out = append(out, checks.Finding{
				Subject: "place/" + t.String() + "/" + l.Field, Field: l.Field,
				Message: "takes the place of " + inventory.KeyOf(holder).String() + " at " + t.String() + ", and " + l.What,
				Fix:     "ask for what that policy asks for, or get an Exemption for the change",
				Path:    []string{"internet", t.of.String(), inventory.KeyOf(policy).String()},
			})
		}
	}
	return out
}

// placeOf returns the ClientPolicy whose place the one under judgement takes at a target; nil
// if there is none, if it is older and stays, or if it was the same one, which is compared
// with itself. A port has the oldest of one of its listeners, or else the oldest of the
// Gateway (docs/gateway-policies.md, Clients).
func placeOf(t policyTarget, in checks.Input) *unstructured.Unstructured {
	at := []policyTarget{t}
	if t.section != "" {
		at = listenersBeside(t, in)
	}
	holder := oldestAt(at, in)
	if holder != nil && inventory.KeyOf(holder) != inventory.KeyOf(in.Object) && !precedes(in, holder) {
		return nil
	}
	if holder == nil && t.section != "" {
		holder = oldestAt([]policyTarget{{of: t.of}}, in)
	}
	if holder == nil || inventory.KeyOf(holder) == inventory.KeyOf(in.Object) {
		return nil
	}
	return holder
}

// listenersBeside returns the listeners of the port that a listener has.
func listenersBeside(t policyTarget, in checks.Input) []policyTarget {
	out := []policyTarget{t}
	gw, there := inventory.Get[*gatewayv1.Gateway](in.Inventory, inventory.GatewayKind, t.of.Namespace, t.of.Name)
	if !there {
		return out
	}
	i := slices.IndexFunc(gw.Spec.Listeners, func(l gatewayv1.Listener) bool { return string(l.Name) == t.section })
	for j := range gw.Spec.Listeners {
		if l := &gw.Spec.Listeners[j]; i >= 0 && j != i && l.Port == gw.Spec.Listeners[i].Port {
			out = append(out, policyTarget{t.of, string(l.Name)})
		}
	}
	return out
}

// oldestAt returns the ClientPolicy that holds at any of some targets before the write: the
// one that is written counts for what it was for.
func oldestAt(targets []policyTarget, in checks.Input) *unstructured.Unstructured {
	var out *unstructured.Unstructured
	consider := func(o inventory.Object) {
		u, ok := o.(*unstructured.Unstructured)
		if !ok || !slices.ContainsFunc(policyTargets(o), func(t policyTarget) bool { return slices.Contains(targets, t) }) {
			return
		}
		if out == nil || byAge(u, out) < 0 {
			out = u
		}
	}
	self := inventory.KeyOf(in.Object)
	for e := range in.Inventory.Entries(inventory.ClientPolicyKind, self.Namespace) {
		if e.Key != self {
			consider(e.Object)
		}
	}
	if in.Old != nil {
		consider(in.Old)
	}
	return out
}

// precedes reports whether the policy under judgement holds where another is, too. One that
// is created is the younger one: it may have no time yet.
func precedes(in checks.Input, other inventory.Object) bool {
	if created := in.Object.GetCreationTimestamp(); in.Old == nil && created.IsZero() {
		return false
	}
	return byAge(in.Object, other) < 0
}

// byAge orders policies of a namespace as the gateway does.
func byAge(a, b inventory.Object) int {
	was, is := a.GetCreationTimestamp(), b.GetCreationTimestamp()
	return cmp.Or(was.Compare(is.Time), cmp.Compare(a.GetName(), b.GetName()))
}
