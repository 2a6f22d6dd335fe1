// SPDX-License-Identifier: Apache-2.0

package network

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator/rollout"
)

// TestStoredPoliciesAreTheSame: what is mended is what was applied, to the digest.
func TestStoredPoliciesAreTheSame(t *testing.T) {
	t.Parallel()
	plan := &v1alpha1.NetworkPlan{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: v1alpha1.NetworkPlanName}}
	plan.Spec = v1alpha1.NetworkPlanSpec{
		Learn: v1alpha1.NetworkNone, Templates: []v1alpha1.NetworkTemplate{{Name: "same-namespace"}},
		Allow: []v1alpha1.NetworkIntent{{To: &v1alpha1.NetworkPeer{CIDR: "192.0.2.0/24"}, Ports: []string{"443", "UDP/8000-8010"}, Reason: "payments"}},
	}
	p := look(t, "generic", plan).Propose("shop", &plan.Spec)
	if p.Fault != nil || len(p.Policies) == 0 {
		t.Fatalf("%v, %d policies", p.Fault, len(p.Policies))
	}
	var store Store
	s, err := store.Put(p.Policies)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(p.Policies[:1]); err != nil {
		t.Fatal(err)
	}
	for range 2 { // each call makes them anew, whatever was stored since
		got, err := s.Policies()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p.Policies, got); d != "" {
			t.Errorf("policies (want -, got +):\n%s", d)
		}
		if digest := rollout.Digest(got); digest != p.Digest {
			t.Errorf("digest %s, not %s", digest, p.Digest)
		}
		got[0].Name = "another"
	}
}

func TestNothingStoredIsNoPolicies(t *testing.T) {
	t.Parallel()
	s, err := new(Store).Put(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]Stored{"stored": s, "the zero value": {}} {
		if got, err := s.Policies(); got != nil || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
