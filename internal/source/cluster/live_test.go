// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

func key(kind, namespace, name string) inventory.Key {
	for _, k := range inventory.Kinds() {
		if k.GroupKind.String() == kind {
			return inventory.Key{Kind: k.GroupKind, Namespace: namespace, Name: name}
		}
	}
	return inventory.Key{}
}

func crd(kind inventory.Kind, versions ...string) *apiextensionsv1.CustomResourceDefinition {
	yes := true
	d := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{
			Name: kind.Resource + "." + kind.Group,
			// The API server takes definitions of this group only with an approval.
			Annotations: map[string]string{apiextensionsv1.KubeAPIApprovedAnnotation: "https://github.com/kubernetes-sigs/gateway-api/pull/891"},
		},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: kind.Group, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: kind.Resource, Kind: kind.GroupKind.Kind},
		},
	}
	for i, v := range versions {
		d.Spec.Versions = append(d.Spec.Versions, apiextensionsv1.CustomResourceDefinitionVersion{
			Name: v, Served: true, Storage: i == 0,
			Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &yes}},
		})
	}
	return d
}

func statusOf(l *Live, k inventory.Key) KindStatus {
	for _, s := range l.Status() {
		if s.Kind == k.Kind {
			return s
		}
	}
	return KindStatus{}
}

func TestALiveInventoryFollowsTheCluster(t *testing.T) {
	c := newClient(t, controlplane.Get(t).RESTConfig())
	ns := namespaceName(t)
	create(t, c, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns, Labels: map[string]string{"a": "b"}}})
	l := NewLive(c, LiveOptions{})
	if l.HasSynced() || l.Inventory() == nil || l.Inventory().Namespace(ns) != nil {
		t.Fatal("a Live that was not started claims to know something")
	}
	start(t, l)
	sync1(t, l)
	if n := l.Inventory().Namespace(ns); n == nil || n.Labels["a"] != "b" || n.ManagedFields != nil {
		t.Fatalf("got %#v", n)
	}
	pod := key("Pod", ns, "p")
	create(t, c, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "p", Labels: map[string]string{"app": "x"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "b"}}},
	})
	controlplane.Eventually(t, time.Minute, "the pod is seen", controlplane.Holds(func() bool { return l.Inventory().Entry(pod) != nil }))
	if e := l.Inventory().Entry(pod); e.Object != nil || e.Workload == nil || e.Workload.Labels["app"] != "x" {
		t.Errorf("got %#v", e)
	}
	before := l.Generation()
	create(t, c, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "web"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}})
	controlplane.Eventually(t, time.Minute, "the service is seen", controlplane.Holds(func() bool { return l.Inventory().Service(ns, "web") != nil }))
	if l.Generation() <= before {
		t.Error("a new version has no new number")
	}
	remove1(t, c, key("Service", ns, "web"))
	controlplane.Eventually(t, time.Minute, "the service is gone", controlplane.Holds(func() bool { return l.Inventory().Service(ns, "web") == nil }))
	if s := statusOf(l, pod); s.State != Complete || s.Objects == 0 || s.LastEvent.IsZero() || s.LastSync.IsZero() || s.Err != nil {
		t.Errorf("got %+v", s)
	}
	if s := statusOf(l, key("ApisixRoute.apisix.apache.org", "", "")); s.State != NotInstalled {
		t.Errorf("got %+v", s)
	}
	if err := l.Start(t.Context()); err == nil {
		t.Error("Start ran twice")
	}
}

// TestKindsComeAndGo installs a definition, uses it, and removes it, twice, for a
// kind with a type in an older version and for one without.
func TestKindsComeAndGo(t *testing.T) {
	c := newClient(t, controlplane.Get(t).RESTConfig())
	l := NewLive(c, LiveOptions{})
	start(t, l)
	sync1(t, l)
	route := kindsNamed(t, "TCPRoute.gateway.networking.k8s.io")[0]
	traefik := kindsNamed(t, "IngressRoute.traefik.io")[0]
	for name, tc := range map[string]struct {
		kind    inventory.Kind
		version string
	}{
		"a typed kind in its own version":    {kindsNamed(t, "UDPRoute.gateway.networking.k8s.io")[0], "v1"},
		"a typed kind in an older version":   {route, "v1alpha2"},
		"a kind without type":                {traefik, traefik.Version},
		"a kind without type, other version": {kindsNamed(t, "HTTPProxy.projectcontour.io")[0], "v9"},
	} {
		t.Run(name, func(t *testing.T) {
			k := inventory.Key{Kind: tc.kind.GroupKind, Namespace: "default", Name: "r"}
			for range 2 {
				if s := statusOf(l, k); s.State != NotInstalled {
					t.Fatalf("before: %+v", s)
				}
				create(t, c, crd(tc.kind, tc.version))
				controlplane.Eventually(t, time.Minute, "the kind is watched", controlplane.Holds(func() bool { return statusOf(l, k).State == Complete }))
				o := &unstructured.Unstructured{}
				o.SetGroupVersionKind(tc.kind.GroupKind.WithVersion(tc.version))
				o.SetName("r")
				o.Object["spec"] = map[string]any{"rules": []any{map[string]any{"backendRefs": []any{map[string]any{"name": "web", "port": int64(80)}}}}}
				r := c.dynamic.Resource(tc.kind.GVR().GroupResource().WithVersion(tc.version)).Namespace("default")
				if _, err := r.Create(t.Context(), o, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
				controlplane.Eventually(t, time.Minute, "the object is seen", controlplane.Holds(func() bool { return l.Inventory().Entry(k) != nil }))
				if tr, ok := l.Inventory().Entry(k).Object.(*gatewayv1.TCPRoute); tc.kind.Resource == route.Resource && (!ok || len(inventory.Backends(tr)) != 1) {
					t.Errorf("got %#v", l.Inventory().Entry(k).Object)
				}
				remove1(t, c, key("CustomResourceDefinition.apiextensions.k8s.io", "", tc.kind.Resource+"."+tc.kind.Group))
				controlplane.Eventually(t, time.Minute, "the object is gone", controlplane.Holds(func() bool { return l.Inventory().Entry(k) == nil }))
				controlplane.Eventually(t, time.Minute, "the kind is gone", controlplane.Holds(func() bool { return statusOf(l, k).State == NotInstalled }))
				if !l.HasSynced() {
					t.Error("a kind that went away unsynced the inventory")
				}
			}
		})
	}
}

func TestAKindThatMayNotBeReadIsNeverSynced(t *testing.T) {
	config := controlplane.Get(t).RESTConfig()
	config.Impersonate = rest.ImpersonationConfig{UserName: "nobody", Groups: []string{"system:authenticated"}}
	var mu sync.Mutex
	var seen error
	l := NewLive(newClient(t, config), LiveOptions{Kinds: kindsNamed(t, "Service"), Hooks: Hooks{WatchError: func(_ inventory.Kind, err error) {
		mu.Lock()
		defer mu.Unlock()
		seen = err
	}}})
	start(t, l)
	controlplane.Eventually(t, time.Minute, "the refusal is reported", controlplane.Holds(func() bool { return statusOf(l, key("Service", "", "")).State == Unreadable }))
	mu.Lock()
	defer mu.Unlock()
	if !apierrors.IsForbidden(seen) || l.HasSynced() {
		t.Errorf("got %v, synced: %t", seen, l.HasSynced())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.WaitForSync(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
