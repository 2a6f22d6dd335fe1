// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// fenced is a Controller whose stores are filled by hand. The API server answers its fence
// when it is let, with no policies; its clock stands.
type fenced struct {
	t       *testing.T
	c       *Controller
	answers chan struct{}
	clock   time.Time
	version int
	served  []Served
}

func (f *fenced) Serve(_ context.Context, all []Served) { f.served = all }
func (f *fenced) State(translate.Name) State            { return State{} }
func (f *fenced) Changed() <-chan struct{}              { return nil }

// newFenced serves route x of namespace shop, which leads to Service private under a policy.
func newFenced(t *testing.T) *fenced {
	f := &fenced{t: t, answers: make(chan struct{}), clock: time.Unix(1_000_000, 0)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-f.answers:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"5"},"items":[]}`)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	c, err := New(&rest.Config{Host: server.URL}, Options{Plane: f, Log: logr.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	f.c = c
	c.fence.now = func() time.Time { return f.clock }
	for _, k := range c.kinds {
		w := &watcher{kind: k, store: newStore(c.changedOf(k)), done: make(chan struct{})}
		if err := w.Replace(nil, "1"); err != nil {
			t.Fatal(err)
		}
		c.watchers[k] = w
	}
	c.known = true
	f.put(&corev1.Namespace{}, `{metadata: {name: shop}}`)
	f.put(&gatewayv1.GatewayClass{}, `{metadata: {name: gatehouse}, spec: {controllerName: gatehouse.sh/gateway}}`)
	f.put(&gatewayv1.Gateway{}, `{metadata: {name: edge, namespace: infra}, spec: {gatewayClassName: gatehouse, listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]}}`)
	for _, service := range []string{"private", "public"} {
		f.put(&corev1.Service{}, `{metadata: {name: `+service+`, namespace: shop}, spec: {ports: [{port: 80}]}}`)
	}
	f.route("x", "x", "private")
	f.put(&v1alpha1.AccessPolicy{}, `{metadata: {name: x, namespace: shop}, spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: x}], authentication: {anyOf: [{name: nobody, anonymous: {}}]}, authorization: {rules: [{name: inside, allow: {sourceRanges: [192.0.2.0/24]}}]}}}`)
	f.translate()
	f.pass()
	f.translate()
	f.serves("x.example.com private guarded")
	return f
}

func (f *fenced) store(kind string) *store {
	f.t.Helper()
	for k, w := range f.c.watchers {
		if k.name == kind {
			return w.store
		}
	}
	f.t.Fatalf("%s is not watched", kind)
	return nil
}

// put has a watch bring an object.
func (f *fenced) put(o object, text string) {
	f.t.Helper()
	if err := yaml.Unmarshal([]byte(text), o); err != nil {
		f.t.Fatal(err)
	}
	f.version++
	o.SetResourceVersion(strconv.Itoa(f.version))
	o.SetGeneration(int64(f.version))
	o.SetUID(types.UID(o.GetName()))
	_, kind, _ := strings.Cut(fmt.Sprintf("%T", o), ".")
	if err := f.store(kind).Update(o); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fenced) route(name, host, to string) {
	f.t.Helper()
	f.put(&gatewayv1.HTTPRoute{}, `{metadata: {name: `+name+`, namespace: shop}, spec: {parentRefs: [{name: edge, namespace: infra}], hostnames: [`+host+`.example.com], rules: [{backendRefs: [{name: `+to+`, port: 80}]}]}}`)
}

// remove has a watch tell that an object of namespace shop has gone.
func (f *fenced) remove(kind, name string) {
	f.t.Helper()
	s := f.store(kind)
	if err := s.Delete(s.get(translate.Name{Namespace: "shop", Name: name})); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fenced) translate() { f.c.translate(f.t.Context(), true) }

// pass has what is asked for be answered.
func (f *fenced) pass() {
	f.t.Helper()
	for range f.c.fence.guards {
		f.answers <- struct{}{}
	}
	controlplane.Eventually(f.t, 10*time.Second, "the trial has passed", controlplane.Holds(f.c.fence.trial.passed.Load))
}

// serves tells of each route its host, where it leads to, and whether there is a policy.
func (f *fenced) serves(want ...string) {
	f.t.Helper()
	var got []string
	for i := range f.served {
		if f.served[i].Snapshot == nil {
			continue
		}
		for _, r := range f.served[i].Snapshot.Routes {
			to := "an error"
			if name := r.Backends[0].Name; name != "" {
				to = strings.Split(name, "/")[1]
			}
			guarded := "open"
			if len(r.Access) > 0 {
				guarded = "guarded"
			}
			got = append(got, strings.Join(r.Hosts, ",")+" "+to+" "+guarded)
		}
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		f.t.Errorf("served %q, want %q", got, want)
	}
}

// TestWhatIsServedIsNoStateThatNeverWas: what is new waits, and what went with it may have
// gone already. One trial passes just then, or the API server does not answer for long.
func TestWhatIsServedIsNoStateThatNeverWas(t *testing.T) {
	t.Parallel()
	ending := metav1.NewTime(time.Unix(1_000_000, 0))
	for name, tc := range map[string]struct {
		happens      func(*fenced)
		passed, late []string // what is served, beside the route of another trial
	}{
		"a route is changed, and then its policy goes": {
			func(f *fenced) { f.route("x", "x", "public"); f.remove("AccessPolicy", "x") },
			[]string{"x.example.com private guarded"},
			[]string{"x.example.com private guarded"},
		},
		"a route goes, and then its policy": {
			func(f *fenced) {
				f.route("y", "y", "public")
				f.remove("HTTPRoute", "x")
				f.remove("AccessPolicy", "x")
			},
			[]string{"x.example.com private guarded"},
			nil,
		},
		"a namespace ends, of which policies go first": {
			func(f *fenced) {
				f.put(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &ending}}, `{metadata: {name: shop}}`)
				f.remove("AccessPolicy", "x")
			},
			nil, nil,
		},
		"a route takes the place of another one": {
			func(f *fenced) { f.route("y", "x", "private"); f.remove("HTTPRoute", "x") },
			[]string{"x.example.com private guarded"},
			nil,
		},
		"a Service takes the place of another one": {
			func(f *fenced) {
				f.put(&corev1.Service{}, `{metadata: {name: newer, namespace: shop}, spec: {ports: [{port: 80}]}}`)
				f.route("x", "x", "newer")
				f.remove("Service", "private")
			},
			[]string{"x.example.com private guarded"},
			[]string{"x.example.com an error guarded"},
		},
		"a route leads elsewhere, and its Service goes": {
			func(f *fenced) { f.route("x", "x", "public"); f.remove("Service", "private") },
			[]string{"x.example.com private guarded"},
			[]string{"x.example.com an error guarded"},
		},
		"a policy is made": {
			func(f *fenced) {
				f.route("x", "x", "public")
				f.put(&v1alpha1.TrafficPolicy{}, `{metadata: {name: x, namespace: shop}, spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: x}]}}`)
			},
			[]string{"x.example.com private guarded"},
			[]string{"x.example.com private guarded"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("another trial passes", func(t *testing.T) {
				t.Parallel()
				f := newFenced(t)
				f.put(&corev1.Service{}, `{metadata: {name: other, namespace: other}, spec: {ports: [{port: 80}]}}`)
				f.translate()
				tc.happens(f)
				f.pass()
				f.translate()
				f.serves(tc.passed...)
			})
			t.Run("there is no answer", func(t *testing.T) {
				t.Parallel()
				f := newFenced(t)
				tc.happens(f)
				f.translate()
				f.clock = f.clock.Add(patience)
				f.translate()
				f.serves(tc.late...)
			})
		})
	}
}
