// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// The controllers make the Pods, so that the API server judges them: Pod
// Security, quota, priority.
func TestMain(m *testing.M) {
	controlplane.MainWith(m, controlplane.Options{WithControllerManager: true})
}

const account = "system:serviceaccount:gatehouse-system:gatehouse-webhook"

// install applies install.yaml and waits for the CRD.
func install(t *testing.T) *controlplane.ControlPlane {
	t.Helper()
	cp := controlplane.Get(t)
	kubectl(t, cp, "", "apply", "-f", "install.yaml")
	kubectl(t, cp, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/checkpolicies.gatehouse.sh")
	return cp
}

// kubectl runs a command that must succeed.
func kubectl(t *testing.T, cp *controlplane.ControlPlane, stdin string, args ...string) string {
	t.Helper()
	out, problems, err := cp.KubectlInput(t.Context(), strings.NewReader(stdin), args...)
	if err != nil {
		t.Fatalf("%v: %s", err, problems)
	}
	return out
}

func TestInstallOnAnAPIServer(t *testing.T) {
	cp := install(t)

	t.Run("applying again changes nothing and keeps the certificates", func(t *testing.T) {
		kubectl(t, cp, "", "patch", "secret", "gatehouse-webhook-certificates", "-n", installed, "-p", `{"stringData":{"tls.crt":"kept"}}`)
		out := kubectl(t, cp, "", "apply", "-f", "install.yaml")
		for line := range strings.Lines(out) {
			// kubectl always sends a patch for a PodDisruptionBudget, because its
			// selector is replaced as a whole; the generation shows that it is empty.
			if !strings.Contains(line, "unchanged") && !strings.HasPrefix(line, "poddisruptionbudget") {
				t.Errorf("applying again: %s", line)
			}
		}
		if got := kubectl(t, cp, "", "get", "pdb", "gatehouse-webhook", "-n", installed, "-o", "jsonpath={.metadata.generation}"); got != "1" {
			t.Errorf("applying again made generation %s of the disruption budget", got)
		}
		if got := kubectl(t, cp, "", "get", "secret", "gatehouse-webhook-certificates", "-n", installed, "-o", `jsonpath={.data.tls\.crt}`); got == "" {
			t.Error("applying again removed the certificate")
		}
	})

	t.Run("the pods are admitted", func(t *testing.T) {
		waitFor(t, cp, "2", "get", "deployment", "gatehouse-webhook", "-n", installed, "-o", "jsonpath={.status.replicas}")
		got := kubectl(t, cp, "", "get", "pods", "-n", installed, "-l", "app.kubernetes.io/name=gatehouse-webhook", "-o", `jsonpath={range .items[*]}{.spec.priorityClassName} {end}`)
		if got != "system-cluster-critical system-cluster-critical " {
			t.Errorf("priority classes %q", got)
		}
	})

	for _, dir := range []string{"overlays/audit", "overlays/dev"} {
		t.Run(dir+" is accepted", func(t *testing.T) {
			kubectl(t, cp, string(render(t, dir)), "apply", "--dry-run=server", "-f", "-")
		})
	}
}

// waitFor polls a command until it prints what is wanted.
func waitFor(t *testing.T, cp *controlplane.ControlPlane, want string, args ...string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			events, _, _ := cp.Kubectl(t.Context(), "get", "events", "-n", installed) // without them the failure still counts
			t.Log(events)
		}
	}()
	controlplane.Eventually(t, time.Minute, fmt.Sprintf("kubectl %s prints %q", strings.Join(args, " "), want), func() error {
		out, problems, err := cp.Kubectl(t.Context(), args...)
		if err != nil || out != want {
			return fmt.Errorf("it prints %q (%s)", out, problems)
		}
		return nil
	})
}

func TestRightsOfTheWebhook(t *testing.T) {
	askRights(t, install(t), account, map[string]right{
		"it may list what it judges by":         {[]string{"list", "services", "-A"}, "yes"},
		"it may not read a single service":      {[]string{"get", "services", "-A"}, "no"},
		"it may read its own secret":            {[]string{"get", "secrets/gatehouse-webhook-certificates", "-n", installed}, "yes"},
		"it may write its own secret":           {[]string{"update", "secrets/gatehouse-webhook-certificates", "-n", installed}, "yes"},
		"it may not read another secret":        {[]string{"get", "secrets/other", "-n", installed}, "no"},
		"it may not list secrets":               {[]string{"list", "secrets", "-n", installed}, "no"},
		"it may not create secrets":             {[]string{"create", "secrets", "-n", installed}, "no"},
		"it may patch its registration":         {[]string{"patch", "validatingwebhookconfigurations/gatehouse"}, "yes"},
		"it may not patch another registration": {[]string{"patch", "validatingwebhookconfigurations/other"}, "no"},
		"it may not delete its registration":    {[]string{"delete", "validatingwebhookconfigurations/gatehouse"}, "no"},
		"it may watch the policy":               {[]string{"watch", "checkpolicies"}, "yes"},
		"it may say what it made of the policy": {[]string{"patch", "checkpolicies/default", "--subresource=status"}, "yes"},
		"it may not change the policy":          {[]string{"patch", "checkpolicies/default"}, "no"},
		"it may not create pods":                {[]string{"create", "pods", "-A"}, "no"},
		"it may not read config maps":           {[]string{"list", "configmaps", "-A"}, "no"},
		"it may not impersonate":                {[]string{"impersonate", "users"}, "no"},
	})
}

