// SPDX-License-Identifier: Apache-2.0

package selector

import "testing"

// TestIdentityLabels: B2.6.
func TestIdentityLabels(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		config, key string
		want        bool
	}{
		{"", "app", true},
		{"", "app.kubernetes.io/name", true},
		{"", "pod-template-hash", false},
		{"", "statefulset.kubernetes.io/pod-name", false},
		{"", "kubernetes.io/os", false},
		{"", "topology.kubernetes.io/zone", false},
		{"k8s:app k8s:io.kubernetes.pod.namespace", "app", true},
		{"k8s:app", "tier", false},
		{"k8s:!tier", "tier", false},
		{"k8s:!tier", "app", true},
		{"!app app.kubernetes.io", "app.kubernetes.io/name", true},
		{"reserved:.*", "app", false},
	} {
		sees, err := IdentityLabels(tc.config)
		if err != nil {
			t.Fatal(err)
		}
		if got := sees(tc.key); got != tc.want {
			t.Errorf("%q: %s is seen: %t", tc.config, tc.key, got)
		}
	}
	for _, config := range []string{"k8s:(", "k8s:", "!"} {
		if _, err := IdentityLabels(config); err == nil {
			t.Errorf("%q is taken", config)
		}
	}
}
