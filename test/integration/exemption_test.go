// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/command"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// exemptionDoc is an exemption from the node port of the probes.
func exemptionDoc(ns, name, objects string, end time.Time) string {
	return fmt.Sprintf("apiVersion: gatehouse.sh/v1alpha1\nkind: Exemption\nmetadata: {namespace: %s, name: %s}\nspec:\n  checks: [node-port, exposure-transition]\n"+
		"  objects: [%s]\n  reason: the appliance in front reaches the nodes\n  owner: network@example.com\n  expiresAt: %s\n", ns, name, objects, end.UTC().Format(time.RFC3339))
}

// TestExemptionsTakeEffect writes, changes, lets expire and deletes an exemption,
// and measures how long each takes until the API server's answer follows.
func TestExemptionsTakeEffect(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	c.optIn(t, "exempted", "gatehouse.sh/admission: enforce", "denied")
	c.optIn(t, "not-exempted", "gatehouse.sh/admission: enforce", "denied")
	defer c.try(t, "", "delete", "exemptions", "-n", own, "--all")

	becomes := func(what, want string) {
		t.Helper()
		start := time.Now()
		controlplane.Eventually(t, 2*time.Second, what, func() error { return c.nodePortIs(t, "exempted", want) })
		t.Logf("%s: %s after %s, kubectl included", what, want, time.Since(start).Round(time.Millisecond))
		if err := c.nodePortIs(t, "not-exempted", "denied"); err != nil {
			t.Errorf("%s: another namespace %v", what, err)
		}
	}
	here, elsewhere := "{kinds: [Service], namespaces: [exempted]}", "{kinds: [Service], namespaces: [another]}"
	c.kubectl(t, exemptionDoc(own, "appliance", here, time.Now().Add(time.Hour)), "apply", "-f", "-")
	becomes("an exemption is written", "allowed")
	c.kubectl(t, exemptionDoc(own, "appliance", elsewhere, time.Now().Add(time.Hour)), "apply", "-f", "-")
	becomes("it is made to be about another namespace", "denied")
	end := time.Now().Add(4 * time.Second).Truncate(time.Second)
	c.kubectl(t, exemptionDoc(own, "appliance", here, end), "apply", "-f", "-")
	becomes("it is about this one again, for a few seconds", "allowed")
	time.Sleep(time.Until(end))
	becomes("it has expired", "denied")
	c.kubectl(t, exemptionDoc(own, "appliance", here, time.Now().Add(time.Hour)), "apply", "-f", "-")
	becomes("it is renewed", "allowed")
	c.commandLineAgrees(t, "exempted", true)
	c.kubectl(t, "", "delete", "exemption", "-n", own, "appliance")
	becomes("it is deleted", "denied")
	c.commandLineAgrees(t, "exempted", false)
}

// commandLineAgrees asks `gatehouse explain --finding` about the node port of the
// probes, with the cluster's own exemptions and policy.
func (c *cluster) commandLineAgrees(t *testing.T, ns string, want bool) {
	t.Helper()
	var got struct {
		Exempt     bool              `json:"exempt"`
		Exemptions []json.RawMessage `json:"exemptions"`
	}
	out := c.gatehouse(t, "explain", "--finding", "EXP-001:Service/"+ns+"/web:type", "-o", "json")
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got.Exempt != want {
		t.Errorf("the command line says exempt = %v:\n%s", got.Exempt, out)
	}
	t.Logf("\n%s", c.gatehouse(t, "explain", "--finding", "EXP-001:Service/"+ns+"/web:type"))
}

// gatehouse runs a command line against the cluster; it must work.
func (c *cluster) gatehouse(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	env := command.Environment{In: strings.NewReader(""), Out: &out, Err: &errOut, Program: "gatehouse", Getenv: func(string) string { return "" }, Now: time.Now}
	if code := command.Run(t.Context(), env, append(args, "--kubeconfig", c.Kubeconfig())); code != 0 {
		t.Fatalf("gatehouse %s: exit %d\n%s%s", strings.Join(args, " "), code, out.String(), errOut.String())
	}
	return out.String()
}