// right is what kubectl auth can-i is asked, and its answer.
type right struct {
	args []string
	want string
}

// askRights asks what an account may do.
func askRights(t *testing.T, cp *controlplane.ControlPlane, account string, list map[string]right) {
	t.Helper()
	for name, tc := range list {
		t.Run(name, func(t *testing.T) {
			out, problems, err := cp.Kubectl(t.Context(), append([]string{"auth", "can-i", "--as", account}, tc.args...)...)
			if got := strings.TrimSpace(out); got != tc.want {
				t.Errorf("got %q (%v, %s), want %q", got, err, problems, tc.want)
			}
		})
	}
}

func TestTheAPIServerJudgesCheckPolicies(t *testing.T) {
	cp := install(t)
	policy := func(name, spec string) string {
		return "apiVersion: gatehouse.sh/v1alpha1\nkind: CheckPolicy\nmetadata: {name: " + name + "}\nspec: " + spec + "\n"
	}
	for name, tc := range map[string]struct {
		yaml  string
		fault string // empty: accepted
	}{
		"an empty policy":          {yaml: policy("default", "{}")},
		"another name":             {yaml: policy("mine", "{}"), fault: "is named default"},
		"an action":                {yaml: policy("default", "{checks: [{check: EXP-001, action: warn}]}")},
		"two kinds of action":      {yaml: policy("default", "{checks: [{check: EXP-001, action: warn, strict: deny}]}"), fault: "set either action"},
		"a network":                {yaml: policy("default", "{parameters: {allowedExternalIPs: [203.0.113.0/24]}}")},
		"a network with host bits": {yaml: policy("default", "{parameters: {allowedExternalIPs: [203.0.113.7/24]}}"), fault: "host bits"},
		"a mapped network":         {yaml: policy("default", "{parameters: {allowedExternalIPs: ['::ffff:203.0.113.0/120']}}"), fault: "must be a network"},
		"every address":            {yaml: policy("default", "{parameters: {loadBalancers: {trustedPools: [0.0.0.0/0]}}}"), fault: "not /0"},
		"ports":                    {yaml: policy("default", "{parameters: {sensitivePorts: {add: [{port: 9, name: x}], remove: [8]}}}")},
		"a port in both lists":     {yaml: policy("default", "{parameters: {sensitivePorts: {add: [{port: 9, name: x}], remove: [9]}}}"), fault: "both added and removed"},
		"an unknown field":         {yaml: policy("default", "{check: []}"), fault: "unknown field"},
		"the policy for looking":   {yaml: string(file(t, "overlays/audit/check-policy.yaml"))},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems, err := cp.KubectlInput(t.Context(), strings.NewReader(tc.yaml), "apply", "--dry-run=server", "-f", "-")
			if tc.fault == "" && err != nil || tc.fault != "" && (err == nil || !strings.Contains(problems, tc.fault)) {
				t.Errorf("got %v: %s, want the fault %q", err, problems, tc.fault)
			}
		})
	}

	t.Run("columns and short name", func(t *testing.T) {
		kubectl(t, cp, policy("default", "{parameters: {gateway: {}}}"), "apply", "-f", "-")
		defer kubectl(t, cp, "", "delete", "checkpol", "default")
		kubectl(t, cp, "", "patch", "checkpol", "default", "--subresource=status", "--type=merge", "-p",
			`{"status":{"observedGeneration":1,"activeGeneration":1,"conditions":[`+
				`{"type":"Accepted","status":"True","reason":"Accepted","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"},`+
				`{"type":"Ready","status":"False","reason":"LastGoodInForce","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}`)
		out := strings.Join(strings.Fields(kubectl(t, cp, "", "get", "checkpol")), " ")
		if !strings.HasPrefix(out, "NAME ACCEPTED READY GENERATION ACTIVE AGE default True False 1 1 ") {
			t.Errorf("kubectl get prints %q", out)
		}
		if got := kubectl(t, cp, "", "get", "checkpol", "default", "-o", "jsonpath={.spec.parameters.gateway.namespaces[0]}"); got != installed {
			t.Errorf("the gateway's namespace is defaulted to %q", got)
		}
	})
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(data)
}
