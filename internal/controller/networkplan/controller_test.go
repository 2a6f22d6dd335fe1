// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// inForce is what the application of the tests needs, by what the policies are for:
// the name servers for both, web to carts at either side, and two denials.
var inForce = []string{"allow", "allow", "allow", "deny", "deny"}

// TestAPlanFromOptInToRollback follows one namespace: preview, apply, drift, prune,
// and back, beside a policy of somebody else.
func TestAPlanFromOptInToRollback(t *testing.T) {
	e := newEnvironment(t)
	r := e.start(quick(), nil)
	const ns = "story"
	e.namespace(ns, "")
	if p := e.plan(ns); p != nil {
		t.Fatal("a plan for a namespace that nobody opted in")
	}
	// It refuses what the application needs, and allows what nobody declared.
	e.kubectl(`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"by-hand"},"spec":{"podSelector":{"matchLabels":{"app":"carts"}},"policyTypes":["Ingress"],`+
		`"ingress":[{"from":[{"ipBlock":{"cidr":"203.0.113.0/24"}}],"ports":[{"port":9090}]}]}}`, "apply", "-n", ns, "-f", "-")
	byHand := e.versions(ns)

	e.label(ns, "preview")
	p := e.phase(ns, v1alpha1.NetworkPreviewed)
	s := p.Status
	if s.Counts.Workloads != 2 || s.Counts.Connections != 5 || s.Counts.Policies != int32(len(inForce)) || s.Counts.Lost == 0 || len(s.Lost) == 0 {
		t.Errorf("counts %+v", s.Counts)
	}
	if i := slices.IndexFunc(s.Connections, func(c v1alpha1.NetworkConnection) bool {
		return c.From == "Deployment story/web" && c.To == "Deployment story/carts" && c.Port == "TCP/8080" && strings.Contains(c.Because, "CARTS_ADDR")
	}); i < 0 {
		t.Errorf("connections %+v", s.Connections)
	}
	gained := []string{"Deployment story/web -> Deployment story/carts TCP/8080"}
	extra := []string{"203.0.113.0/24 -> Deployment story/carts TCP/9090 (leaving: allowed, as no policy decides; entering: accepted by NetworkPolicy story/by-hand, ingress[0])"}
	if s.Counts.Gained != 1 || s.Counts.Extra != 1 || !slices.Equal(s.Gained, gained) || !slices.Equal(s.Extra, extra) {
		t.Errorf("counts %+v, gained %q, extra %q", s.Counts, s.Gained, s.Extra)
	}
	e.settled(ns, "by-hand")

	e.label(ns, "apply")
	p = e.phase(ns, v1alpha1.NetworkApplied)
	e.settled(ns, slices.Sorted(slices.Values(append([]string{"by-hand"}, inForce...)))...)
	if p.Status.Applied != p.Status.Plan || p.Status.AppliedAt == nil || !r.heard("Applied") {
		t.Errorf("status %+v", p.Status)
	}

	t.Run("drift", func(t *testing.T) {
		var list networkingv1.NetworkPolicyList
		if err := e.List(t.Context(), &list, client.InNamespace(ns), client.MatchingLabels{"gatehouse.sh/network-role": "allow"}); err != nil {
			t.Fatal(err)
		}
		changed := list.Items[0].DeepCopy()
		wide := changed.DeepCopy()
		wide.Labels["team"] = "kept"
		wide.Spec.PodSelector.MatchLabels = map[string]string{"app": "everything"}
		if err := e.Patch(t.Context(), wide, client.MergeFrom(changed)); err != nil {
			t.Fatal(err)
		}
		if err := e.Delete(t.Context(), list.Items[1].DeepCopy()); err != nil {
			t.Fatal(err)
		}
		var denials networkingv1.NetworkPolicyList
		if err := e.List(t.Context(), &denials, client.InNamespace(ns), client.MatchingLabels{"gatehouse.sh/network-role": "deny"}); err != nil {
			t.Fatal(err)
		}
		for i := range denials.Items {
			d := &denials.Items[i]
			open := d.DeepCopy()
			open.Spec.Ingress, open.Spec.Egress = []networkingv1.NetworkPolicyIngressRule{{}}, []networkingv1.NetworkPolicyEgressRule{{}}
			if err := e.Patch(t.Context(), open, client.MergeFrom(d)); err != nil {
				t.Fatal(err)
			}
			controlplane.Eventually(t, time.Minute, d.Name+" denies again", controlplane.Holds(func() bool {
				var now networkingv1.NetworkPolicy
				return e.Get(t.Context(), client.ObjectKeyFromObject(d), &now) == nil && len(now.Spec.Ingress)+len(now.Spec.Egress) == 0
			}))
		}
		controlplane.Eventually(t, time.Minute, "the rules are back, and the label stays", controlplane.Holds(func() bool {
			var now, back networkingv1.NetworkPolicy
			return e.Get(t.Context(), client.ObjectKeyFromObject(changed), &now) == nil && now.Labels["team"] == "kept" &&
				now.Spec.PodSelector.String() == changed.Spec.PodSelector.String() && e.Get(t.Context(), client.ObjectKeyFromObject(&list.Items[1]), &back) == nil
		}))
	})

	t.Run("prune", func(t *testing.T) {
		e.kubectl("", "delete", "deployment", "carts", "-n", ns)
		e.becomes(ns, "a plan without carts", func(p *v1alpha1.NetworkPlan) bool {
			return p.Status.Phase == v1alpha1.NetworkApplied && !slices.ContainsFunc(p.Status.Policies, func(name string) bool { return strings.Contains(name, "carts") })
		})
		for _, name := range e.names(ns) {
			if strings.Contains(name, "carts") {
				t.Errorf("policy %s is still there", name)
			}
		}
	})

	t.Run("a label that was copied makes no policy ours", func(t *testing.T) {
		e.kubectl(`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"copied","labels":{"gatehouse.sh/network-role":"allow"}},"spec":{"podSelector":{"matchLabels":{"app":"x"}},"policyTypes":["Ingress"]}}`, "apply", "-n", ns, "-f", "-")
		copied := e.versions(ns)["copied"]
		// Something else is to be done meanwhile, and is.
		e.kubectl(workload("late", ""), "apply", "-n", ns, "-f", "-")
		e.becomes(ns, "applied for late", func(p *v1alpha1.NetworkPlan) bool {
			return p.Status.Phase == v1alpha1.NetworkApplied && slices.ContainsFunc(p.Status.Connections, func(c v1alpha1.NetworkConnection) bool { return c.From == "Deployment story/late" })
		})
		if diff := cmp.Diff(copied, e.versions(ns)["copied"]); diff != "" {
			t.Errorf("it was touched: %s", diff)
		}
		e.kubectl("", "delete", "networkpolicy", "copied", "-n", ns)
		e.phase(ns, v1alpha1.NetworkApplied)
	})

	t.Run("a plan that is deleted comes back, and its policies never go", func(t *testing.T) {
		before, versions, policies, states := e.plan(ns), e.versions(ns), e.policies(ns), e.record(ns)
		last := func(want ...string) func() bool {
			return func() bool { all := states(); return len(all) > 0 && slices.Equal(roles(all[len(all)-1]), want) }
		}
		controlplane.Eventually(t, time.Minute, "the policies are seen", controlplane.Holds(last(policies...)))
		seen := len(states())
		e.kubectl("", "delete", "networkplan", "default", "-n", ns)
		after := e.becomes(ns, "applied again", func(p *v1alpha1.NetworkPlan) bool {
			return p.UID != before.UID && p.Status.Phase == v1alpha1.NetworkApplied
		})
		if after.Status.Applied != before.Status.Applied || after.Status.AppliedAt == nil {
			t.Errorf("status %+v, which was %+v", after.Status, before.Status)
		}
		if diff := cmp.Diff(versions, e.versions(ns)); diff != "" || len(versions) < 2 {
			t.Errorf("of %d policies: %s", len(versions), diff)
		}
		// What was written before this has been seen when this is.
		e.kubectl(`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"end"},"spec":{"podSelector":{"matchLabels":{"app":"x"}},"policyTypes":["Ingress"]}}`, "apply", "-n", ns, "-f", "-")
		controlplane.Eventually(t, time.Minute, "the end is seen", controlplane.Holds(last(slices.Sorted(slices.Values(append(policies, "end")))...)))
		for _, state := range states()[seen : len(states())-1] {
			t.Errorf("meanwhile there were %v", roles(state))
		}
		e.kubectl("", "delete", "networkpolicy", "end", "-n", ns)
	})

	e.label(ns, "")
	e.kubectl("", "delete", "networkplan", "default", "-n", ns)
	e.settled(ns, "by-hand")
	if diff := cmp.Diff(byHand, e.versions(ns)); diff != "" || len(byHand) != 1 {
		t.Errorf("the policy of somebody else was touched: %s", diff)
	}
	if p := e.plan(ns); p != nil {
		t.Error("the plan came back")
	}
}

// versions are the policies of a namespace by name, each with what tells whether it was
// written since, or deleted and made anew.
func (e *environment) versions(namespace string) map[string]string {
	e.t.Helper()
	var list networkingv1.NetworkPolicyList
	if err := e.List(e.t.Context(), &list, client.InNamespace(namespace)); err != nil {
		e.t.Fatal(err)
	}
	out := map[string]string{}
	for i := range list.Items {
		out[list.Items[i].Name] = string(list.Items[i].UID) + " " + list.Items[i].ResourceVersion
	}
	return out
}

func (e *environment) names(namespace string) []string {
	e.t.Helper()
	return slices.Sorted(maps.Keys(e.versions(namespace)))
}
