// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

const (
	mayProvision = `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gatehouse-gateway-provisioner, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: gatehouse-gateway-provisioner}
subjects: [{kind: ServiceAccount, name: gatehouse-gateway, namespace: gatehouse-system}]
`
	parameters = `
apiVersion: gatehouse.sh/v1alpha1
kind: GatewayParameters
metadata: {name: own}
spec: {deployment: PerGateway, service: {type: ClusterIP}, replicas: {min: 2, max: MAX}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatehouse}
spec: {controllerName: gatehouse.sh/gateway, parametersRef: {group: gatehouse.sh, kind: GatewayParameters, name: own}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: gatehouse
  infrastructure: {labels: {team: shop}, annotations: {example.com/note: hello}}
  listeners: [{name: http, port: 80, protocol: HTTP}]
`
)

// made returns the objects of the Gateway edge, by their paths. Pods are none of them.
func (c *cluster) made(t testing.TB) map[string]*unstructured.Unstructured {
	t.Helper()
	out := map[string]*unstructured.Unstructured{}
	for kind, version := range map[string]string{
		"ServiceAccount": "v1", "ConfigMap": "v1", "Service": "v1", "Deployment": "apps/v1", "HorizontalPodAutoscaler": "autoscaling/v2", "PodDisruptionBudget": "policy/v1", "NetworkPolicy": "networking.k8s.io/v1",
	} {
		u := &unstructured.Unstructured{}
		u.SetAPIVersion(version)
		u.SetKind(kind)
		err := c.api.Get(t.Context(), ctrlclient.ObjectKey{Namespace: "shop", Name: "edge-gatehouse"}, u)
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			t.Fatal(err)
		case u.GetDeletionTimestamp() == nil:
			out[kind] = u
		}
	}
	return out
}

// TestOnlyAMissingRightIsHelpedByARole: admission refuses with the same status.
func TestOnlyAMissingRightIsHelpedByARole(t *testing.T) {
	t.Parallel()
	services := schema.GroupResource{Resource: "services"}
	for what, tc := range map[string]struct {
		err  error
		want bool
	}{
		"no right":            {apierrors.NewForbidden(services, "edge-gatehouse", errors.New(`User "u" cannot get resource "services" in API group "" in the namespace "shop"`)), true},
		"no right, wrapped":   {fmt.Errorf("read it: %w", apierrors.NewForbidden(services, "", errors.New(`User "u" cannot create resource "services"`))), true},
		"a quota":             {apierrors.NewForbidden(services, "edge-gatehouse", errors.New("exceeded quota: small")), false},
		"a webhook":           {&apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonForbidden, Message: `admission webhook "a.example" denied the request: no`}}, false},
		"it is not there":     {apierrors.NewNotFound(services, "edge-gatehouse"), false},
		"the server was away": {errors.New("connection refused"), false},
	} {
		got := said(tc.err, "shop")
		if is := strings.Contains(got.Error(), "bind ClusterRole gatehouse-gateway-provisioner in namespace shop"); is != tc.want || !errors.Is(got, tc.err) {
			t.Errorf("%s: got %v", what, got)
		}
	}
}

