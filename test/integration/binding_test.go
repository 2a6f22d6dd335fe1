// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"
)

// bindable is a pod of a powerful account, and a Service that would lead to it if it
// had the label.
const bindable = `
apiVersion: v1
kind: Namespace
metadata: {name: bindings}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: boss, namespace: bindings}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: bindings-boss}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, namespace: bindings, name: boss}]
---
apiVersion: v1
kind: Pod
metadata: {name: job, namespace: bindings}
spec:
  serviceAccountName: boss
  containers: [{name: c, image: example.com/i}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: bindings}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80}]
`

// TestALabelThatABindingBrings is refused as one that is written into the pod, by both
// names of the resource; a Binding that brings none is not asked about.
func TestALabelThatABindingBrings(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	c.kubectl(t, bindable, "apply", "-f", "-")
	t.Cleanup(func() {
		c.try(t, "", "delete", "namespace", "bindings", "--wait=false")
		c.try(t, "", "delete", "clusterrolebinding", "bindings-boss")
	})
	c.optIn(t, "bindings", "gatehouse.sh/admission: enforce", "denied")
	binding := func(metadata string) string {
		return "{apiVersion: v1, kind: Binding, metadata: {name: job, namespace: bindings" + metadata + "}, target: {kind: Node, name: node-1}}"
	}
	if out, err := c.try(t, binding(", labels: {app: web}"), "create", "-f", "-"); err == nil || !strings.Contains(out, "XR-001") {
		t.Errorf("bindings: %v %s", err, out)
	}
	raw := `{"apiVersion":"v1","kind":"Binding","metadata":{"name":"job","labels":{"app":"web"}},"target":{"kind":"Node","name":"node-1"}}`
	if out, err := c.try(t, raw, "create", "--raw", "/api/v1/namespaces/bindings/pods/job/binding", "-f", "-"); err == nil || !strings.Contains(out, "XR-001") {
		t.Errorf("pods/binding: %v %s", err, out)
	}
	if out, err := c.try(t, binding(", labels: {team: blue}"), "create", "-f", "-"); err != nil {
		t.Errorf("a label that nothing selects: %v %s", err, out)
	}
	if out, err := c.try(t, "", "get", "pod", "job", "-n", "bindings", "-o", "jsonpath={.spec.nodeName} {.metadata.labels.team}"); err != nil || !strings.HasPrefix(out, "node-1 blue") {
		t.Errorf("the pod: %v %q", err, out)
	}
}
