// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestPrivilegeFixtures applies the fixtures of roles with kubectl to the real API
// server. Those of namespaces that are never judged, and of roles that every
// cluster has already, are left to the tests in process and to test/stock.
func TestPrivilegeFixtures(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	cases, err := fixture.Load(filepath.Join(root(t), "checks", "privilege", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	ran, left, fired := 0, 0, map[string]bool{}
	for i, fc := range cases {
		if fc.Request.Stored || fc.Checks != nil || slices.ContainsFunc(append(slices.Clone(fc.Context), fc.Object), isNotOurs) {
			left++
			continue
		}
		t.Run(fc.Check+"/"+fc.Name, func(t *testing.T) {
			if fc.Parameters != nil {
				c.kubectl(t, checkPolicy(t, fc.Parameters), "apply", "-f", "-")
				defer c.kubectl(t, "", "delete", "checkpolicy", "default")
			}
			a := &applied{cluster: c, fixture: fc, suffix: fmt.Sprintf("-p%d", i), only: []string{"RBAC-", "SA-"}}
			defer a.clean(t)
			for id := range a.run(t) {
				fired[id] = true
			}
			ran++
		})
	}
	if ran < 80 {
		t.Errorf("only %d fixtures were applied", ran)
	}
	t.Logf("%d fixtures applied through the webhook, %d left out", ran, left)
	for _, check := range c.set.Checks() {
		// RBAC-015 is about what the cluster has already.
		if judges(check, inventory.RoleKind, inventory.ClusterRoleKind) && strings.HasPrefix(check.ID, "RBAC-") && check.ID != "RBAC-015" &&
			!fired[check.ID] && check.Actions.Baseline != checks.Audit {
			t.Errorf("%s never fired through the webhook", check.ID)
		}
	}
}

func judges(c checks.Check, kinds ...schema.GroupKind) bool {
	return slices.ContainsFunc(kinds, func(k schema.GroupKind) bool { return slices.Contains(c.Kinds, k) })
}

// isNotOurs reports whether an object lives where nothing is judged, or is one
// that the cluster has already.
func isNotOurs(o inventory.Object) bool {
	k := inventory.KeyOf(o)
	return system(k.Namespace) || slices.Contains([]string{"admin", "edit", "view", "cluster-admin"}, k.Name) ||
		o.GetLabels()["kubernetes.io/bootstrapping"] != ""
}
