// SPDX-License-Identifier: Apache-2.0

package clustertest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/internal/command"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

const customPolicy = `
apiVersion: gatehouse.sh/v1alpha1
kind: CheckPolicy
metadata: {name: default}
spec:
  customChecks:
  - id: CUSTOM-007
    name: team-label
    title: Services name their team
    fix: set the label team
    severity: high
    kinds: [{kind: Service}]
    validations:
    - {name: team, expression: "has(object.metadata.labels) && 'team' in object.metadata.labels", message: has no team}
`

// A refusal names the command line for its reason: what the webhook judges by is
// known there without a file.
func TestACustomCheckOfTheClusterIsExplained(t *testing.T) {
	cp := controlplane.Get(t)
	kubectl := func(stdin string, args ...string) {
		t.Helper()
		if _, problems, err := cp.KubectlInput(t.Context(), strings.NewReader(stdin), args...); err != nil {
			t.Fatalf("%v: %s", err, problems)
		}
	}
	code, out, errs := run(t, "explain", "CUSTOM-007", "--kubeconfig", cp.Kubeconfig())
	if code != command.ExitFault || !strings.Contains(errs, "has no check CUSTOM-007") {
		t.Fatalf("before there is a policy: exit code %d: %s\n%s", code, errs, out)
	}
	kubectl("", "apply", "-k", filepath.Join("..", "..", "..", "manifests", "crd"))
	kubectl("", "wait", "--for=condition=Established", "--timeout=60s", "crd/checkpolicies.gatehouse.sh")
	kubectl(customPolicy, "apply", "-f", "-")
	defer kubectl("", "delete", "checkpolicy", "default")
	code, out, errs = run(t, "explain", "custom-007", "EXP-001", "--kubeconfig", cp.Kubeconfig())
	if code != command.ExitClean || !strings.Contains(out, "CUSTOM-007 team-label") || strings.Count(out, "What an attacker gets") != 1 {
		t.Fatalf("exit code %d: %s\n%s", code, errs, out)
	}
	code, out, errs = run(t, "explain", "CUSTOM-008", "--kubeconfig", cp.Kubeconfig())
	if code != command.ExitFault || !strings.Contains(errs, "has no check CUSTOM-008") {
		t.Fatalf("a check that is not in it: exit code %d: %s\n%s", code, errs, out)
	}
}
