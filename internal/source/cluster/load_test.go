// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// stubAPI serves Services in pages, so that what a real server does only after
// minutes or under load can be had at will.
type stubAPI struct {
	mu       sync.Mutex
	requests []string
	services http.HandlerFunc
}

func (a *stubAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.requests = append(a.requests, r.URL.RequestURI())
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/api":
		answer(w, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
	case "/apis":
		answer(w, metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}})
	case "/api/v1":
		answer(w, metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: "v1",
			APIResources: []metav1.APIResource{{Name: "services", Kind: "Service", Namespaced: true}, {Name: "pods", Kind: "Pod", Namespaced: true}},
		})
	case "/api/v1/services":
		a.services(w, r)
	default:
		refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden)
	}
}

func answer(w http.ResponseWriter, o any) {
	_ = json.NewEncoder(w).Encode(o)
}

func refuse(w http.ResponseWriter, code int32, reason metav1.StatusReason) {
	w.WriteHeader(int(code))
	answer(w, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: code, Reason: reason, Message: "no",
	})
}

func servicePage(w http.ResponseWriter, next string, names ...string) {
	list := corev1.ServiceList{TypeMeta: metav1.TypeMeta{Kind: "ServiceList", APIVersion: "v1"}, ListMeta: metav1.ListMeta{Continue: next}}
	for _, n := range names {
		list.Items = append(list.Items, corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: n}})
	}
	answer(w, list)
}

func kindsNamed(t testing.TB, names ...string) []inventory.Kind {
	t.Helper()
	var out []inventory.Kind
	for _, n := range names {
		gk := schema.ParseGroupKind(n)
		k, known := inventory.KindOf(gk)
		if !known {
			t.Fatalf("no kind %s", n)
		}
		out = append(out, k)
	}
	return out
}

func TestKindsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	expired := false
	for name, tc := range map[string]struct {
		services http.HandlerFunc
		want     string // names, or the start of the coverage
		fails    bool
	}{
		"one page": {func(w http.ResponseWriter, _ *http.Request) { servicePage(w, "", "x") }, "x", false},
		"two pages": {func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Query().Get("limit") != "500":
				refuse(w, http.StatusBadRequest, metav1.StatusReasonBadRequest)
			case r.URL.Query().Get("continue") == "":
				servicePage(w, "more", "x")
			default:
				servicePage(w, "", "y")
			}
		}, "x,y", false},
		"a list that takes too long": {func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Query().Get("continue") != "":
				expired = true
				refuse(w, http.StatusGone, metav1.StatusReasonExpired)
			case expired:
				servicePage(w, "", "x", "y", "z")
			default:
				servicePage(w, "more", "x")
			}
		}, "x,y,z", false},
		"a kind that may not be listed": {func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden)
		}, "Service: unreadable: list services: ", false},
		"a second page that may not be listed": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("continue") != "" {
				refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden)
				return
			}
			servicePage(w, "more", "x")
		}, "Service: unreadable: list services: ", false},
		"a caller that is not known": {func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, http.StatusUnauthorized, metav1.StatusReasonUnauthorized)
		}, "Service: unreadable: list services: ", true},
		"an answer that is not one": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "{")
		}, "Service: unreadable: list services: ", true},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(&stubAPI{services: tc.services})
			defer server.Close()
			progress := 0
			s, err := newClient(t, &rest.Config{Host: server.URL}).Load(t.Context(), LoadOptions{
				Kinds: kindsNamed(t, "Service"), Progress: func(_ inventory.Kind, n int) { progress = n },
			})
			if (err != nil) != tc.fails {
				t.Errorf("got error %v", err)
			}
			var names []string
			for _, o := range s.Objects {
				names = append(names, o.GetName())
			}
			if got := strings.Join(names, ","); got != tc.want && !(len(names) == 0 && strings.HasPrefix(s.Coverage[0].String(), tc.want)) {
				t.Errorf("got %q with coverage %s, want %q", got, s.Coverage[0], tc.want)
			}
			if (len(s.Unread()) == 0) != (len(names) > 0) {
				t.Errorf("got %d objects and unread %v", len(names), s.Unread())
			}
			if len(names) > 0 && progress != len(names) {
				t.Errorf("progress ended at %d of %d", progress, len(names))
			}
		})
	}
}

func TestAServerThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	s, err := newClient(t, &rest.Config{Host: server.URL}).Load(t.Context(), LoadOptions{})
	if err == nil || len(s.Unread()) != len(inventory.Readable()) {
		t.Errorf("got %v and %d unread kinds", err, len(s.Unread()))
	}
}

