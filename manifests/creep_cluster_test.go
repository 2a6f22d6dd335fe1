// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-sh/gatehouse/internal/authz/snapshot"
	"github.com/gatehouse-sh/gatehouse/internal/controller/serve"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// storedSnapshot reads the ConfigMap; nil while it is empty.
func storedSnapshot(t *testing.T, cp *controlplane.ControlPlane) *snapshot.Snapshot {
	t.Helper()
	out := kubectl(t, cp, "", "get", "configmap", "gatehouse-rbac-snapshot", "-n", installed, "-o", `jsonpath={.binaryData.snapshot\.json\.gz}`)
	if out == "" {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(out)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Parse(plain)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d roles, %d bindings and %d accounts in %d bytes", len(s.Roles), len(s.Bindings), len(s.Accounts), len(data))
	return s
}

// changed returns gatehouse_controller_rbac_changes; -1 before the first
// comparison.
func changed(t *testing.T, registry *prometheus.Registry, change, severity string) float64 {
	t.Helper()
	return sample(t, registry, "gatehouse_controller_rbac_changes", change, severity)
}

// TestGainedPermissionsAreTold is the daily comparison with a short period: the
// first one tells nothing, later ones tell who gained what, and one that follows
// on another process tells what happened in between.
func TestGainedPermissionsAreTold(t *testing.T) {
	cp := install(t)
	installReports(t, cp)
	kubectl(t, cp, "", "create", "namespace", "creep")
	kubectl(t, cp, "", "create", "clusterrole", "creep", "--verb=get", "--resource=configmaps")
	kubectl(t, cp, "", "create", "serviceaccount", "ci", "-n", "creep")
	t.Cleanup(func() {
		_, _, _ = cp.Kubectl(context.Background(), "delete", "clusterrole,clusterrolebinding", "creep", "--ignore-not-found")
	})

	often := serve.Options{CompareRBAC: 2 * time.Second}
	registry, stop := runController(t, cp, often)
	controlplane.Eventually(t, time.Minute, "a first snapshot is stored", func() error {
		if storedSnapshot(t, cp) == nil || changed(t, registry, "granted", "critical") != 0 {
			return fmt.Errorf("granted critical is %v", changed(t, registry, "granted", "critical"))
		}
		return nil
	})
	if out, _, err := cp.Kubectl(t.Context(), "get", gains, "-o", "name"); err == nil {
		t.Errorf("the first comparison made %s", out)
	}

	kubectl(t, cp, "", "create", "clusterrolebinding", "creep", "--clusterrole=creep", "--serviceaccount=creep:ci")
	told(t, cp, "granted info ClusterRoleBinding creep ServiceAccount creep/ci has ClusterRole creep by ClusterRoleBinding creep")
	kubectl(t, cp, "", "patch", "clusterrole", "creep", "--type=json", "-p", `[{"op":"add","path":"/rules/-","value":{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}}]`)
	told(t, cp, "widened critical ClusterRole creep ClusterRole creep allows more: get secrets; it may now read Secrets (RBAC-020)")
	// What was told before stays.
	told(t, cp, "granted info ClusterRoleBinding creep")
	waitFor(t, cp, "Warning", "get", "events.v1.events.k8s.io", "-n", "default", "--field-selector", "regarding.kind=ClusterRole,regarding.name=creep", "-o", `jsonpath={.items[?(@.reason=="PermissionsGained")].type}`)
	waitFor(t, cp, "Normal", "get", "events.v1.events.k8s.io", "-n", "default", "--field-selector", "regarding.kind=ClusterRoleBinding,regarding.name=creep", "-o", `jsonpath={.items[?(@.reason=="PermissionsGained")].type}`)
	controlplane.Eventually(t, time.Minute, "the change is the next one's past", func() error {
		if n := changed(t, registry, "widened", "critical"); n != 0 {
			return fmt.Errorf("widened critical is %v", n)
		}
		return nil
	})
	stop()

	// Nobody runs; whoever comes next compares with what is stored.
	kubectl(t, cp, "", "create", "rolebinding", "later", "-n", "creep", "--clusterrole=cluster-admin", "--serviceaccount=creep:ci")
	runController(t, cp, often)
	told(t, cp, "granted critical RoleBinding later ServiceAccount creep/ci has ClusterRole cluster-admin by RoleBinding creep/later")

	// The reports of findings leave this one alone. The webhook, which does not run,
	// must not be asked.
	kubectl(t, cp, "", "delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "gatehouse", "--ignore-not-found")
	kubectl(t, cp, "", "label", "namespace", "creep", "gatehouse.sh/admission=audit")
	kubectl(t, cp, "", "create", "service", "nodeport", "web", "-n", "creep", "--tcp=80")
	waitFor(t, cp, "EXP-001", "get", "reports.openreports.io", "gatehouse-0", "-n", "creep", "-o", `jsonpath={.results[?(@.policy=="EXP-001")].policy}`)
	told(t, cp, "granted critical RoleBinding later")
}

// gains is the report of gained permissions.
const gains = "clusterreports.openreports.io/gatehouse-rbac-changes"

// told waits until it says something.
func told(t *testing.T, cp *controlplane.ControlPlane, want string) {
	t.Helper()
	const form = `jsonpath={range .results[*]}{.rule} {.severity} {.resources[0].kind} {.resources[0].name} {.message}{"\n"}{end}`
	controlplane.Eventually(t, time.Minute, want, func() error {
		out, problems, err := cp.Kubectl(t.Context(), "get", gains, "-o", form)
		if err != nil || !strings.Contains(out, want) {
			return fmt.Errorf("%s%s", out, problems)
		}
		return nil
	})
}
