// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/backstop"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// enforcedNamespace makes a namespace in which the backstop denies, and waits
// until it does.
func (c *cluster) enforcedNamespace(t *testing.T, name string) {
	t.Helper()
	c.kubectl(t, fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q,"labels":{"gatehouse.sh/admission":"enforce"}}}`, name), "apply", "--server-side", "-f", "-")
	controlplane.Eventually(t, time.Minute, "the backstop refuses in "+name, func() error {
		out, err := c.try(t, fmt.Sprintf(`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"namespace":%q,"name":"probe"},"spec":{"ingressClassName":"other","defaultBackend":{"service":{"name":"a","port":{"number":80}}}}}`, name),
			"create", "--dry-run=server", "-f", "-")
		if err == nil || !strings.Contains(out, "EXP-020") {
			return fmt.Errorf("%v %s", err, out) //nolint:errorlint // its text is what is tested
		}
		return nil
	})
}

// TestBackstopTakesLargeObjects writes innocent objects with about as many entries
// as the webhook judges. No expression may run into the API server's limit on its
// cost, for that refuses.
func TestBackstopTakesLargeObjects(t *testing.T) {
	c := newCluster(t)
	t.Cleanup(func() { c.removeBackstop(t) })
	c.applyBackstop(t, policy.Default(c.set))
	c.enforcedNamespace(t, "backstop-large")
	var hosts, names, ports, containers, rules strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&hosts, "  - {host: h%d.example.com, http: {paths: [{path: /p, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}\n", i)
		fmt.Fprintf(&names, "    - h%d.example.com\n", i)
		fmt.Fprintf(&ports, "  - {name: p%d, port: %d}\n", i, i+30000)
	}
	for i := range 500 {
		fmt.Fprintf(&rules, "- {apiGroups: [g%d.example.com, \"\"], resources: [as, events], verbs: [get, list]}\n", i)
	}
	for i := range 60 {
		fmt.Fprintf(&containers, "      - {name: c%d, image: a, ports: [{containerPort: 80}, {containerPort: 81}, {containerPort: 82}], livenessProbe: {httpGet: {port: 80}}}\n", i)
	}
	service := func(kind, extra string) string {
		return "apiVersion: v1\nkind: Service\nmetadata: {name: many, namespace: backstop-large" + extra + "}\nspec:\n  type: " + kind + "\n  selector: {app: x}\n  ports:\n" + ports.String()
	}
	for name, object := range map[string]string{
		"an Ingress with 1,500 hosts and names in its certificate": "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: many, namespace: backstop-large}\nspec:\n  ingressClassName: gatehouse\n" +
			"  tls:\n  - secretName: a\n    hosts:\n" + names.String() + "  rules:\n" + hosts.String(),
		"a Service with 1,500 ports":                service("ClusterIP", ""),
		"a Service with annotations of 200 KiB":     service("ClusterIP", ", annotations: {note: "+strings.Repeat("y", 200<<10)+"}"),
		"a Deployment with 60 containers":           "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: many, namespace: backstop-large}\nspec:\n  selector: {matchLabels: {app: x}}\n  template:\n    metadata: {labels: {app: x}}\n    spec:\n      containers:\n" + containers.String(),
		"a Role of 500 rules":                       "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: many, namespace: backstop-large}\nrules:\n" + rules.String(),
		"a ConfigMap of 900 KiB beside no settings": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: many, namespace: backstop-large}\ndata: {note: " + strings.Repeat("y", 900<<10) + "}\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, label := range []string{"", "changed=once"} {
				out, err := c.try(t, object, "apply", "--server-side", "-f", "-")
				if err != nil {
					t.Fatalf("%v\n%.2000s", err, out)
				}
				if label != "" {
					kind := strings.Fields(object)[3]
					c.kubectl(t, "", "label", "--namespace=backstop-large", "--overwrite", kind, "many", label)
				}
			}
		})
	}
}

// TestBackstopHonoursExemptions writes exemptions into the policies: they count
// for what they name, and for creations until they end.
func TestBackstopHonoursExemptions(t *testing.T) {
	c := newCluster(t)
	t.Cleanup(func() { c.removeBackstop(t) })
	now := time.Now()
	set := exempt.NewSet(
		exempt.Exemption{
			Name: "alive", Reach: exempt.Everywhere, Checks: []string{"EXP-001", "EXP-048"}, Subjects: []string{"type*"}, ExpiresAt: now.Add(time.Hour),
			Objects: []exempt.Selector{{Kinds: []string{"Service"}, Namespaces: []string{"backstop-exempt"}, Names: []string{"web*"}}},
		},
		exempt.Exemption{
			Name: "over", Reach: exempt.Everywhere, Checks: []string{"EXP-001", "EXP-048"}, ExpiresAt: now.Add(-time.Minute),
			Objects: []exempt.Selector{{Namespaces: []string{"backstop-exempt"}, Names: []string{"old"}}},
		},
	)
	// The backstop was made two minutes ago, when the second exemption still counted.
	objects, err := backstop.Build(policy.Default(c.set), backstop.Options{Namespace: own, Exemptions: set, Now: now.Add(-2 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	c.applyObjects(t, objects)
	c.enforcedNamespace(t, "backstop-exempt")
	service := func(name, kind string) string {
		return fmt.Sprintf(`{"apiVersion":"v1","kind":"Service","metadata":{"namespace":"backstop-exempt","name":%q},"spec":{"type":%q,"selector":{"app":"x"},"ports":[{"port":80}]}}`, name, kind)
	}
	for _, step := range []struct {
		why        string
		name, kind string
		refused    bool
	}{
		{"the exemption names it", "web-1", "NodePort", false},
		{"the exemption does not name it", "api", "NodePort", true},
		{"it needs no exemption", "api", "ClusterIP", false},
		{"the exemption is over, and creations carry their time", "old", "NodePort", true},
		{"it needs no exemption either", "old", "ClusterIP", false},
		{"the exemption is over, which an update cannot know", "old", "NodePort", false},
	} {
		out, err := c.try(t, service(step.name, step.kind), "apply", "--server-side", "-f", "-")
		if (err != nil) != step.refused || step.refused && !strings.Contains(out, "EXP-001") {
			t.Errorf("%s: refused %v, want %v\n%s", step.why, err != nil, step.refused, out)
		}
	}
	var docs bytes.Buffer
	if err := objects.Write(&docs); err != nil {
		t.Fatal(err)
	}
	if end := now.Add(-time.Minute).UTC().Format(time.RFC3339); !strings.Contains(docs.String(), backstop.EndAnnotation+": \""+end+`"`) {
		t.Errorf("no policy says that an exemption ends at %s", end)
	}
}