func TestARealClusterIsRead(t *testing.T) {
	cp := controlplane.Get(t)
	c := newClient(t, cp.RESTConfig())
	ns := namespaceName(t)
	create(t, c, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
	create(t, c, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "web"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}})

	s, err := c.Load(t.Context(), LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	inv := inventory.New(s.Objects...)
	if svc := inv.Service(ns, "web"); svc == nil || svc.Kind != "Service" || svc.ManagedFields != nil {
		t.Errorf("got %#v", svc)
	}
	if len(s.Unread()) > 0 {
		t.Errorf("unread: %v", s.Unread())
	}
	states := map[State]int{}
	for _, cover := range s.Coverage {
		k, _ := inventory.KindOf(cover.Kind)
		if k.BuiltIn != (cover.State == Complete) {
			t.Errorf("got %s", cover)
		}
		states[cover.State]++
	}
	if states[Complete] == 0 || states[NotInstalled] == 0 {
		t.Errorf("got %v", states)
	}
}

// TestWhatMayNotBeReadIsSaid reads as a user with few rights.
func TestWhatMayNotBeReadIsSaid(t *testing.T) {
	cp := controlplane.Get(t)
	admin := newClient(t, cp.RESTConfig())
	name := namespaceName(t)
	create(t, admin, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"services"}, Verbs: []string{"list"}}}})
	create(t, admin, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: name}},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
	})
	config := cp.RESTConfig()
	config.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: []string{"system:authenticated"}}
	c := newClient(t, config)
	var s Snapshot
	controlplane.Eventually(t, time.Minute, "the role counts", controlplane.Holds(func() bool {
		var err error
		if s, err = c.Load(t.Context(), LoadOptions{Kinds: kindsNamed(t, "Service", "Pod", "HTTPRoute.gateway.networking.k8s.io")}); err != nil {
			t.Fatal(err)
		}
		return s.Coverage[0].State == Complete
	}))
	if s.Coverage[1].State != Unreadable || s.Coverage[1].Err == nil || s.Coverage[2].State != NotInstalled || len(s.Unread()) != 1 {
		t.Errorf("got %v", s.Coverage)
	}
}

// TestOneNamespaceIsReadWhole: a kind is listed where it was asked for, kinds without
// namespaces are not, and what connections are read from is kept when asked for.
func TestOneNamespaceIsReadWhole(t *testing.T) {
	cp := controlplane.Get(t)
	c := newClient(t, cp.RESTConfig())
	here, elsewhere := namespaceName(t), namespaceName(t)+"-elsewhere"
	for _, ns := range []string{here, elsewhere} {
		create(t, c, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
		create(t, c, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "web"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}})
		create(t, c, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "web"}})
	}
	own := kindsNamed(t, "Service")[0]
	own.New = nil // as kinds are that an inventory does not know
	for name, tc := range map[string]struct {
		kinds      []inventory.Kind
		namespaces []string
		objects    int
		coverage   string
	}{
		"one":                       {kindsNamed(t, "ConfigMap", "Service", "Node"), []string{here}, 2, "ConfigMap in " + here + ": complete"},
		"two":                       {kindsNamed(t, "Service"), []string{here, elsewhere}, 2, "Service in " + here + ": complete"},
		"none of that name":         {kindsNamed(t, "Service"), []string{"nowhere"}, 0, "Service in nowhere: complete"},
		"of a kind without a type":  {[]inventory.Kind{own}, []string{here}, 1, "Service in " + here + ": complete"},
		"a kind without namespaces": {kindsNamed(t, "Node"), []string{here}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := c.Load(t.Context(), LoadOptions{Kinds: tc.kinds, Namespaces: tc.namespaces})
			if err != nil || len(s.Objects) != tc.objects {
				t.Errorf("got %d objects, want %d: %v", len(s.Objects), tc.objects, err)
			}
			first := ""
			if len(s.Coverage) > 0 {
				first = s.Coverage[0].String()
			}
			if first != tc.coverage {
				t.Errorf("got %q, want %q", first, tc.coverage)
			}
		})
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: here, Name: "p"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "c", Env: []corev1.EnvVar{{Name: "CARTS", Value: "carts:80"}}}}}}
	create(t, c, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: here, Name: "default"}})
	create(t, c, pod)
	for _, keep := range []bool{true, false} {
		s, err := c.Load(t.Context(), LoadOptions{Kinds: kindsNamed(t, "Pod"), Namespaces: []string{here}, Connections: keep})
		if err != nil || len(s.Objects) != 1 {
			t.Fatal(s.Objects, err)
		}
		if got := len(s.Objects[0].(*corev1.Pod).Spec.Containers[0].Env) > 0; got != keep {
			t.Errorf("kept %t, want %t", got, keep)
		}
	}
}
