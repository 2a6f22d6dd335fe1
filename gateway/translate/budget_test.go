// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

const budgeted = openEdge + `---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: big}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: small}
spec: {ports: [{port: 80}]}
`

// heavy is a route of so many rules of 64 KiB each, which is the nth that was made.
func heavy(namespace string, n, rules int) *gatewayv1.HTTPRoute {
	port, parent := gatewayv1.PortNumber(80), gatewayv1.Namespace("infra")
	r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("r%02d", n), CreationTimestamp: metav1.Unix(int64(n), 0)}}
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{Namespace: &parent, Name: "edge"}}
	r.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(fmt.Sprintf("h%d.%s.example.com", n, namespace))}
	for i := range rules {
		path, prefix := fmt.Sprintf("/%d", i), gatewayv1.PathMatchPathPrefix
		own := gatewayv1.HTTPRouteRule{
			Matches:     []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: &prefix, Value: &path}}},
			BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{Name: "a", Port: &port}}}},
		}
		set := &gatewayv1.HTTPHeaderFilter{}
		for h := range 16 {
			set.Set = append(set.Set, gatewayv1.HTTPHeader{Name: gatewayv1.HTTPHeaderName(fmt.Sprintf("X-%d", h)), Value: strings.Repeat("x", 4096)})
		}
		own.Filters = []gatewayv1.HTTPRouteFilter{{Type: gatewayv1.HTTPRouteFilterRequestHeaderModifier, RequestHeaderModifier: set}}
		r.Spec.Rules = append(r.Spec.Rules, own)
	}
	return r
}

// said is why a parent of a route is not accepted; "" if it is.
func said(t *testing.T, r *Result, of *gatewayv1.HTTPRoute) string {
	t.Helper()
	all := r.Routes[Route{"HTTPRoute", nameOf(of)}]
	if len(all) != 1 {
		t.Fatalf("%s has %d parents", of.Name, len(all))
	}
	for _, c := range all[0].Conditions {
		if c.Type == accepted && c.Status != metav1.ConditionTrue {
			return c.Message
		}
	}
	return ""
}

// TestANamespaceHasItsPartOfAGateway: of the routes of one that has too many the youngest are
// closed, and those of another one are served, however young.
func TestANamespaceHasItsPartOfAGateway(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct{ routes, served int }{
		"as many as there is room for": {15, 15},
		"more":                         {40, 15}, // of 8 times 64 KiB and some more
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := read(t, []byte(budgeted))
			for n := range tc.routes {
				o.HTTPRoutes = append(o.HTTPRoutes, heavy("big", n, 8))
			}
			young := heavy("small", 1000, 1)
			o.HTTPRoutes = append(o.HTTPRoutes, young)
			r := Translate(o, options)
			s := r.Snapshots[Name{Namespace: "infra", Name: "edge"}]
			if s == nil {
				t.Fatal("there is no snapshot", r.Faults)
			}
			for n, of := range o.HTTPRoutes {
				why := said(t, r, of)
				if fits := n < tc.served || of == young; fits != (why == "") || !fits && !strings.Contains(why, "what namespace big adds to this Gateway") {
					t.Errorf("%s of %s: %q", of.Name, of.Namespace, why)
				}
			}
			closed := 0
			for _, route := range s.Routes {
				if len(route.Backends) == 1 && route.Backends[0].Status == 500 && len(route.Matches) == 1 && route.Matches[0].Path.Prefix != "" && len(route.Hosts) == 1 && route.Access == nil {
					closed++
				}
			}
			if want := 8 * (tc.routes - tc.served); closed < want-7 || closed > want {
				t.Errorf("%d rules are closed, want %d", closed, want)
			}
			if text, err := s.Encode(); err != nil || len(text) > maxOfNamespace+maxClosed+(1<<17) {
				t.Errorf("the snapshot has %d bytes, %v", len(text), err)
			}
		})
	}
}

// TestWhatClosesHasABound, too: routes without end do not make a snapshot without end.
func TestWhatClosesHasABound(t *testing.T) {
	t.Parallel()
	b := &snapshotBuilder{gateway: &gateway{}, budget: newBudget()}
	b.budget.served["big"] = maxOfNamespace
	r := &route{of: httpRouteKind, name: Name{Namespace: "big", Name: "r"}}
	own := &rule{size: 1 << 10, matches: []config.Match{{Path: config.PathMatch{Exact: "/a"}, Method: "GET"}}}
	n := 0
	for ; n < maxClosed; n++ {
		got := b.fits(r, own, []string{"a.example.com"})
		if got == nil {
			break
		}
		if got == own || len(got.matches) != 1 || got.matches[0].Path != own.matches[0].Path || got.matches[0].Method != "" || got.Backends[0].Status != 500 {
			t.Fatalf("got %+v", got)
		}
	}
	if want := maxClosed / (128 + len("a.example.com") + 4 + 128 + len("/a")); n != want {
		t.Errorf("%d are closed, want %d", n, want)
	}
}

