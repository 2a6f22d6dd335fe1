// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/internal/controller/networkplan"
	"github.com/gatehouse-sh/gatehouse/internal/controller/serve"
	policytemplates "github.com/gatehouse-sh/gatehouse/policy-templates"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// TestTheControllerKeepsNetworkPlans runs the whole controller: a namespace is opted
// in, its policies come and go, an Event tells of it, and the metrics count it.
func TestTheControllerKeepsNetworkPlans(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	o := serve.Options{Plans: networkplan.Options{AtOnce: 10, Watch: time.Second, Settle: 200 * time.Millisecond}}
	var err error
	if o.Plans.Network.Enforcer, err = enforcer.Find(enforcer.Names()[0]); err != nil {
		t.Fatal(err)
	}
	if o.Plans.Network.Templates, err = templates.Load(policytemplates.FS); err != nil {
		t.Fatal(err)
	}
	p := c.startController(t, o)
	ns := fmt.Sprintf("planned-%d", time.Now().UnixNano())
	c.kubectl(t, fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s, labels: {gatehouse.sh/network: apply}}
---
apiVersion: gatehouse.sh/v1alpha1
kind: NetworkPlan
metadata: {name: default, namespace: %[1]s}
spec:
  learn: none
  templates: [{name: same-namespace}]
  allow:
  - {to: {cidr: 192.0.2.0/24}, ports: ["443"], reason: payments}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: %[1]s}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {dnsPolicy: Default, containers: [{name: web, image: "web:1"}]}
`, ns), "apply", "-f", "-")
	says := func(want string, args ...string) {
		t.Helper()
		controlplane.Eventually(t, time.Minute, fmt.Sprintf("kubectl %v says %q", args, want), func() error {
			if got := strings.TrimSpace(c.kubectl(t, "", append(args, "-n", ns)...)); got != want {
				return fmt.Errorf("it says %q: %s", got, c.kubectl(t, "", "get", "networkplan", "-n", ns, "-o", "jsonpath={.items[*].status.message}"))
			}
			return nil
		})
	}
	says("Applied", "get", "networkplan", "default", "-o", "jsonpath={.status.phase}")
	policies := c.kubectl(t, "", "get", "networkpolicies", "-n", ns, "-o", "yaml")
	for _, part := range []string{"192.0.2.0/24", "payments", "gatehouse.sh/network-role: deny", "template same-namespace"} {
		if !strings.Contains(policies, part) {
			t.Errorf("the policies lack %q:\n%s", part, policies)
		}
	}
	if n, _ := p.value(t, "gatehouse_network_plans", map[string]string{"phase": "Applied"}); n != 1 {
		t.Errorf("%v plans are applied, by the metric", n)
	}
	says("Applied", "get", "events", "--field-selector", "involvedObject.name=default", "-o", "jsonpath={.items[*].reason}")
	c.kubectl(t, "", "label", "namespace", ns, "gatehouse.sh/network=preview", "--overwrite")
	says("", "get", "networkpolicies", "-o", "name")
	says("Previewed", "get", "networkplan", "default", "-o", "jsonpath={.status.phase}")
	c.kubectl(t, "", "delete", "namespace", ns, "--wait=false")
}
