// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"
)

const doors = `apiVersion: v1
kind: Service
metadata:
  name: door
  namespace: attack
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-internal: "true"
    service.beta.kubernetes.io/aws-load-balancer-scheme: internal
spec:
  selector: {app: door}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: door, namespace: attack}
spec:
  ingressClassName: gatehouse
  tls: [{hosts: [door.example.com], secretName: door}]
  rules:
  - host: door.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: door, port: {number: 80}}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: door, namespace: attack, labels: {app: quiet}}
spec:
  automountServiceAccountToken: false
  containers: [{name: grafana, image: grafana/grafana:12, ports: [{containerPort: 8080}]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: door, namespace: attack}
spec:
  selector: {matchLabels: {app: quiet}}
  template:
    metadata: {labels: {app: quiet}}
    spec: {automountServiceAccountToken: false, containers: [{name: app, image: example.com/app:1}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: door, namespace: attack}
spec:
  serviceName: door
  selector: {matchLabels: {app: quiet}}
  template:
    metadata: {labels: {app: quiet}}
    spec: {automountServiceAccountToken: false, containers: [{name: app, image: example.com/app:1}]}
`

// TestNoWayAroundBySubresource shows that what the API server stores by another
// path than the object's own is judged all the same: some status subresources
// take labels and annotations as well.
func TestNoWayAroundBySubresource(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	c.optIn(t, "attack", "gatehouse.sh/admission: enforce", "denied")
	c.try(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: attack}\n", "apply", "-f", "-")
	c.kubectl(t, doors, "apply", "-f", "-")
	t.Cleanup(func() { c.try(t, "", "delete", "namespace", "attack", "--wait=false") })

	for name, tc := range map[string]struct {
		args    []string
		refused bool
		says    string
	}{
		"a snippet through the status of an Ingress": {
			[]string{"patch", "ingress", "door", "--subresource=status", "--type=merge", "-p", `{"metadata":{"annotations":{"kubernetes.io/ingress.class":"nginx","nginx.ingress.kubernetes.io/server-snippet":"return 200;"}}}`}, true, "EXP-024",
		},
		"another class through the status of an Ingress": {
			[]string{"patch", "ingress", "door", "--subresource=status", "--type=merge", "-p", `{"metadata":{"annotations":{"kubernetes.io/ingress.class":"nginx"}}}`}, true, "EXP-020",
		},
		"a published host through the status of a Service": {
			[]string{"patch", "service", "door", "--subresource=status", "--type=merge", "-p", `{"metadata":{"annotations":{"external-dns.alpha.kubernetes.io/hostname":"door.example.com"}}}`}, false, "EXP-013",
		},
		"labels of Gatehouse through the status of a Service": {
			[]string{"patch", "service", "door", "--subresource=status", "--type=merge", "-p", `{"metadata":{"labels":{"gatehouse.sh/managed":null}}}`}, true, "EXP-044",
		},
		"a mesh annotation through the status of a Pod": {
			[]string{"patch", "pod", "door", "--subresource=status", "--type=merge", "-p", `{"metadata":{"annotations":{"sidecar.istio.io/inject":"false"}}}`}, true, "EXP-044",
		},
		"a tunnel through the status of a Deployment": {
			[]string{"patch", "deployment", "door", "--subresource=status", "--type=merge", "-p", `{"metadata":{"annotations":{"skupper.io/proxy":"http"}}}`}, true, "EXP-014",
		},
		"a tunnel through the status of a StatefulSet": {
			[]string{"patch", "statefulset", "door", "--subresource=status", "--type=merge", "-p", `{"metadata":{"annotations":{"skupper.io/proxy":"http"}}}`}, true, "EXP-014",
		},
		"the replicas of a Deployment": {
			[]string{"patch", "deployment", "door", "--subresource=status", "--type=merge", "-p", `{"status":{"replicas":0}}`}, false, "",
		},
		"an address through the status of an Ingress": {
			[]string{"patch", "ingress", "door", "--subresource=status", "--type=merge", "-p", `{"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.7"}]}}}`}, true, "EXP-011",
		},
		"a harmless annotation through the status of a Service": {
			[]string{"patch", "service", "door", "--subresource=status", "--type=merge", "-p", `{"metadata":{"annotations":{"example.com/note":"1"}}}`}, false, "",
		},
		"the phase of a Pod": {
			[]string{"patch", "pod", "door", "--subresource=status", "--type=merge", "-p", `{"status":{"reason":"Testing"}}`}, false, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := c.try(t, "", append(tc.args, "-n", "attack")...)
			if (err != nil) != tc.refused || !strings.Contains(out, tc.says) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	t.Run("a namespace leaves by its status", func(t *testing.T) {
		out, err := c.try(t, "", "patch", "namespace", "attack", "--subresource=status", "--type=merge", "-p", `{"metadata":{"labels":{"gatehouse.sh/admission":null}}}`)
		if err == nil || !strings.Contains(out, "SELF-001") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("a namespace leaves by being finalized", func(t *testing.T) {
		doc := c.kubectl(t, "", "get", "namespace", "attack", "-o", "json")
		doc = strings.Replace(doc, `"gatehouse.sh/admission": "enforce",`, "", 1)
		out, err := c.try(t, doc, "replace", "--raw", "/api/v1/namespaces/attack/finalize", "-f", "-")
		if err == nil || !strings.Contains(out, "SELF-001") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
