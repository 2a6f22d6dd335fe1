// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// TestTheControllerWritesPoliciesOfItsOwnOnly: without network-namespace it may
// write none, with it those that it labels, and the API server refuses the rest. The
// same right lets it list the ConfigMaps of that namespace.
func TestTheControllerWritesPoliciesOfItsOwnOnly(t *testing.T) {
	cp := install(t)
	const ns = "opted-in"
	kubectl(t, cp, "", "create", "namespace", ns)
	policy := func(name, label string) string {
		return fmt.Sprintf(`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":%q,"labels":{%s}},"spec":{"podSelector":{},"policyTypes":["Ingress"]}}`, name, label)
	}
	const ours = `"gatehouse.sh/network-role":"deny"`
	kubectl(t, cp, policy("by-hand", `"app":"x"`), "apply", "-n", ns, "-f", "-")
	asController := func(stdin string, args ...string) string {
		t.Helper()
		args = append(args, "--as", "system:serviceaccount:"+installed+":gatehouse-controller")
		_, said, err := cp.KubectlInput(t.Context(), strings.NewReader(stdin), args...)
		if err == nil {
			return "done"
		}
		return said
	}
	if said := asController(policy("ours", ours), "create", "-n", ns, "-f", "-"); !strings.Contains(said, "forbidden") {
		t.Errorf("without a right: %s", said)
	}
	if said := asController("", "get", "configmaps", "-n", ns); !strings.Contains(said, "forbidden") {
		t.Errorf("ConfigMaps without a right: %s", said)
	}
	kubectl(t, cp, "", "apply", "-n", ns, "-k", "network-namespace")
	controlplane.Eventually(t, time.Minute, "the guard is at work", func() error {
		if said := asController(policy("foreign", `"app":"x"`), "create", "-n", ns, "-f", "-", "--dry-run=server"); !strings.Contains(said, "of its own only") {
			return fmt.Errorf("it says %s", said)
		}
		return nil
	})
	for name, tc := range map[string]struct {
		said string
		want string
	}{
		"one of its own":       {asController(policy("ours", ours), "create", "-n", ns, "-f", "-"), "done"},
		"one that it deletes":  {asController("", "delete", "networkpolicy", "ours", "-n", ns), "done"},
		"one of somebody else": {asController("", "delete", "networkpolicy", "by-hand", "-n", ns), "changes and deletes network policies of its own only"},
		"one that it takes over": {
			asController("", "patch", "networkpolicy", "by-hand", "-n", ns, "--type=merge", "-p", `{"metadata":{"labels":{"gatehouse.sh/network-role":"deny"}}}`),
			"changes and deletes network policies of its own only",
		},
		"ConfigMaps":        {asController("", "get", "configmaps", "-n", ns), "done"},
		"those of another":  {asController("", "get", "configmaps", "-n", "default"), "forbidden"},
		"Secrets":           {asController("", "get", "secrets", "-n", ns), "forbidden"},
		"another namespace": {asController(policy("ours", ours), "create", "-n", "default", "-f", "-"), "forbidden"},
	} {
		if !strings.Contains(tc.said, tc.want) {
			t.Errorf("%s: %s, want %s", name, tc.said, tc.want)
		}
	}
}