// TestSecretsAndAuthoritiesCountToo: of policies the youngest is broken, and a backend whose
// authorities have no room is spoken to by nobody.
func TestSecretsAndAuthoritiesCountToo(t *testing.T) {
	t.Parallel()
	big := func(name string) *policy {
		p := &policy{of: accessPolicyKind, name: Name{Namespace: "big", Name: name}, created: time.Unix(int64(len(name)), 0)}
		p.access = &config.AccessPolicy{Authentication: config.Authentication{AnyOf: []config.Authenticator{{APIKey: &config.APIKey{Keys: make(config.Secret, 3<<20)}}}}}
		return p
	}
	g := &gateway{}
	b := &snapshotBuilder{gateway: g, budget: newBudget(), used: map[*policy]bool{}}
	old, young := big("a"), big("bb")
	for _, p := range []*policy{young, old} {
		p.gateways = map[*gateway]*reach{g: newReach()}
		b.used[p] = true
	}
	b.afford()
	if old.gateways[g].broken != "" || !strings.Contains(young.gateways[g].broken, "namespace big") {
		t.Errorf("broken: %q, and the young one %q", old.gateways[g].broken, young.gateways[g].broken)
	}
	b.backends, b.out = map[string]bool{}, &config.Snapshot{}
	backend := func(namespace string) *config.Backend {
		return &config.Backend{Name: namespace + "/a/80", TLS: &config.BackendTLS{CAs: [][]byte{make([]byte, 4<<20)}}}
	}
	b.add([]*config.Backend{backend("big"), backend("small")})
	if b.out.Backends[0].TLS != nil || b.out.Backends[1].TLS == nil || !slices.ContainsFunc(g.events, func(e Event) bool { return e.Kind == "Service" && e.Name.Namespace == "big" }) || len(g.events) != 1 {
		t.Errorf("got TLS %v and %v, and %v", b.out.Backends[0].TLS != nil, b.out.Backends[1].TLS != nil, g.events)
	}
}

// TestACertificateHasABound, beyond which it is none.
func TestACertificateHasABound(t *testing.T) {
	t.Parallel()
	cert, key := pki.Encode(t, pki.New(t, "authority").For(t, "a.example.com"))
	x := newIndex(&Objects{}, "own")
	for what, tc := range map[string]struct {
		more int
		fits bool
	}{
		"as much as there is room for": {maxCertificate - len(cert) - len(key), true},
		"more":                         {maxCertificate - len(cert) - len(key) + 1, false},
	} {
		s := &corev1.Secret{Type: corev1.SecretTypeTLS, Data: map[string][]byte{corev1.TLSCertKey: append(slices.Clone(cert), strings.Repeat("\n", tc.more)...), corev1.TLSPrivateKeyKey: key}}
		if fault := x.unfit(Name{}, s); (fault == "") != tc.fits {
			t.Errorf("%s: %q", what, fault)
		}
	}
}

// TestAllNamespacesHaveABoundTogether: some that have all that they may are no reason to hand
// over nothing any more, nor to serve nothing of one that has little.
func TestAllNamespacesHaveABoundTogether(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		others, n int // namespaces that have their whole part, and bytes of one more
		fits      bool
	}{
		"as many as there is room for": {4, maxOfNamespace, true},
		"one more":                     {5, maxOfNamespace, false},
		"one more, which is small":     {5, maxOfSmall, true},
		"one more, a little larger":    {5, maxOfSmall + 1, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newBudget()
			for n := range tc.others {
				if !b.serve(fmt.Sprintf("big-%d", n), maxOfNamespace) {
					t.Fatalf("namespace %d has no room", n)
				}
			}
			before := b.all
			if got := b.serve("one", tc.n); got != tc.fits || (b.all > before) != got || (b.served["one"] > 0) != got {
				t.Errorf("got %v, and %d of %d bytes", got, b.served["one"], b.all)
			}
		})
	}
}
