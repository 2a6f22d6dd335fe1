// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// anyRoute defines HTTPRoute with any content: what is tested is who refuses it.
const anyRoute = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: httproutes.gateway.networking.k8s.io
  annotations: {api-approved.kubernetes.io: "https://github.com/kubernetes-sigs/gateway-api/pull/2997"}
spec:
  group: gateway.networking.k8s.io
  scope: Namespaced
  names: {kind: HTTPRoute, listKind: HTTPRouteList, plural: httproutes, singular: httproute}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

func selfService(namespace, name, spec string) string {
	return `{apiVersion: v1, kind: Service, metadata: {name: self, namespace: ` + namespace + `, labels: {app.kubernetes.io/name: ` + name + `}}, spec: ` + spec + `}`
}

func selfIngress(backend string) string {
	return `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: self, namespace: gatehouse-system}, spec: {` + backend + `}}`
}

// TestOurNamespaceOpensNoWayToUs is SELF-005 where admission does not depend on
// Gatehouse: neither the webhook nor the controller runs.
func TestOurNamespaceOpensNoWayToUs(t *testing.T) {
	cp := install(t)
	kubectl(t, cp, "", "delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "gatehouse", "--ignore-not-found")
	kubectl(t, cp, anyRoute, "apply", "-f", "-")
	t.Cleanup(func() { _, _, _ = cp.Kubectl(t.Context(), "delete", "crd", "httproutes.gateway.networking.k8s.io") })
	kubectl(t, cp, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/httproutes.gateway.networking.k8s.io")
	const (
		ports   = `selector: {app.kubernetes.io/name: gatehouse-webhook}, ports: [{port: 80}]`
		gateway = `selector: {app.kubernetes.io/name: gatehouse-gateway}, ports: [{port: 80}]`
	)
	path := func(service string) string {
		return `rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: ` + service + `, port: {number: 443}}}}]}}]`
	}
	route := func(service string) string {
		return `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: self, namespace: gatehouse-system}, spec: {rules: [{backendRefs: [{name: other}, {name: ` + service + `}]}]}}`
	}
	settled(t, cp, selfService(installed, "self", `{type: NodePort, `+ports+`}`))
	for name, tc := range map[string]struct {
		object  string
		refused bool
	}{
		"a node port":                             {selfService(installed, "self", `{type: NodePort, `+ports+`}`), true},
		"a load balancer":                         {selfService(installed, "self", `{type: LoadBalancer, `+ports+`}`), true},
		"an external address":                     {selfService(installed, "self", `{externalIPs: [203.0.113.1], `+ports+`}`), true},
		"a cluster address is not":                {selfService(installed, "self", `{`+ports+`}`), false},
		"the gateway is not":                      {selfService(installed, "gatehouse-gateway", `{type: LoadBalancer, `+gateway+`}`), false},
		"what only says that it is the gateway":   {selfService(installed, "gatehouse-gateway", `{type: LoadBalancer, `+ports+`}`), true},
		"a node port elsewhere is for others":     {selfService("default", "self", `{type: NodePort, `+ports+`}`), false},
		"an Ingress to the webhook":               {selfIngress(path("gatehouse-webhook")), true},
		"an Ingress to something else is not":     {selfIngress(path("docs")), false},
		"an Ingress whose default is the webhook": {selfIngress(`defaultBackend: {service: {name: gatehouse-webhook, port: {number: 443}}}`), true},
		"an Ingress with a resource is not":       {selfIngress(`defaultBackend: {resource: {apiGroup: example.com, kind: Bucket, name: gatehouse-webhook}}`), false},
		"a route to the controller":               {route("gatehouse-controller"), true},
		"a route to something else is not":        {route("docs"), false},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems, err := cp.KubectlInput(t.Context(), strings.NewReader(tc.object), "apply", "--dry-run=server", "-f", "-")
			if refused := err != nil; refused != tc.refused || refused && !strings.Contains(problems, "SELF-005") {
				t.Errorf("refused is %t (%s), want %t", refused, problems, tc.refused)
			}
		})
	}
}

// TestWhatStandsInOurNamespaceCanBeMended: a Service that was open before the
// policy came can still be labelled, and closed.
func TestWhatStandsInOurNamespaceCanBeMended(t *testing.T) {
	cp := install(t)
	kubectl(t, cp, "", "delete", "validatingadmissionpolicybinding", "gatehouse-self")
	const spec = `{type: NodePort, selector: {app: a}, ports: [{port: 80}]}`
	controlplane.Eventually(t, time.Minute, "an open Service is stored", func() error {
		_, _, err := cp.KubectlInput(t.Context(), strings.NewReader(selfService(installed, "old", spec)), "apply", "-f", "-")
		return err
	})
	t.Cleanup(func() { _, _, _ = cp.Kubectl(t.Context(), "delete", "service", "self", "-n", installed) })
	install(t)
	kubectl(t, cp, "", "delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "gatehouse", "--ignore-not-found")
	settled(t, cp, strings.Replace(selfService(installed, "old", spec), "name: self", "name: other", 1))
	kubectl(t, cp, "", "label", "service", "self", "-n", installed, "seen=yes")
	if _, problems, err := cp.Kubectl(t.Context(), "patch", "service", "self", "-n", installed, "-p", `{"spec":{"sessionAffinity":"ClientIP"}}`); err == nil || !strings.Contains(problems, "SELF-005") {
		t.Errorf("its spec was changed: %v %s", err, problems)
	}
	kubectl(t, cp, "", "patch", "service", "self", "-n", installed, "-p", `{"spec":{"type":"ClusterIP"}}`)
}

// settled waits until the API server refuses an object: it takes a policy into
// account some time after it was written.
func settled(t *testing.T, cp *controlplane.ControlPlane, object string) {
	t.Helper()
	controlplane.Eventually(t, time.Minute, "the policy is in force", func() error {
		_, problems, err := cp.KubectlInput(t.Context(), strings.NewReader(object), "apply", "--dry-run=server", "-f", "-")
		if err == nil || !strings.Contains(problems, "SELF-005") {
			return fmt.Errorf("it does not refuse: %s", problems)
		}
		return nil
	})
}
