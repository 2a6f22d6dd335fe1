// SPDX-License-Identifier: Apache-2.0

package background

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestAnAddressThatAPodGetsLaterIsNoticed: somebody wrote an address down for an
// exposed Service before a pod had it. No request brings the two together, for
// kubelets write the status; the scan tells of it when it sees the address.
func TestAnAddressThatAPodGetsLaterIsNoticed(t *testing.T) {
	t.Parallel()
	at := metav1.ObjectMeta{Namespace: "a", Name: "x"}
	listed := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "a", Name: "x", Labels: map[string]string{discoveryv1.LabelServiceName: "x"}},
		AddressType: discoveryv1.AddressTypeIPv4, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.9"}}},
	}
	pod := func(addresses ...string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: at, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}}}
		for _, ip := range addresses {
			p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: ip})
		}
		return p
	}
	before := inventory.New(
		labelled("a", "enforce"), service("a", corev1.ServiceTypeNodePort), listed, pod(),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "default"}},
		&rbacv1.Role{ObjectMeta: at, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "list"}}}},
		&rbacv1.RoleBinding{ObjectMeta: at, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "x"}, Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: "default"}}},
	)
	for name, tc := range map[string]struct {
		address string
		want    []string
	}{
		"the address that is listed": {"10.0.0.9", []string{"EndpointSlice a/x", "Pod a/x", "Role a/x", "RoleBinding a/x", "Service a/x", "ServiceAccount a/default"}},
		"another":                    {"10.0.0.8", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(1)
			s.Full(before, rules(t))
			told := func() (out []string) {
				for _, r := range s.Results("a") {
					if r.Check == "XR-001" {
						out = append(out, r.Object.String())
					}
				}
				slices.Sort(out)
				return out
			}
			if got := told(); got != nil {
				t.Fatalf("before the pod has an address: %v", got)
			}
			e := before.Edit()
			e.Put(inventory.CompactEntry(pod(tc.address)))
			s.Update(e.Inventory(), []inventory.Key{{Kind: inventory.PodKind, Namespace: "a", Name: "x"}})
			if got := told(); !slices.Equal(got, tc.want) {
				t.Errorf("told of %v, want %v", got, tc.want)
			}
		})
	}
}
