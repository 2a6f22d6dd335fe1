// SPDX-License-Identifier: Apache-2.0

package clustertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/internal/command"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// Bindings of Kubernetes itself name accounts that its controllers make when they
// need them, and some of these are never needed.
func TestAnUnchangedClusterHasNoDanglingBindings(t *testing.T) {
	kubeconfig := controlplane.Get(t).Kubeconfig()
	code, taken, errs := run(t, "rbac", "snapshot", "--kubeconfig", kubeconfig)
	if code != 0 || !strings.Contains(taken, `"system:controller:route-controller"`) {
		t.Fatalf("exit code %d: %s\n%s", code, errs, taken)
	}
	path := filepath.Join(t.TempDir(), "now.json")
	if err := os.WriteFile(path, []byte(taken), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := run(t, "rbac", "diff", path, path); code != 0 || out != "Nothing has changed.\n" {
		t.Errorf("exit code %d: %s\n%s", code, errs, out)
	}
}

// A role that is missing in a cluster gives nothing, and one that Kubernetes ships is
// not taken for there when it is not.
func TestAMissingRoleOfAClusterGivesNothing(t *testing.T) {
	cp := controlplane.Get(t)
	kubectl := func(args ...string) {
		t.Helper()
		if _, problems, err := cp.KubectlInput(t.Context(), strings.NewReader(""), args...); err != nil {
			t.Fatalf("%v: %s", err, problems)
		}
	}
	kubectl("create", "clusterrolebinding", "dangling", "--clusterrole=gone", "--user=eve")
	defer kubectl("delete", "clusterrolebinding", "dangling")
	code, out, errs := run(t, "rbac", "can", "user:eve", "get", "secrets", "--kubeconfig", cp.Kubeconfig())
	if code != command.ExitFindings || !strings.HasPrefix(out, "no: ") || !strings.Contains(errs, "note: ClusterRole gone does not exist: ClusterRoleBinding dangling refers to it") {
		t.Errorf("exit code %d: %s\n%s", code, errs, out)
	}
	code, out, errs = run(t, "rbac", "paths", "user:eve", "--kubeconfig", cp.Kubeconfig())
	if code != command.ExitClean || out != "User eve has no dangerous power.\n" {
		t.Errorf("exit code %d: %s\n%s", code, errs, out)
	}
}
