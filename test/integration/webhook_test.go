// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

const nodePort = `apiVersion: v1
kind: Service
metadata: {name: web, namespace: %s}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
`

const clusterIP = `apiVersion: v1
kind: Service
metadata: {name: web, namespace: %s}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
`

// optIn makes a namespace with labels and waits until the webhook's verdict on
// a node port is the expected one.
func (c *cluster) optIn(t *testing.T, ns, labels, verdict string) {
	t.Helper()
	c.kubectl(t, fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {%s}}\n", ns, labels), "apply", "-f", "-")
	controlplane.Eventually(t, 10*time.Second, "the verdict in "+ns+" is "+verdict, func() error {
		return c.nodePortIs(t, ns, verdict)
	})
}

// nodePortIs asks for a node port in a namespace: it is allowed, warned about or
// denied.
func (c *cluster) nodePortIs(t *testing.T, ns, verdict string) error {
	t.Helper()
	out, err := c.try(t, fmt.Sprintf(nodePort, ns), "apply", "--dry-run=server", "-f", "-")
	got := "allowed"
	switch {
	case err != nil:
		got = "denied"
	case strings.Contains(out, "Warning: EXP-001"):
		got = "warned"
	}
	if got != verdict {
		return fmt.Errorf("is %s: %s", got, out)
	}
	return nil
}

// TestModes shows what each namespace label does.
func TestModes(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	for name, tc := range map[string]struct{ labels, verdict string }{
		"no label":             {"", "allowed"},
		"enforce":              {"gatehouse.sh/admission: enforce", "denied"},
		"warn":                 {"gatehouse.sh/admission: warn", "warned"},
		"audit":                {"gatehouse.sh/admission: audit", "allowed"},
		"a value with a typo":  {"gatehouse.sh/admission: enforced", "denied"},
		"an unknown profile":   {"gatehouse.sh/admission: enforce, gatehouse.sh/profile: paranoid", "denied"},
		"enforce with profile": {"gatehouse.sh/admission: enforce, gatehouse.sh/profile: strict", "denied"},
	} {
		t.Run(name, func(t *testing.T) {
			c.optIn(t, "modes-"+strings.ReplaceAll(name, " ", "-"), tc.labels, tc.verdict)
		})
	}
	t.Run("a system namespace is never judged", func(t *testing.T) {
		c.kubectl(t, "", "label", "namespace", "kube-system", "gatehouse.sh/admission=enforce", "--overwrite")
		defer c.kubectl(t, "", "label", "namespace", "kube-system", "gatehouse.sh/admission-")
		c.kubectl(t, fmt.Sprintf(nodePort, "kube-system"), "apply", "--dry-run=server", "-f", "-")
	})
}

// TestRefusalReads shows the words of a refusal as a user sees them.
func TestRefusalReads(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	c.optIn(t, "reads", "gatehouse.sh/admission: enforce", "denied")
	out, err := c.try(t, fmt.Sprintf(nodePort, "reads"), "apply", "-f", "-")
	if err == nil {
		t.Fatalf("accepted: %s", out)
	}
	for _, s := range []string{
		`admission webhook "enforce.validate.gatehouse.sh" denied the request`,
		"Service reads/web breaks 1 rule", "* EXP-001 node-port (high) at spec.type", "every node",
		"Path:     any node address -> Service reads/web (NodePort)", "Attacker: ", "Change:   set spec.type to ClusterIP", "gatehouse explain EXP-001",
	} {
		if !strings.Contains(out, s) {
			t.Errorf("lacks %q", s)
		}
	}
	t.Log(out)
}

// TestMutationIsStored shows the annotations on the stored object, the warning,
// and that a user's value stays.
func TestMutationIsStored(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	c.optIn(t, "mutated", "gatehouse.sh/admission: enforce", "denied")
	out := c.kubectl(t, fmt.Sprintf(clusterIP, "mutated"), "apply", "-f", "-")
	if !strings.Contains(out, "Warning: MUT-001: added metadata.annotations[gatehouse.sh/gateway]") {
		t.Errorf("no warning about the addition:\n%s", out)
	}
	stored := c.kubectl(t, "", "-n", "mutated", "get", "service", "web", "-o", `jsonpath={.metadata.annotations.gatehouse\.sh/gateway} {.metadata.labels.gatehouse\.sh/managed}`)
	if stored != "gatehouse true" {
		t.Errorf("stored: %q", stored)
	}
	again := c.kubectl(t, fmt.Sprintf(clusterIP, "mutated"), "apply", "-f", "-")
	if strings.Contains(again, "MUT-") {
		t.Errorf("a second apply changes it again:\n%s", again)
	}
	mine := strings.Replace(fmt.Sprintf(clusterIP, "mutated"), "metadata: {name: web,", "metadata: {name: mine, annotations: {gatehouse.sh/gateway: edge},", 1)
	c.kubectl(t, mine, "apply", "-f", "-")
	if got := c.kubectl(t, "", "-n", "mutated", "get", "service", "mine", "-o", `jsonpath={.metadata.annotations.gatehouse\.sh/gateway}`); got != "edge" {
		t.Errorf("the user's value became %q", got)
	}
}

