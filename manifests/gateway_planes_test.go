// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
)

// TestAPodHasOneDisruptionBudget: one of two cannot be evicted, and its node not be drained
// (https://kubernetes.io/docs/tasks/run-application/configure-pdb/). Gateways may be in the
// namespace of the control plane.
func TestAPodHasOneDisruptionBudget(t *testing.T) {
	t.Parallel()
	rendered := render(t, "gateway-planes")
	pods := map[string]labels.Set{}
	for _, d := range of("gatehouse-gateway", objects[appsv1.Deployment](t, rendered, "Deployment")) {
		pods["of the control plane"] = d.Spec.Template.Labels
	}
	budgets := of("gatehouse-gateway", objects[policyv1.PodDisruptionBudget](t, rendered, "PodDisruptionBudget"))
	made, err := provision.Objects(&provision.Gateway{Namespace: installed, Name: "edge", Class: "gatehouse", UID: "u-1"}, &provision.Options{Image: "i", Control: "c:1", Metrics: 19090})
	if err != nil {
		t.Fatal(err)
	}
	for i := range made {
		switch o := &made[i]; {
		case strings.HasSuffix(o.Resource, "/deployments"):
			pods["of a data plane"] = unmarshalled[appsv1.Deployment](t, o.Body).Spec.Template.Labels
		case strings.HasSuffix(o.Resource, "/poddisruptionbudgets"):
			budgets = append(budgets, unmarshalled[policyv1.PodDisruptionBudget](t, o.Body))
		}
	}
	if len(pods) != 2 || len(budgets) != 2 {
		t.Fatalf("%d kinds of Pods and %d budgets", len(pods), len(budgets))
	}
	for name, set := range pods {
		count := 0
		for i := range budgets {
			selector, err := metav1.LabelSelectorAsSelector(budgets[i].Spec.Selector)
			if err != nil {
				t.Fatal(err)
			}
			if selector.Matches(set) {
				count++
			}
		}
		if count != 1 {
			t.Errorf("a Pod %s has %d budgets, want 1", name, count)
		}
	}
}

// TestAControlPlaneHasTheFlagsOfAGateway: its manifest is a patch, which takes the arguments
// whole.
func TestAControlPlaneHasTheFlagsOfAGateway(t *testing.T) {
	t.Parallel()
	args := func(dir string) []string {
		all := of("gatehouse-gateway", objects[appsv1.Deployment](t, render(t, dir), "Deployment"))
		if len(all) != 1 || len(all[0].Spec.Template.Spec.Containers) != 1 {
			t.Fatalf("%s: there are %d Deployments", dir, len(all))
		}
		return all[0].Spec.Template.Spec.Containers[0].Args
	}
	alone, control := args("gateway"), args("gateway-planes")
	if len(alone) == 0 {
		t.Fatal("a gateway has no flags")
	}
	for _, a := range alone {
		if !slices.Contains(control, a) {
			t.Errorf("%s is missing among %v", a, control)
		}
	}
}

func unmarshalled[T any](t *testing.T, text []byte) (out T) {
	t.Helper()
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
