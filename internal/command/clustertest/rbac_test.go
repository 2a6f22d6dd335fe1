// SPDX-License-Identifier: Apache-2.0

package clustertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