// TestRatchet shows that an update may keep a fault but not add one.
func TestRatchet(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.kubectl(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: ratchet}\n", "apply", "-f", "-")
	c.kubectl(t, fmt.Sprintf(nodePort, "ratchet"), "apply", "-f", "-") // before anybody enforces
	c.startWebhook(t)
	c.kubectl(t, strings.Replace(fmt.Sprintf(nodePort, "ratchet"), "name: web", "name: other", 1), "apply", "--dry-run=server", "-f", "-")
	c.kubectl(t, "", "label", "namespace", "ratchet", "gatehouse.sh/admission=enforce")
	controlplane.Eventually(t, 10*time.Second, "enforcement", func() error {
		if _, err := c.try(t, strings.Replace(fmt.Sprintf(nodePort, "ratchet"), "name: web", "name: other", 1), "apply", "--dry-run=server", "-f", "-"); err == nil {
			return fmt.Errorf("a new node port is accepted")
		}
		return nil
	})
	out := c.kubectl(t, "", "-n", "ratchet", "annotate", "service", "web", "owner=ann")
	if !strings.Contains(out, "Warning: EXP-001 node-port (not new)") {
		t.Errorf("an update that keeps its fault is not told so:\n%s", out)
	}
	if out, err := c.try(t, "", "-n", "ratchet", "patch", "service", "web", "-p", `{"spec":{"externalIPs":["203.0.113.9"]}}`); err == nil || !strings.Contains(out, "EXP-004") {
		t.Errorf("an update that adds a fault: %v\n%s", err, out)
	}
}

// TestNamespaceGuard shows SELF-001.
func TestNamespaceGuard(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	c.optIn(t, "guarded", "gatehouse.sh/admission: enforce", "denied")
	c.kubectl(t, `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: team-lead}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: User, name: lead, apiGroup: rbac.authorization.k8s.io}]
`, "apply", "-f", "-")
	if out, err := c.try(t, "", "--as=lead", "label", "namespace", "guarded", "gatehouse.sh/admission-"); err == nil || !strings.Contains(out, "SELF-001") {
		t.Errorf("an administrator of the cluster opted the namespace out: %v\n%s", err, out)
	}
	if out, err := c.try(t, "", "label", "namespace", "guarded", "gatehouse.sh/admission-"); err == nil || !strings.Contains(out, "opt-out-reason") {
		t.Errorf("no reason asked for: %v\n%s", err, out)
	}
	c.kubectl(t, "", "--as=lead", "label", "namespace", "guarded", "team=a")
	out := c.kubectl(t, "", "patch", "namespace", "guarded", "-p", `{"metadata":{"labels":{"gatehouse.sh/admission":null},"annotations":{"gatehouse.sh/opt-out-reason":"incident 7"}}}`)
	if !strings.Contains(out, "incident 7") {
		t.Errorf("the reason is not told back: %s", out)
	}
}

// TestWebhookDown shows what Fail and Ignore mean while the webhook is stopped:
// enforced namespaces refuse what would be judged, the others and kube-system
// go on, and deleting the registration brings everything back.
func TestWebhookDown(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	p := c.startWebhook(t)
	c.optIn(t, "down-enforce", "gatehouse.sh/admission: enforce", "denied")
	c.optIn(t, "down-warn", "gatehouse.sh/admission: warn", "warned")
	c.optIn(t, "down-none", "", "allowed")
	p.stop()
	if out, err := c.try(t, fmt.Sprintf(clusterIP, "down-enforce"), "apply", "-f", "-"); err == nil || !strings.Contains(out, "enforce.validate.gatehouse.sh") {
		t.Errorf("an enforced namespace accepted a Service without a verdict: %v\n%s", err, out)
	}
	if out, err := c.try(t, "", "label", "namespace", "down-enforce", "gatehouse.sh/admission-"); err == nil {
		t.Errorf("the label was removed while nobody guards it\n%s", out)
	}
	for _, ns := range []string{"down-warn", "down-none", "kube-system", "default"} {
		c.kubectl(t, fmt.Sprintf(nodePort, ns), "apply", "--dry-run=server", "-f", "-")
	}
	// Nothing but the listed kinds is held up in an enforced namespace, either.
	c.kubectl(t, "", "-n", "down-enforce", "create", "configmap", "settings", "--from-literal=a=b")
	c.kubectl(t, "", "-n", "down-enforce", "create", "quota", "robot", "--hard=pods=10")
	c.kubectl(t, "", "label", "namespace", "down-enforce", "team=a")
	c.kubectl(t, "", "delete", "namespace", "down-none", "--wait=false")

	c.unregister(t) // the documented emergency line
	controlplane.Eventually(t, 10*time.Second, "no webhook left behind", func() error {
		_, err := c.try(t, fmt.Sprintf(nodePort, "down-enforce"), "apply", "--dry-run=server", "-f", "-")
		return err
	})
}

// TestUpdatesThatChangeNothing shows that writes which change nothing judged go
// through, and that they do not reach the webhook: it is stopped.
func TestUpdatesThatChangeNothing(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	p := c.startWebhook(t)
	c.optIn(t, "noop", "gatehouse.sh/admission: enforce", "denied")
	apply := []string{"apply", "--server-side", "--field-manager=ann", "-f", "-"}
	c.kubectl(t, fmt.Sprintf(clusterIP, "noop"), apply...)
	c.kubectl(t, fmt.Sprintf(deployment, "noop"), apply...)
	p.stop()
	c.kubectl(t, fmt.Sprintf(clusterIP, "noop"), apply...)
	for _, object := range []string{"service/web", "deployment/web"} {
		c.kubectl(t, "", "-n", "noop", "patch", object, "-p", `{}`)
		c.kubectl(t, "", "-n", "noop", "patch", object, "--type=merge", "-p", `{"metadata":{"finalizers":["example.com/hold"]}}`)
		c.kubectl(t, "", "-n", "noop", "patch", object, "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
		if out, err := c.try(t, "", "-n", "noop", "annotate", object, "a=b"); err == nil || !strings.Contains(out, "gatehouse.sh") {
			t.Errorf("an annotation of %s was accepted without a verdict: %v\n%s", object, err, out)
		}
	}
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: %s}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example.com/shop/web:1}]}
`
