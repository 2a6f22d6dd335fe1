// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/command"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// documentedCustomChecks is the example of docs/policy.md.
func documentedCustomChecks(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "policy.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Custom checks\n")
	_, example, _ := strings.Cut(section, "```yaml\n")
	example, _, found := strings.Cut(example, "```")
	if !found || !strings.Contains(example, "customChecks:") {
		t.Fatal("docs/policy.md has no example of custom checks")
	}
	return example
}

func labelledService(name, labels, affinity string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: custom, labels: {%s}}\n"+
		"spec: {selector: {app: web}, ports: [{port: 80}], sessionAffinity: %s}\n", name, labels, affinity)
}

// TestCustomChecks takes the documented example through the API server, the
// webhook and the command line.
func TestCustomChecks(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	c.optIn(t, "custom", "gatehouse.sh/admission: enforce", "denied")
	defer c.try(t, "", "delete", "checkpolicy", "default", "--ignore-not-found")
	c.kubectl(t, labelledService("older", "tier: front", "None"), "apply", "-f", "-")
	policy := documentedCustomChecks(t)
	c.kubectl(t, policy, "apply", "-f", "-")

	nobodys := labelledService("new", "tier: front", "None")
	refused := func(doc, says string) error {
		out, err := c.try(t, doc, "apply", "--dry-run=server", "-f", "-")
		if err == nil || !strings.Contains(out, says) {
			return fmt.Errorf("refused = %v: %s", err != nil, out)
		}
		return nil
	}
	accepted := func(doc, says string) {
		t.Helper()
		if out, err := c.try(t, doc, "apply", "--dry-run=server", "-f", "-"); err != nil || !strings.Contains(out, says) {
			t.Errorf("%v: %s", err, out)
		}
	}
	const noTeam = "CUSTOM-001 team-label (high) at metadata.labels\n    has no label team\n"
	controlplane.Eventually(t, 5*time.Second, "a Service without team is refused", func() error { return refused(nobodys, noTeam) })
	if err := refused(labelledService("new", "team: green", "None"), "names the team green, which does not exist"); err != nil {
		t.Error(err)
	}
	accepted(labelledService("new", "team: blue", "None"), "created")
	accepted(labelledService("older", "tier: back", "None"), "Warning: CUSTOM-001 team-label (not new): metadata.labels has no label team")
	if out := c.kubectl(t, "", "get", "checkpolicy", "default", "-o", "jsonpath={.status.conditions[*].message}"); !strings.Contains(out, "background scan leaves them out") {
		t.Errorf("the conditions say %q", out)
	}

	t.Run("an update that changes what must stay", func(t *testing.T) {
		c.kubectl(t, labelledService("steady", "team: blue", "None"), "apply", "-f", "-")
		accepted(labelledService("steady", "team: blue", "ClientIP"), "Warning: CUSTOM-002 steady-affinity: spec.sessionAffinity changes")
		accepted(labelledService("steady", "team: red", "None"), "configured")
	})
	t.Run("the command line says the same", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policy.yaml")
		writeFile(t, path, policy)
		saysOnCheck(t, nobodys, []string{"-", "--policy", path}, command.ExitFindings, "CUSTOM-001", "has no label team")
		saysOnCheck(t, nobodys, []string{"-", "--live", "--checks", "CUSTOM-001", "--kubeconfig", c.Kubeconfig()}, command.ExitFindings, "CUSTOM-001", "has no label team")
		saysOnCheck(t, "", []string{"-n", "custom", "--checks", "CUSTOM-001", "--kubeconfig", c.Kubeconfig()}, command.ExitClean,
			"custom checks judge what is written, so they were left out of this look at what is stored: CUSTOM-001\n")
	})
	t.Run("an exemption covers it", func(t *testing.T) {
		c.kubectl(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+own+"}\n", "apply", "-f", "-")
		defer c.try(t, "", "delete", "exemption", "-n", own, "teamless")
		c.kubectl(t, fmt.Sprintf("apiVersion: gatehouse.sh/v1alpha1\nkind: Exemption\nmetadata: {name: teamless, namespace: %s}\nspec:\n  checks: [CUSTOM-001]\n"+
			"  objects: [{namespaces: [custom], names: [new]}]\n  subjects: [team]\n  reason: moves next week\n  owner: shop@example.com\n  expiresAt: %s\n",
			own, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)), "apply", "-f", "-")
		controlplane.Eventually(t, 20*time.Second, "the exempted Service is accepted", func() error {
			out, err := c.try(t, nobodys, "apply", "--dry-run=server", "-f", "-")
			if err != nil {
				return fmt.Errorf("%s", out)
			}
			return nil
		})
		if err := refused(labelledService("other", "tier: front", "None"), noTeam); err != nil {
			t.Error(err)
		}
	})
	t.Run("the API server refuses another id", func(t *testing.T) {
		out, err := c.try(t, strings.Replace(policy, "CUSTOM-001", "EXP-900", 1), "apply", "-f", "-")
		if err == nil || !strings.Contains(out, "spec.customChecks[0].id") {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("what does not compile is refused with its position, and the last good one stays", func(t *testing.T) {
		c.kubectl(t, strings.Replace(policy, "variables.team in ", "variables.taem in ", 1), "apply", "-f", "-")
		controlplane.Eventually(t, 5*time.Second, "the condition names the position", func() error {
			got := c.kubectl(t, "", "get", "checkpolicy", "default", "-o", `jsonpath={.status.conditions[?(@.type=="Accepted")].status} {.status.conditions[?(@.type=="Accepted")].message} {.status.activeGeneration}`)
			if !strings.HasPrefix(got, "False spec.customChecks[0].validations[0].expression: 1:10: undefined field 'taem'") || !strings.HasSuffix(got, " 1") {
				return fmt.Errorf("%s", got)
			}
			return nil
		})
		if err := refused(nobodys, "has no label team"); err != nil {
			t.Error(err)
		}
	})
}

// TestCustomChecksWithoutTheWebhook takes the documented example through the
// policies that `gatehouse backstop` makes of it.
func TestCustomChecksWithoutTheWebhook(t *testing.T) {
	c := newCluster(t)
	t.Cleanup(func() { c.removeBackstop(t) })
	c.kubectl(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: custom, labels: {gatehouse.sh/admission: enforce}}\n", "apply", "-f", "-")
	c.kubectl(t, labelledService("older", "tier: front", "None"), "apply", "-f", "-")
	path := filepath.Join(t.TempDir(), "policy.yaml")
	writeFile(t, path, documentedCustomChecks(t))
	docs, errOut, code := runCommand(t, "", "backstop", "--policy", path, "--checks", "CUSTOM-001,CUSTOM-002")
	if code != command.ExitClean {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	c.kubectl(t, docs, "apply", "--server-side", "-f", "-")
	write := func(name, labels, affinity string) (string, bool) {
		out, err := c.try(t, labelledService(name, labels, affinity), "apply", "--dry-run=server", "-f", "-")
		return out, err == nil
	}
	controlplane.Eventually(t, time.Minute, "a Service without team is refused", func() error {
		if out, ok := write("new", "tier: front", "None"); ok || !strings.Contains(out, "CUSTOM-001 team-label (high) at metadata.labels: has no label team. Change: set the label team to blue or red") {
			return fmt.Errorf("accepted = %v: %s", ok, out)
		}
		return nil
	})
	for _, step := range []struct {
		why, name, labels, affinity string
		accepted                    bool
		says                        string
	}{
		{"a team that does not exist", "new", "team: green", "None", false, "names the team green, which does not exist"},
		{"a team that exists", "new", "team: blue", "None", true, "created"},
		{"the fault was there before", "older", "tier: back", "None", true, "configured"},
		{"the change is only warned of", "older", "team: blue", "ClientIP", true, "Warning: Validation failed for ValidatingAdmissionPolicy 'gatehouse-backstop-warn-custom-002'"},
	} {
		if out, ok := write(step.name, step.labels, step.affinity); ok != step.accepted || !strings.Contains(out, step.says) {
			t.Errorf("%s: accepted = %v: %s", step.why, ok, out)
		}
	}
}

// runCommand runs the command line and returns its output and its exit code.
func runCommand(t *testing.T, in string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env := command.Environment{In: strings.NewReader(in), Out: &stdout, Err: &stderr, Program: "gatehouse", Getenv: func(string) string { return "" }, Now: time.Now}
	code = command.Run(t.Context(), env, args)
	return stdout.String(), stderr.String(), code
}

// saysOnCheck runs `gatehouse check` on a document.
func saysOnCheck(t *testing.T, doc string, args []string, want int, says ...string) {
	t.Helper()
	out, errOut, code := runCommand(t, doc, append([]string{"check"}, args...)...)
	if code != want {
		t.Errorf("%q: exit %d, want %d: %s%s", args, code, want, out, errOut)
	}
	for _, s := range says {
		if !strings.Contains(out+errOut, s) {
			t.Errorf("%q: it does not say %q:\n%s%s", args, s, out, errOut)
		}
	}
}
