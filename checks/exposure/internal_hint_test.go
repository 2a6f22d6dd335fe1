// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestTheChangeNamesTheAnnotationOfTheCloudThatIsMeant reads the Fix of EXP-002.
func TestTheChangeNamesTheAnnotationOfTheCloudThatIsMeant(t *testing.T) {
	t.Parallel()
	const (
		aws   = "service.beta.kubernetes.io/aws-load-balancer-internal"
		lbc   = "service.beta.kubernetes.io/aws-load-balancer-scheme"
		azure = "service.beta.kubernetes.io/azure-load-balancer-internal"
		gke   = "networking.gke.io/load-balancer-type"
		oci   = "service.beta.kubernetes.io/oci-load-balancer-internal"
	)
	all := []string{aws, lbc, azure, gke, oci, "loadBalancerClass", "the class"}
	for name, tc := range map[string]struct {
		annotations map[string]string
		class       string
		providers   []string
		says        []string // of all
	}{
		"nothing tells, so the common ones are listed": {says: []string{aws, lbc, azure, gke}},
		"an annotation of the cloud tells":             {annotations: map[string]string{"service.beta.kubernetes.io/azure-dns-label-name": "x"}, says: []string{azure}},
		"a value in the wrong case tells":              {annotations: map[string]string{azure: "True"}, says: []string{azure}},
		"the class tells":                              {class: "service.k8s.aws/nlb", annotations: map[string]string{lbc: "internet-facing"}, says: []string{lbc}},
		"a class that is public asks for another":      {class: "networking.gke.io/l4-regional-external", says: []string{"the class"}},
		"a class that nobody knows":                    {class: "example.com/edge", says: []string{"the class"}},
		"a class without an internal sibling":          {class: "ngrok"},
		"the policy names the only controller":         {providers: []string{"oci"}, says: []string{oci}},
		"the policy names two":                         {providers: []string{"oci", "azure"}, says: []string{oci, azure}},
		"a cloud without internal load balancers":      {providers: []string{"vultr"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := service(corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer})
			svc.Annotations = tc.annotations
			if tc.class != "" {
				svc.Spec.LoadBalancerClass = &tc.class
			}
			p := checks.DefaultParameters()
			p.LoadBalancers.Providers = tc.providers
			found := publicLoadBalancer().Run(checks.Input{Object: svc, Inventory: inventory.New(svc), Parameters: p})
			if len(found) != 1 || !strings.HasPrefix(found[0].Fix, closePublic) {
				t.Fatalf("got %+v", found)
			}
			for _, text := range all {
				want := false
				for _, s := range tc.says {
					want = want || s == text
				}
				if got := strings.Contains(found[0].Fix, text); got != want {
					t.Errorf("names %q: %v, want %v: %s", text, got, want, found[0].Fix)
				}
			}
		})
	}
}
