// SPDX-License-Identifier: Apache-2.0

// Package accepted shows that the real API server takes what is rendered.
package accepted

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/randommodel"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// TestNetworkPoliciesAreAccepted: and come back as they were sent, so that
// whoever applies them does not see a difference that nobody made.
func TestNetworkPoliciesAreAccepted(t *testing.T) {
	config := controlplane.Get(t).RESTConfig()
	config.QPS = -1 // the server has a limit of its own
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		_, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	objects := 0
	for seed := range uint64(150) {
		m := randommodel.New(rand.New(rand.NewPCG(seed, 5)), randommodel.Options{})
		plan, _ := compact.Compact(m, compact.Options{})
		list, _ := netpol.Render(plan.Policies(), netpol.RenderOptions{})
		for _, p := range list {
			got, err := client.NetworkingV1().NetworkPolicies(p.Namespace).Create(t.Context(), p, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
			if err != nil {
				t.Fatalf("seed %d: %v\n%+v", seed, err, p)
			}
			if diff := cmp.Diff(p.Spec, got.Spec); diff != "" {
				t.Fatalf("seed %d: %s comes back another:\n%s", seed, p.Name, diff)
			}
			objects++
		}
	}
	if objects < 500 {
		t.Errorf("only %d objects were sent", objects)
	}
	t.Logf("%d objects accepted", objects)
}