// TestExemptionsNeedApproval is SELF-002 on a real API server: who is in no
// approving group is refused outside of our namespace, and what was written before
// anybody was asked does not count.
func TestExemptionsNeedApproval(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	end := time.Now().Add(time.Hour)
	mine := "{kinds: [Service]}"
	c.kubectl(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: tenant}\n", "apply", "-f", "-")
	c.kubectl(t, exemptionDoc("tenant", "planted", mine, end), "apply", "-f", "-")
	defer c.try(t, "", "delete", "exemptions", "-n", "tenant", "--all")
	defer c.try(t, "", "delete", "checkpolicy", "default", "--ignore-not-found")

	c.startWebhook(t)
	registered := time.Now()
	c.optIn(t, "tenant", "gatehouse.sh/admission: enforce", "denied")
	// Everybody here may write everything by RBAC; only the second group differs.
	as := func(group string) []string {
		return []string{"apply", "-f", "-", "--as", "ann", "--as-group", "system:masters", "--as-group", group}
	}
	refused := func(what, doc, says string, args []string) {
		t.Helper()
		out, err := c.try(t, doc, args...)
		if err == nil || !strings.Contains(out, says) {
			t.Errorf("%s: %v\n%s", what, err, out)
			return
		}
		t.Logf("%s:\n%s", what, out)
	}
	refused("no group is named", exemptionDoc("tenant", "e", mine, end), "names nobody who may give it", as("security"))
	c.kubectl(t, policyDoc(`exemptions: {approvers: [security], maxDuration: 48h}`), "apply", "-f", "-")
	controlplane.Eventually(t, 2*time.Second, "the policy names a group", func() error {
		if out, _ := c.try(t, exemptionDoc("tenant", "e", mine, end), as("dev")...); !strings.Contains(out, "which ann may not give") {
			return fmt.Errorf("%s", out)
		}
		return nil
	})
	refused("who is not in it", exemptionDoc("tenant", "e", mine, end), "SELF-002", as("dev"))
	refused("about another namespace", exemptionDoc("tenant", "e", "{namespaces: [kube-system]}", end), "cannot be about others", as("security"))
	refused("for too long", exemptionDoc("tenant", "e", mine, time.Now().Add(72*time.Hour)), "further away than 2 days", as("security"))
	refused("an unknown check", strings.Replace(exemptionDoc(own, "e", mine, end), "node-port", "no-such-check", 1), "no-such-check", as("dev"))
	if err := c.nodePortIs(t, "tenant", "denied"); err != nil {
		t.Errorf("what was planted counts: %v", err)
	}

	time.Sleep(time.Until(registered.Add(12 * time.Second))) // so long an API server may not ask yet
	c.kubectl(t, exemptionDoc("tenant", "e", mine, end), as("security")...)
	controlplane.Eventually(t, 2*time.Second, "an approved exemption counts", func() error { return c.nodePortIs(t, "tenant", "allowed") })
	c.commandLineAgrees(t, "tenant", true)
	refused("a change by somebody else", exemptionDoc("tenant", "e", mine, end.Add(time.Hour)), "SELF-002", as("dev"))
	if out, err := c.try(t, "", "label", "exemption", "-n", "tenant", "e", "a=b", "--as", "ann", "--as-group", "system:masters", "--as-group", "dev"); err != nil {
		t.Errorf("a label needs approval: %v\n%s", err, out)
	}
	c.kubectl(t, policyDoc(`exemptions: {maxDuration: 48h}`), "apply", "-f", "-")
	controlplane.Eventually(t, 2*time.Second, "without approvers it does not count", func() error { return c.nodePortIs(t, "tenant", "denied") })
	c.commandLineAgrees(t, "tenant", false)
}

// TestTheSchemaOfExemptions lets the API server alone refuse what can be refused
// without Gatehouse, beside the nearest good one.
func TestTheSchemaOfExemptions(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.kubectl(t, fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n", own), "apply", "-f", "-")
	good := exemptionDoc(own, "schema", `{kinds: [Service, Ingress.networking.k8s.io], names: ["web-*"]}`, time.Now().Add(time.Hour))
	dry := []string{"apply", "--dry-run=server", "-f", "-"}
	if out, err := c.try(t, good, dry...); err != nil {
		t.Fatalf("the good one: %v\n%s", err, out)
	}
	for name, tc := range map[string]struct{ old, replacement, says string }{
		"a selector of everything":  {`{kinds: [Service, Ingress.networking.k8s.io], names: ["web-*"]}`, "{}", "selects everything"},
		"no selector":               {`[{kinds: [Service, Ingress.networking.k8s.io], names: ["web-*"]}]`, "[]", "spec.objects"},
		"no checks":                 {"checks: [node-port, exposure-transition]", "checks: []", "spec.checks"},
		"a check of another form":   {"node-port,", "NodePort,", "spec.checks"},
		"a star in the middle":      {"web-*", "w*b", "spec.objects[0].names"},
		"a kind with a star":        {"[Service,", `["*",`, "spec.objects[0].kinds"},
		"a blank reason":            {"reason: the appliance in front reaches the nodes", `reason: " "`, "spec.reason"},
		"no owner":                  {"  owner: network@example.com\n", "", "spec.owner"},
		"no end":                    {"  expiresAt:", "  ticket:", "spec.expiresAt"},
		"a field that is not there": {"namespace: " + own + ", name: schema}\nspec:\n", "namespace: " + own + ", name: schema}\nspec:\n  approved: true\n", "approved"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := strings.Replace(good, tc.old, tc.replacement, 1)
			if doc == good {
				t.Fatal("nothing was replaced")
			}
			out, err := c.try(t, doc, dry...)
			if err == nil || !strings.Contains(out, tc.says) {
				t.Errorf("%v, want %q\n%s", err, tc.says, out)
			}
		})
	}
	for name, tc := range map[string]struct {
		spec    string
		refused bool
	}{
		"an hour":                          {"{maxDuration: 1h}", false},
		"half an hour":                     {"{maxDuration: 30m}", true},
		"a year and a day":                 {"{maxDuration: 8784h1s}", true},
		"a leap year":                      {"{maxDuration: 8784h}", false},
		"a day, in a form that Go has not": {"{maxDuration: 1d}", true},
		"a group":                          {"{approvers: [oidc:security]}", false},
		"everybody":                        {"{approvers: [system:authenticated]}", true},
		"a group with a star":              {`{approvers: ["oidc:*"]}`, true},
	} {
		t.Run("a policy with "+name, func(t *testing.T) {
			if out, err := c.try(t, policyDoc("exemptions: "+tc.spec), dry...); (err != nil) != tc.refused {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
