// SPDX-License-Identifier: Apache-2.0

package clustertest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/command"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// TestUninstallTakesAwayWhatTheControllerMade installs the manifests, has reports
// of ours and of others in two namespaces, and looks at what an uninstall leaves.
func TestUninstallTakesAwayWhatTheControllerMade(t *testing.T) {
	cp := controlplane.Get(t)
	kubectl := func(stdin string, args ...string) string {
		t.Helper()
		out, problems, err := cp.KubectlInput(t.Context(), strings.NewReader(stdin), args...)
		if err != nil {
			t.Fatalf("%v: %s", err, problems)
		}
		return out
	}
	root := filepath.Join("..", "..", "..")
	kubectl("", "apply", "-f", filepath.Join(root, "manifests", "install.yaml"))
	kubectl("", "apply", "--server-side", "-k", filepath.Join(root, "manifests", "backstop"))
	kubectl(`{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding","metadata":{"name":"of-others","labels":{"app.kubernetes.io/component":"backstop"}},`+
		`"spec":{"policyName":"of-others","validationActions":["Audit"]}}`, "apply", "-f", "-")
	// Policies of the backstop, its bindings, and those that are not of it.
	policies := func() (counts [3]int) {
		t.Helper()
		for name := range strings.FieldsSeq(kubectl("", "get", "validatingadmissionpolicies,validatingadmissionpolicybindings", "-o", "name")) {
			switch {
			case !strings.Contains(name, "/gatehouse-backstop-"):
				counts[2]++
			case strings.HasPrefix(name, "validatingadmissionpolicybinding."):
				counts[1]++
			default:
				counts[0]++
			}
		}
		return counts
	}
	backstop := policies()
	if slices.Contains(backstop[:], 0) {
		t.Fatalf("there are %v policies and bindings of the backstop, and others", backstop)
	}
	// No webhook runs; the rest of the installation is what is looked at.
	kubectl("", "delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "gatehouse")
	kubectl("", "apply", "--server-side", "-f", filepath.Join(root, "test", "integration", "testdata", "openreports.yaml"))
	kubectl("", "wait", "--for=condition=Established", "--timeout=60s", "crd/reports.openreports.io", "crd/clusterreports.openreports.io")
	report := func(kind, namespace, name, manager string) string {
		return `{"apiVersion":"openreports.io/v1alpha1","kind":"` + kind + `","metadata":{"name":"` + name + `","namespace":"` + namespace +
			`","labels":{"app.kubernetes.io/managed-by":"` + manager + `"}},"source":"s","summary":{},"results":[]}` + "\n---\n"
	}
	kubectl(report("Report", "default", "gatehouse-0", "gatehouse-controller")+report("Report", "kube-public", "gatehouse-0", "gatehouse-controller")+
		report("Report", "default", "of-others", "kyverno")+report("ClusterReport", "", "gatehouse-rbac-changes", "gatehouse-controller")+
		report("ClusterReport", "", "of-others", "kyverno"), "apply", "-f", "-")
	left := func() []string {
		t.Helper()
		lines := strings.Fields(kubectl("", "get", "reports,clusterreports,namespaces,deployments", "-A", "-o", `jsonpath={range .items[*]}{.kind}/{.metadata.namespace}/{.metadata.name}{"\n"}{end}`))
		// Other tests have namespaces and Deployments of their own.
		return slices.DeleteFunc(lines, func(s string) bool {
			return (strings.HasPrefix(s, "Namespace/") || strings.HasPrefix(s, "Deployment/")) && !strings.Contains(s, "gatehouse")
		})
	}
	// A namespace whose content is still going stays for a while.
	without := func(list []string, s string) []string {
		return slices.DeleteFunc(list, func(o string) bool { return o == s })
	}
	before := left()
	if len(before) != 9 {
		t.Fatalf("before there are %v", before)
	}

	code, out, errs := run(t, "uninstall", "--dry-run", "--kubeconfig", cp.Kubeconfig())
	if code != command.ExitClean {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if after := left(); !slices.Equal(before, after) {
		t.Fatalf("a dry run left %v of %v", after, before)
	}
	if n := policies(); n != backstop {
		t.Fatalf("a dry run left %v of %v policies and bindings", n, backstop)
	}

	code, out, errs = run(t, "uninstall", "--kubeconfig", cp.Kubeconfig())
	if code != command.ExitClean {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{
		"deployment gatehouse-system/gatehouse-controller of cluster ", "reports of gatehouse-controller of cluster ", ": 2 deleted\n", ": 1 deleted\n",
		"namespace gatehouse-canary of cluster ",
		fmt.Sprintf(": %d deleted\nvalidatingadmissionpolicies of the backstop", backstop[1]), fmt.Sprintf(": %d deleted\nvalidatingwebhookconfiguration ", backstop[0]),
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if n := policies(); n != [3]int{2: backstop[2]} {
		t.Errorf("of %v policies and bindings of the backstop, and others, %v are left", backstop, n)
	}
	if strings.Contains(out, "still ending") {
		t.Errorf("it did not wait for the controller:\n%s", out)
	}
	t.Log("\n" + out)
	want := []string{"Report/default/of-others", "ClusterReport//of-others", "Namespace//gatehouse-system", "Deployment/gatehouse-system/gatehouse-webhook"}
	if after := without(left(), "Namespace//gatehouse-canary"); !slices.Equal(after, want) {
		t.Errorf("left are %v, want %v", after, want)
	}

	if code, out, errs = run(t, "uninstall", "--kubeconfig", cp.Kubeconfig()); code != command.ExitClean || !strings.Contains(out, "reports of gatehouse-controller of cluster") {
		t.Fatalf("again: exit code %d\n%s%s", code, out, errs)
	}
	// What it says removes the rest does.
	_, line, _ := strings.Cut(out, "kubectl ")
	kubectl("", append(strings.Fields(line), "--wait=false")...)
	// A definition stays until its finalizer has removed every object of it.
	controlplane.Eventually(t, time.Minute, "nothing of Gatehouse is left", func() error {
		names := strings.Fields(kubectl("", "get", "clusterroles,clusterrolebindings,crds,validatingadmissionpolicies,validatingadmissionpolicybindings", "-o", "name"))
		names = slices.DeleteFunc(names, func(name string) bool { return !strings.Contains(name, "gatehouse") })
		if len(names) > 0 {
			return fmt.Errorf("left are %v", names)
		}
		return nil
	})
}