// TestDataPlanesAreMadeWhereThatIsGranted: nothing before an administrator grants it, then
// all, and nothing of what is another's.
func TestDataPlanesAreMadeWhereThatIsGranted(t *testing.T) {
	t.Parallel()
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	definition, err := os.ReadFile("../../manifests/crd/gatehouse.sh_gatewayparameters.yaml")
	if err != nil {
		t.Fatal(err)
	}
	grants, err := os.ReadFile("../../manifests/gateway-planes/provisioner.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c.apply(t, string(definition)+"\n---\n"+string(grants)+`
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: edge-gatehouse, namespace: shop}
data: {mine: "1"}
`)
	controlplane.Eventually(t, time.Minute, "GatewayParameters are served", func() error {
		u := &unstructured.UnstructuredList{}
		u.SetAPIVersion("gatehouse.sh/v1alpha1")
		u.SetKind("GatewayParametersList")
		return c.api.List(t.Context(), u)
	})
	page, err := os.ReadFile("../../docs/gateway-kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	var samples []string
	for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
		if text, _, _ := strings.Cut(block, "```"); strings.Contains(text, "kind: GatewayParameters") {
			samples = append(samples, text)
		}
	}
	if len(samples) == 0 {
		t.Fatal("the page has no parameters")
	}
	for _, sample := range samples {
		c.apply(t, sample)
	}
	for old, wrong := range map[string]string{"min: 2": "min: 11", "PerGateway": "Shared", "type: LoadBalancer": "type: ClusterIP", "max: 10": "max: 101", "redis.infra.svc:6379": "unix:/run/redis.sock", "timeout: 100ms": "timeout: forever"} {
		u := &unstructured.Unstructured{}
		of := slices.IndexFunc(samples, func(sample string) bool { return strings.Contains(sample, old) })
		if of < 0 {
			t.Fatalf("the page has no %q", old)
		}
		if err := yaml.Unmarshal([]byte(strings.Replace(samples[of], old, wrong, 1)), &u.Object); err != nil {
			t.Fatal(err)
		}
		if err := c.api.Patch(t.Context(), u, ctrlclient.Apply, ctrlclient.FieldOwner("test")); !apierrors.IsInvalid(err) { //nolint:staticcheck // of what has no type here
			t.Errorf("%s: %v", wrong, err)
		}
	}
	k := c.control(t, "127.0.0.1:0")
	k.make(t)
	c.apply(t, strings.Replace(parameters, "MAX", "4", 1))
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Programmed=False/NoResources"]`, "conditions")
	if all := c.made(t); len(all) != 1 {
		t.Errorf("without a grant there are %d objects", len(all))
	}
	c.apply(t, mayProvision)
	eventually := func(what string, is func(map[string]*unstructured.Unstructured) bool) {
		t.Helper()
		controlplane.Eventually(t, time.Minute, what, controlplane.Holds(func() bool { return is(c.made(t)) }))
	}
	eventually("the ServiceAccount is made", func(all map[string]*unstructured.Unstructured) bool { return all["ServiceAccount"] != nil })
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Programmed=False/NoResources"]`, "conditions")
	if all := c.made(t); all["Deployment"] != nil || all["ConfigMap"].GetLabels()[provision.MarkLabel] != "" {
		t.Errorf("the ConfigMap of somebody else was taken: %v", all["ConfigMap"])
	}
	c.remove(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: edge-gatehouse, namespace: shop}\n")
	eventually("all are made", func(all map[string]*unstructured.Unstructured) bool { return len(all) == 7 })
	for kind, u := range c.made(t) {
		said := u.GetLabels()["team"] == "shop" && u.GetLabels()["gateway.networking.k8s.io/gateway-name"] == "edge" && u.GetAnnotations()["example.com/note"] == "hello"
		if kind == "ServiceAccount" {
			said = len(u.GetAnnotations()) == 1 && u.GetLabels()["team"] == "" && u.GetLabels()[provision.MarkLabel] == "edge-gatehouse"
		}
		if owners := u.GetOwnerReferences(); len(owners) != 1 || owners[0].Kind != "Gateway" || owners[0].Controller == nil || !*owners[0].Controller || !said {
			t.Errorf("%s: %v %v %v", kind, owners, u.GetLabels(), u.GetAnnotations())
		}
	}
	template, _, err := unstructured.NestedMap(c.made(t)["Deployment"].Object, "spec", "template")
	if err != nil {
		t.Fatal(err)
	}
	pod := &unstructured.Unstructured{Object: template} // as the Deployment would make it, in a namespace that is restricted
	pod.SetAPIVersion("v1")
	pod.SetKind("Pod")
	pod.SetName("edge-1")
	pod.SetNamespace("shop")
	if err := c.api.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	k.data(t, c.token(t, "edge-gatehouse", "edge-1", Audience), "127.0.28.1", "")
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Programmed=True/Programmed"]`, "conditions")
	address, _, err := unstructured.NestedString(c.made(t)["Service"].Object, "spec", "clusterIP")
	if err != nil {
		t.Fatal(err)
	}
	c.says(t, "Gateway", "shop", "edge", `[{"type":"IPAddress","value":"`+address+`"}]`, "addresses")

	c.apply(t, strings.Replace(parameters, "MAX", "2", 1))
	eventually("there is no autoscaler for as many as there are", func(all map[string]*unstructured.Unstructured) bool {
		return len(all) == 6 && all["HorizontalPodAutoscaler"] == nil
	})
	budget := c.made(t)["PodDisruptionBudget"] // as if another control plane had come first
	budget.SetAnnotations(map[string]string{provision.ControllerAnnotation: "example.com/canary"})
	if err := c.api.Update(t.Context(), budget); err != nil {
		t.Fatal(err)
	}
	c.apply(t, `{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: another}, spec: {controllerName: example.com/canary}}`)
	c.apply(t, strings.NewReplacer("MAX", "2", "gatewayClassName: gatehouse", "gatewayClassName: another").Replace(parameters))
	eventually("nothing is left of a Gateway that is another's, but what that one has made", func(all map[string]*unstructured.Unstructured) bool {
		return len(all) == 1 && all["PodDisruptionBudget"] != nil
	})
}

// make has a control plane make data planes.
func (k *control) make(t testing.TB) {
	t.Helper()
	bundle, err := os.ReadFile(k.ca)
	if err != nil {
		t.Fatal(err)
	}
	k.remote.Trust(bundle)
	ctx, cancel := contextOf(t)
	ended := make(chan struct{})
	go func() { defer close(ended); k.remote.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}
