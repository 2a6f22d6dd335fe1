// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// TestCheckPolicy shows that a policy takes effect within two seconds, that a
// faulty one is refused whole while the last good one stays, and that the
// condition says so.
func TestCheckPolicy(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	c.optIn(t, "policy", "gatehouse.sh/admission: enforce", "denied")
	defer c.try(t, "", "delete", "checkpolicy", "default", "--ignore-not-found")

	nodePorts := func(want string) {
		t.Helper()
		start := time.Now()
		controlplane.Eventually(t, 2*time.Second, "node ports are "+want, func() error {
			return c.nodePortIs(t, "policy", want)
		})
		t.Logf("node ports are %s after %s, kubectl included", want, time.Since(start).Round(time.Millisecond))
	}
	c.kubectl(t, policyDoc(`checks: [{check: node-port, action: warn}, {check: exposure-transition, action: warn}]`), "apply", "-f", "-")
	nodePorts("warned")

	t.Run("the API server refuses a malformed network", func(t *testing.T) {
		out, err := c.try(t, policyDoc(`parameters: {allowedExternalIPs: ["10.0.0.0/99"]}`), "apply", "-f", "-")
		if err == nil || !strings.Contains(out, "allowedExternalIPs") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("the API server refuses another name", func(t *testing.T) {
		doc := strings.Replace(policyDoc(`checks: [{check: node-port, action: warn}]`), "name: default", "name: mine", 1)
		out, err := c.try(t, doc, "apply", "-f", "-")
		if err == nil || !strings.Contains(out, "metadata: Forbidden: the only CheckPolicy of a cluster is named default") || strings.Contains(out, "nil") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	// A check that does not exist passes the schema; only the webhook knows.
	c.kubectl(t, policyDoc(`checks: [{check: node-port, action: ignore}, {check: no-such-check, action: deny}]`), "apply", "-f", "-")
	controlplane.Eventually(t, 5*time.Second, "the condition says that the policy was refused", func() error {
		got := c.kubectl(t, "", "get", "checkpolicy", "default", "-o", `jsonpath={.status.conditions[?(@.type=="Accepted")].status} {.status.conditions[?(@.type=="Accepted")].message} {.status.activeGeneration}`)
		if !strings.HasPrefix(got, "False") || !strings.Contains(got, "no-such-check") || !strings.HasSuffix(got, " 1") {
			return fmt.Errorf("%s", got)
		}
		return nil
	})
	nodePorts("warned") // the last good one
	c.kubectl(t, policyDoc(`checks: [{check: node-port, action: ignore}, {check: exposure-transition, action: ignore}]`), "apply", "-f", "-")
	nodePorts("allowed")
	c.kubectl(t, "", "delete", "checkpolicy", "default")
	nodePorts("denied")
}

func policyDoc(spec string) string {
	return "apiVersion: gatehouse.sh/v1alpha1\nkind: CheckPolicy\nmetadata: {name: default}\nspec:\n  " + spec + "\n"
}
