// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/internal/controller/networkplan"
)

// of picks the objects with a name.
func of[T any, P interface {
	*T
	GetName() string
}](name string, list []T,
) []T {
	return slices.DeleteFunc(list, func(o T) bool { return P(&o).GetName() != name })
}

// rights lists what rules grant besides list and watch: "verb resources names".
func rights(rules []rbacv1.PolicyRule) []string {
	var out []string
	for _, r := range rules {
		for _, verb := range r.Verbs {
			if verb != "list" && verb != "watch" {
				out = append(out, strings.TrimSpace(verb+" "+strings.Join(r.Resources, ",")+" "+strings.Join(r.ResourceNames, ",")))
			}
		}
	}
	return out
}

func TestTheControllerReadsWhatTheWebhookReads(t *testing.T) {
	t.Parallel()
	reads := func(name string) []string {
		var out []string
		for _, role := range of(name, objects[rbacv1.ClusterRole](t, render(t, "rbac"), "ClusterRole")) {
			for _, rule := range role.Rules {
				if !slices.Contains(rule.Verbs, "watch") {
					continue
				}
				for _, resource := range rule.Resources {
					out = append(out, resource+"."+strings.Join(rule.APIGroups, ","))
				}
			}
		}
		slices.Sort(out)
		return out
	}
	// Plans are the controller's own, and so is what only they are made of.
	own := []string{
		"networkplans.gatehouse.sh", "clientintents.k8s.otterize.com", "trafficpolicies.gatehouse.sh",
		"gatewayparameters.gatehouse.sh", "backendtlspolicies.gateway.networking.k8s.io",
	}
	got := slices.DeleteFunc(reads("gatehouse-controller"), func(kind string) bool {
		return slices.Contains(own, kind) || strings.HasSuffix(kind, ".monitoring.coreos.com")
	})
	if len(got) < 20 {
		t.Fatalf("only %d kinds", len(got))
	}
	if d := cmp.Diff(reads("gatehouse-webhook"), got); d != "" {
		t.Errorf("kinds that are watched (webhook -, controller +):\n%s", d)
	}
}

// TestTheControllerMayReadWhatPlansAreMadeOf: it is not ready before it has read all of it.
func TestTheControllerMayReadWhatPlansAreMadeOf(t *testing.T) {
	t.Parallel()
	var rules []rbacv1.PolicyRule
	for _, role := range of("gatehouse-controller", objects[rbacv1.ClusterRole](t, render(t, "rbac"), "ClusterRole")) {
		rules = append(rules, role.Rules...)
	}
	kinds := networkplan.Kinds()
	if len(kinds) == 0 || len(rules) == 0 {
		t.Fatalf("%d kinds, %d rules", len(kinds), len(rules))
	}
	for _, k := range kinds {
		if !slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
			return slices.Contains(r.APIGroups, k.Group) && slices.Contains(r.Resources, k.Resource) && slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "watch") && len(r.ResourceNames) == 0
		}) {
			t.Errorf("it may not list and watch %s.%s", k.Resource, k.Group)
		}
	}
}

// TestTheControllerChangesNothingOfAUser lists every right to write.
func TestTheControllerChangesNothingOfAUser(t *testing.T) {
	t.Parallel()
	data := render(t, "rbac")
	for place, want := range map[string][]string{
		"": {
			"get checkpolicies", "create networkplans", "patch checkpolicies/status,exemptions/status,networkplans/status",
			"create clusterreports,reports", "patch clusterreports,reports", "delete clusterreports,reports",
			"create events", "patch events",
		},
		installed: {
			"create leases", "get leases gatehouse-controller", "update leases gatehouse-controller",
			"get configmaps gatehouse-rbac-snapshot", "patch configmaps gatehouse-rbac-snapshot", "create events", "patch events",
		},
		"gatehouse-canary": {"create services"},
	} {
		var rules []rbacv1.PolicyRule
		if place == "" {
			for _, r := range of("gatehouse-controller", objects[rbacv1.ClusterRole](t, data, "ClusterRole")) {
				rules = append(rules, r.Rules...)
			}
		}
		for _, r := range of("gatehouse-controller", objects[rbacv1.Role](t, data, "Role")) {
			if r.Namespace == place {
				rules = append(rules, r.Rules...)
			}
		}
		if d := cmp.Diff(want, rights(rules)); d != "" {
			t.Errorf("rights in %q (want -, got +):\n%s", place, d)
		}
		for _, r := range rules {
			if slices.ContainsFunc(slices.Concat(r.APIGroups, r.Resources, r.Verbs), func(s string) bool { return strings.Contains(s, "*") }) || slices.Contains(r.Resources, "secrets") {
				t.Errorf("a wildcard or secrets in %v", r)
			}
		}
	}
}

// TestTheControllerKnowsHowTheWebhookIsRegistered: where the registration is
// patched to fail open, the controller must not take that for tampering.
func TestTheControllerKnowsHowTheWebhookIsRegistered(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]bool{"default": false, "overlays/audit": true, "overlays/dev": true} {
		for _, d := range of("gatehouse-controller", objects[appsv1.Deployment](t, render(t, dir), "Deployment")) {
			if got := slices.Contains(d.Spec.Template.Spec.Containers[0].Args, "--fail-open"); got != want {
				t.Errorf("%s: --fail-open is %t, want %t", dir, got, want)
			}
		}
	}
}
