// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/floor"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// weakenedPolicy flags updates and deletions that take away from what the bundled
// gateway enforces (EXP-051).
func weakenedPolicy() checks.Check {
	return checks.Check{
		ID: "EXP-051", Name: "weakened-policy",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    []schema.GroupKind{inventory.AccessPolicyKind, inventory.TrafficPolicyKind, inventory.ClientPolicyKind},
		OnDelete: true,
		Doc: checks.Doc{
			Title: "What the gateway enforces is not weakened in passing",
			Why: "An AccessPolicy or TrafficPolicy whose mode is Enforced is a floor that no route gets below. Whoever may write policies could lower it by an edit that nobody reads. " +
				"The rule judges the update or the deletion of such a policy: that it is deleted, that its mode becomes Default, that it is no longer for one of its targets, and every change of its content but these, which can only ask for more. " +
				"AccessPolicy: an authenticator, an audience or an algorithm less, a rule that allows less, or fits less (a value less of those of which one is needed, a scope more, a condition where there was none), a rule that denies more, or fits more, a claim more told to backends, credentials stripped. " +
				"TrafficPolicy: a limit more, fewer requests in the time, a smaller burst, less under way, Reject in the place of Queue, either in the place of Shadow, scope Gateway in the place of Replica where onStoreFailure is Deny, onStoreFailure Deny in the place of Local. " +
				"A ClientPolicy has no mode, and is judged as a floor: its deletion and its update may add no addresses to trustedProxies or proxyProtocolFrom, let clients send no more lines (headers), change nothing of path, and not end redirectToHTTPS or lower tls.minVersion; limits and hsts are free. Where it is for a target that it was not for, it is compared with the one whose place it takes: the Gateway's for a listener, or a younger one. One that believes everybody who his client is, by blocks such as 0.0.0.0/0, is reported whenever it is written. " +
				"What cannot be compared counts as weaker: another issuer, another expression, another key of a limit. So does an external service where there was none: it is handed the credentials of clients, and may tell backends who they are. The API server asks on deletion, too; what a namespace that is being deleted takes along is not reported, nor that a policy goes whose targets are all deleted, or that it is no longer for one that is: delete the route before its policy. helm uninstall deletes kinds that it does not know in the order of the alphabet: an AccessPolicy or ClientPolicy is asked for before its route or Gateway and stays, these go, and the release is left as uninstalling: a second helm uninstall finishes it. A route that is being deleted and waits for a finalizer is not served any more and counts as deleted, a Gateway or a Service that waits counts as there, and so does a Service that is deleted as long as a route or an Ingress names it that may use it: nobody judges it when it comes back. Nor is reported what the garbage collector deletes with its owner; an update that gives the policy another owner is, also one that gives an owner another name. " +
				"Policies of mode Default are not judged, and neither is what is beside the policy: a listener that is renamed, a Secret with other keys, a route that moves; EXP-050 reports what is without any policy then.",
			Attack: "lowers what the gateway asks for, uses what was guarded, and puts the policy back",
			Fix:    "keep what the policy asks for (without a mode it is Enforced), or delete what it is for before it and apply both anew, or get an Exemption for the time of the change",
			Exempt: "A change that was reviewed: exempt the policy for the time of the rollout.",
			Sources: []string{
				"https://gateway-api.sigs.k8s.io/geps/gep-713/",
				"https://gateway-api.sigs.k8s.io/geps/gep-2649/",
			},
		},
		Run: judgeWeakening,
	}
}

func judgeWeakening(in checks.Input) []checks.Finding {
	return slices.Concat(everybody(in), weakenings(in), displaced(in))
}

// everybody reports a ClientPolicy by which clients say themselves where they come from.
func everybody(in checks.Input) []checks.Finding {
	policy, ok := in.Object.(*unstructured.Unstructured)
	if !ok || in.Request.Operation == checks.Delete || inventory.KeyOf(policy).Kind != inventory.ClientPolicyKind {
		return nil
	}
	spec, _, _ := unstructured.NestedMap(policy.Object, "spec")
	var out []checks.Finding
	for _, l := range floor.Everybody(spec) {
		out = append(out, checks.Finding{
			Subject: "everybody/" + l.Field, Field: l.Field, Message: l.What + ", so rules and limits for addresses hold for nobody",
			Fix: "name the addresses of the proxies that clients come by", Path: weakenedPath(policy),
		})
	}
	return out
}

