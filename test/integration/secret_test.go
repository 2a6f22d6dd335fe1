// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"
)

const tokenSecret = `apiVersion: v1
kind: Secret
metadata:
  name: %[3]s
  namespace: %[1]s
  annotations: {kubernetes.io/service-account.name: %[2]s}
type: kubernetes.io/service-account-token
stringData: {note: hunter2}
`

const serviceAccount = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: %[2]s, namespace: %[1]s}\n"

// TestOnlyTokenSecretsReachTheWebhook shows which Secrets are judged, and by the
// webhook being down which ones are not even sent to it.
func TestOnlyTokenSecretsReachTheWebhook(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	p := c.startWebhook(t)
	const ns = "sealed"
	c.optIn(t, ns, "", "allowed")
	for _, name := range []string{"web", "ops"} {
		c.kubectl(t, fmt.Sprintf(serviceAccount, ns, name), "apply", "-f", "-")
	}
	c.kubectl(t, fmt.Sprintf(tokenSecret, ns, "web", "before"), "create", "-f", "-")
	c.optIn(t, ns, "gatehouse.sh/admission: enforce", "denied")

	retarget := []string{"-n", ns, "annotate", "secret", "before", "kubernetes.io/service-account.name=ops", "--overwrite"}
	out, err := c.try(t, fmt.Sprintf(tokenSecret, ns, "web", "forever"), "create", "-f", "-")
	if err == nil || !strings.Contains(out, "SA-004") {
		t.Errorf("a token Secret was accepted: %v\n%s", err, out)
	}
	if strings.Contains(out, "hunter2") {
		t.Errorf("the refusal repeats the content:\n%s", out)
	}
	if out, err := c.try(t, "", retarget...); err == nil || !strings.Contains(out, "SA-004") {
		t.Errorf("a token Secret changed its account: %v\n%s", err, out)
	}

	p.stop()
	for what, args := range map[string][]string{
		"an opaque Secret":            {"-n", ns, "create", "secret", "generic", "password", "--from-literal=a=b"},
		"a change of its content":     {"-n", ns, "patch", "secret", "before", "--type=merge", "-p", `{"stringData":{"note":"other"}}`},
		"a change of its annotations": {"-n", ns, "annotate", "secret", "before", "team=web"},
	} {
		if out, err := c.try(t, "", args...); err != nil {
			t.Errorf("%s was held up: %v\n%s", what, err, out)
		}
	}
	if out, err := c.try(t, fmt.Sprintf(tokenSecret, ns, "web", "forever"), "create", "-f", "-"); err == nil {
		t.Errorf("a token Secret was accepted without a verdict\n%s", out)
	}
	if out, err := c.try(t, "", retarget...); err == nil {
		t.Errorf("a token Secret changed its account without a verdict\n%s", out)
	}
}
