// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/backstop"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// generation counts what applyBackstop applied, for the canary.
var generation int

// standing is what applyObjects applied, each object by its kind and name.
var standing = map[string]string{}

// namespaceCanary warns of every write in a namespace once the API server sees
// that it is opted in. The API server asks its policies in any order, so that
// after its first warning the next answer is one of all policies.
const (
	namespaceSeen   = "the canary sees the namespace"
	namespaceCanary = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: gatehouse-canary-namespace, labels: {app.kubernetes.io/component: backstop}}
spec:
  matchConstraints: {resourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: ["*/*"]}]}
  validations: [{expression: "false", message: ` + namespaceSeen + `}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: gatehouse-canary-namespace, labels: {app.kubernetes.io/component: backstop}}
spec: {policyName: gatehouse-canary-namespace, validationActions: [Warn], matchResources: {namespaceSelector: {matchLabels: {gatehouse.sh/admission: enforce}}}}
`
)

// applyBackstop installs the backstop of a policy and waits until the API server
// enforces it. The canary is applied last, and policies take effect in order.
func (c *cluster) applyBackstop(t *testing.T, p *policy.Policy) {
	t.Helper()
	objects, err := backstop.Build(p, backstop.Options{Namespace: own})
	if err != nil {
		t.Fatal(err)
	}
	c.applyObjects(t, objects)
}

// applyObjects is applyBackstop for objects that are made already.
func (c *cluster) applyObjects(t *testing.T, objects backstop.Objects) {
	t.Helper()
	if len(objects.Policies) == 0 {
		t.Fatal("no policies")
	}
	var docs bytes.Buffer
	fresh := map[string]string{}
	add := func(name string, one backstop.Objects) {
		var doc strings.Builder
		if err := one.Write(&doc); err != nil {
			t.Fatal(err)
		}
		if standing[name] != doc.String() {
			fresh[name] = doc.String()
			docs.WriteString(doc.String())
		}
	}
	for i := range objects.Policies {
		add("policy/"+objects.Policies[i].Name, backstop.Objects{Policies: objects.Policies[i : i+1]})
	}
	for i := range objects.Bindings {
		add(bindingKey+objects.Bindings[i].Name, backstop.Objects{Bindings: objects.Bindings[i : i+1]})
	}
	generation++
	canary := fmt.Sprintf("canary %d is alive", generation)
	fmt.Fprintf(&docs, `---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: gatehouse-canary, labels: {app.kubernetes.io/component: backstop}}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]}
  matchConditions: [{name: canary, expression: "object.metadata.name == 'gatehouse-canary'"}]
  validations: [{expression: "false", message: %q}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: gatehouse-canary, labels: {app.kubernetes.io/component: backstop}}
spec: {policyName: gatehouse-canary, validationActions: [Deny]}
`, canary)
	for name := range fresh {
		delete(standing, name) // should this fail, it is not known what stands
	}
	c.kubectl(t, docs.String(), "apply", "--server-side", "--force-conflicts", "-f", "-")
	maps.Copy(standing, fresh)
	controlplane.Eventually(t, 2*time.Minute, canary, func() error {
		out, err := c.try(t, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"default","name":"gatehouse-canary"}}`, "create", "--dry-run=server", "-f", "-")
		if err == nil || !strings.Contains(out, canary) {
			return fmt.Errorf("the canary says %q", out)
		}
		return nil
	})
}

// bindingKey begins the keys of the bindings in standing.
const bindingKey = "binding/"

// removeBackstop deletes the bindings, without which a policy does nothing. The
// policies stay for the next test, for it takes the API server seconds to check
// them when they are written.
func (c *cluster) removeBackstop(t *testing.T) {
	t.Helper()
	maps.DeleteFunc(standing, func(name, _ string) bool { return strings.HasPrefix(name, bindingKey) })
	out, errOut, err := c.Kubectl(context.Background(), "delete", "validatingadmissionpolicybindings", "--selector", backstop.ComponentLabel+"="+backstop.Component)
	if err != nil {
		t.Errorf("remove the backstop: %v\n%s%s", err, out, errOut)
	}
}