func weakenings(in checks.Input) []checks.Finding {
	was, change := in.Old, in.Request.Operation != checks.Delete
	if !change {
		if ns := in.Inventory.Namespace(in.Object.GetNamespace()); ns != nil && ns.DeletionTimestamp != nil || collected(in) {
			return nil
		}
		was = in.Object
	}
	if was == nil {
		return nil // it is created, or stored already
	}
	old, ok := was.(*unstructured.Unstructured)
	if !ok {
		return []checks.Finding{{Certainty: checks.Undetermined, Message: "is not a policy that this check can read"}}
	}
	before, _, _ := unstructured.NestedMap(old.Object, "spec")
	kind := inventory.KeyOf(old).Kind
	if !isFloor(kind, before) || !change && !missed(kind, before) {
		return nil
	}
	if !change {
		if targets := policyTargets(old); len(targets) > 0 && !slices.ContainsFunc(targets, func(t policyTarget) bool { return !t.gone(in) }) {
			return nil
		}
		return []checks.Finding{{
			Subject: "deleted", Message: "is enforced by the gateway, and deleting it takes away what it asks for",
			Fix: "keep the policy, or get an Exemption for its deletion", Path: weakenedPath(old),
		}}
	}
	current, ok := in.Object.(*unstructured.Unstructured)
	if !ok {
		return []checks.Finding{{Certainty: checks.Undetermined, Message: "is not a policy that this check can read"}}
	}
	after, _, _ := unstructured.NestedMap(current.Object, "spec")
	var out []checks.Finding
	if missed(kind, before) {
		out = append(looserTargets(old, current, in), newOwners(old, current)...)
	}
	for _, l := range loosened(kind, before, after) {
		out = append(out, checks.Finding{Subject: "weaker/" + l.Field, Field: l.Field, Message: l.What})
	}
	for i := range out {
		out[i].Message, out[i].Path = "is enforced by the gateway, and this update "+out[i].Message, weakenedPath(old)
	}
	return out
}

// isFloor reports whether what a policy says holds whatever routes say. A ClientPolicy has
// no mode.
func isFloor(kind schema.GroupKind, spec map[string]any) bool {
	mode, _ := spec["mode"].(string)
	return kind == inventory.ClientPolicyKind || cmp.Or(mode, enforcedMode) == enforcedMode
}

// missed reports whether anything is asked for less without a policy.
func missed(kind schema.GroupKind, spec map[string]any) bool {
	return kind != inventory.ClientPolicyKind || len(floor.Client(spec, nil)) > 0
}

func weakenedPath(old inventory.Object) []string {
	path := []string{"internet"}
	if targets := policyTargets(old); len(targets) > 0 {
		path = append(path, targets[0].of.String())
	}
	return append(path, inventory.KeyOf(old).String())
}

// enforcedMode is the mode of a floor, also of a policy that names none.
const enforcedMode = "Enforced"

// looserTargets reports what a policy is no longer for, of what there is.
func looserTargets(old, current inventory.Object, in checks.Input) []checks.Finding {
	var out []checks.Finding
	now := policyTargets(current)
	for _, t := range policyTargets(old) {
		if !slices.Contains(now, t) && !slices.Contains(now, policyTarget{of: t.of}) && !t.gone(in) {
			out = append(out, checks.Finding{Subject: "target/" + t.String(), Field: "spec.targetRefs", Message: "takes it away from " + t.String()})
		}
	}
	return out
}

// gone reports whether nothing is left of a target that the gateway could serve. A Gateway
// or a Service that is being deleted is served until its finalizers are done, so it is
// there; a route is not (docs/gateway-policies.md, When something is deleted). A Service that
// is named still comes back without being judged by EXP-050, so it is there, too. An inventory
// without the namespace is not one of the cluster, and knows nothing of what is there.
func (t policyTarget) gone(in checks.Input) bool {
	if _, held := inventory.KindOf(t.of.Kind); !held || in.Inventory.Namespace(t.of.Namespace) == nil {
		return false
	}
	e := in.Inventory.Entry(t.of)
	if e == nil {
		return t.of.Kind != inventory.ServiceKind || !stillNamed(t.of, in)
	}
	return slices.Contains(gatewayRoutes, t.of.Kind) && leaving(e.Object, in)
}

// stillNamed reports whether a route or an Ingress that stays names a Service which it may use.
func stillNamed(service inventory.Key, in checks.Input) bool {
	for e := range in.Inventory.Referrers(service.Namespace, service.Name) {
		if e.Key.Kind != inventory.IngressKind && !slices.Contains(gatewayRoutes, e.Key.Kind) || leaving(e.Object, in) {
			continue
		}
		ref := inventory.ServiceRef{Namespace: service.Namespace, Name: service.Name}
		if e.Key.Namespace == service.Namespace || in.Inventory.GrantFor(e.Object, ref) != nil {
			return true
		}
	}
	return false
}

// leaving reports whether an object, or the namespace that it is in, is being deleted.
func leaving(o inventory.Object, in checks.Input) bool {
	if o.GetDeletionTimestamp() != nil {
		return true
	}
	ns := in.Inventory.Namespace(o.GetNamespace())
	return ns != nil && ns.DeletionTimestamp != nil
}

// loosened lists how the spec of a policy asks for less than before.
func loosened(kind schema.GroupKind, before, after map[string]any) []floor.Looser {
	if kind == inventory.ClientPolicyKind {
		return floor.Client(before, after)
	}
	var out []floor.Looser
	if mode, _ := after["mode"].(string); cmp.Or(mode, enforcedMode) != enforcedMode {
		out = append(out, floor.Looser{Field: "spec.mode", What: "makes it a " + mode + ", which gives way to what routes say"})
	}
	if kind == inventory.AccessPolicyKind {
		return append(out, floor.Access(before, after)...)
	}
	return append(out, floor.Traffic(before, after)...)
}

func (t policyTarget) String() string {
	if t.section != "" {
		return t.of.String() + " (" + t.section + ")"
	}
	return t.of.String()
}
