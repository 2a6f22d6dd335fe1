// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

const budgetedClass = `
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: ours}
spec: {controller: gatehouse.sh/gateway, parameters: {scope: Namespace, namespace: infra, apiGroup: gateway.networking.k8s.io, kind: Gateway, name: edge}}
`

// entrance is the nth Ingress of a namespace that was made, with its own host.
func entrance(namespace string, n int) *networkingv1.Ingress {
	class, path := "ours", networkingv1.PathTypePrefix
	i := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("i%03d", n), CreationTimestamp: metav1.Unix(int64(n), 0)}}
	i.Spec.IngressClassName = &class
	i.Spec.Rules = []networkingv1.IngressRule{{Host: fmt.Sprintf("h%d.%s.example.com", n, namespace), IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
		Paths: []networkingv1.HTTPIngressPath{{Path: "/", PathType: &path, Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "a", Port: networkingv1.ServiceBackendPort{Number: 80}}}}},
	}}}}
	return i
}

// crowded has so many Ingresses in a namespace that is big, and a younger one in another.
func crowded(t *testing.T, text string, many int, each func(*networkingv1.Ingress)) *Objects {
	t.Helper()
	o := read(t, []byte(text+budgetedClass))
	for n := range many {
		o.Ingresses = append(o.Ingresses, entrance("big", n))
	}
	o.Ingresses = append(o.Ingresses, entrance("small", 1000))
	for _, i := range o.Ingresses {
		each(i)
	}
	return o
}

// leftOut are the Ingresses of a namespace of which it is told that there is no room.
func leftOut(r *Result) []string {
	var out []string
	for _, e := range r.Events {
		if e.Kind == "Ingress" && strings.Contains(e.Message, "more than 8 MiB") && !slices.Contains(out, e.Name.String()) {
			out = append(out, e.Name.String())
		}
	}
	return out
}

// youngest are the names of Ingresses of a namespace from one to another.
func youngest(from, to int) []string {
	var out []string
	for n := from; n < to; n++ {
		out = append(out, "big/"+entrance("big", n).Name)
	}
	return out
}

// TestWhatAnnotationsBringCounts in the namespace: a policy for each Ingress, with all of the
// Secret that it names.
func TestWhatAnnotationsBringCounts(t *testing.T) {
	t.Parallel()
	line := []byte("ann:$2a$10$1R53behNkTjm.ijEdgJYwOHarp4yQORn.eGMCo1HrAn/Sw1APoBGS\n") // of "open sesame"
	for what, tc := range map[string]struct{ size, served int }{
		"of 1 MiB": {1 << 20, 5}, // each 4/3 of it
		"of 1 KiB": {1 << 10, 50},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := crowded(t, budgeted, 50, func(i *networkingv1.Ingress) {
				i.Annotations = map[string]string{nginxPrefix + "auth-type": "basic", nginxPrefix + "auth-secret": "users"}
			})
			for _, namespace := range []string{"big", "small"} {
				users := slices.Concat(line, bytes.Repeat([]byte("# nobody\n"), (tc.size-len(line))/9))
				o.Secrets = append(o.Secrets, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "users"}, Data: map[string][]byte{"auth": users}})
			}
			r := Translate(o, options)
			s := r.Snapshots[Name{Namespace: "infra", Name: "edge"}]
			if s == nil {
				t.Fatal("there is no snapshot", r.Faults)
			}
			if got, want := leftOut(r), youngest(tc.served, 50); !slices.Equal(got, want) {
				t.Errorf("left out are %v, want %v", got, want)
			}
			served := 0
			for i := range s.Routes {
				if len(s.Routes[i].Access) == 1 {
					served++
				} else if len(s.Routes[i].Backends) != 1 || s.Routes[i].Backends[0].Status != 503 {
					t.Errorf("%s asks for no password, and goes to %v", s.Routes[i].Name, s.Routes[i].Backends)
				}
			}
			if served != tc.served+1 || len(s.AccessPolicies) != served || len(s.Routes) != 51 {
				t.Errorf("%d of %d ask for a password, of %d policies; want %d", served, len(s.Routes), len(s.AccessPolicies), tc.served+1)
			}
			if text, err := s.Encode(); err != nil || len(text) > maxOfNamespace+maxClosed+2*tc.size {
				t.Errorf("the snapshot has %d bytes, %v", len(text), err)
			}
		})
	}
}

// TestCertificatesOfIngressesCount, too: those of the youngest are not presented.
func TestCertificatesOfIngressesCount(t *testing.T) {
	t.Parallel()
	text := strings.Replace(budgeted, "{name: web, port: 80, protocol: HTTP, ", "{name: web, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: own}]}, ", 1)
	authority := pki.New(t, "authority")
	secret := func(namespace, name, host string, size int) *corev1.Secret {
		cert, key := pki.Encode(t, authority.For(t, host))
		cert = append(cert, bytes.Repeat([]byte("\n"), max(size-len(cert)-len(key), 0))...)
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeTLS, Data: map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key}}
	}
	for what, tc := range map[string]struct{ size, served int }{
		"as long as there may be": {maxCertificate, 94}, // each 4/3 of it and 1 KiB
		"as they are":             {0, 110},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var secrets []*corev1.Secret
			o := crowded(t, text, 110, func(i *networkingv1.Ingress) {
				i.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{i.Spec.Rules[0].Host}, SecretName: i.Name}}
				secrets = append(secrets, secret(i.Namespace, i.Name, i.Spec.Rules[0].Host, tc.size))
			})
			o.Secrets = slices.Concat(secrets, []*corev1.Secret{secret("infra", "own", "example.com", 0)})
			r := Translate(o, options)
			s := r.Snapshots[Name{Namespace: "infra", Name: "edge"}]
			if s == nil {
				t.Fatal("there is no snapshot", r.Faults)
			}
			var there []string
			for i := range s.Certificates {
				if s.Certificates[i].Name != "infra/own" {
					there = append(there, s.Certificates[i].Name)
				}
			}
			if want := tc.served + 1; len(there) != want || !slices.Contains(there, "small/i1000/ingress") || !slices.Equal(there, s.Listeners[0].TLS.Certificates[1:]) {
				t.Errorf("%d certificates are presented, want %d: %v", len(there), want, there)
			}
			if got := leftOut(r); tc.served == 110 && len(got) > 0 || tc.served < 110 && !slices.Contains(got, "big/i109") || slices.Contains(got, "small/i1000") {
				t.Errorf("left out are %v", got)
			}
		})
	}
}

// TestStreamsCount, too: the youngest are closed, as many as there is room for, too.
func TestStreamsCount(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		served, closed int // bytes that the namespace has already
		backend        string
		fits           bool
	}{
		"there is room":        {0, 0, "a", true},
		"there is none":        {maxOfNamespace - 500, 0, nowhere, true},
		"nor room to close it": {maxOfNamespace - 500, maxClosed, "", false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := &snapshotBuilder{gateway: &gateway{}, budget: newBudget()}
			b.budget.served["big"], b.budget.closed["big"] = tc.served, tc.closed
			r, p := &route{of: tlsRouteKind, name: Name{Namespace: "big", Name: "r"}}, &parent{}
			s := &config.Stream{Name: "r", Listeners: []string{"l"}, Hosts: []string{"a.example.com"}, TLS: &config.TLS{}, Backends: []config.Share{{Name: "a"}}}
			to, fits := b.passes(r, p, s, []*config.Backend{backendAt(t, "a", 20)})
			if fits != tc.fits || fits && (len(to) != 1 || to[0].Name != tc.backend || s.Backends[0].Name != tc.backend) {
				t.Errorf("fits: %v, to %v and %v", fits, s.Backends, to)
			}
			closes := tc.backend != "a"
			if (s.TLS == nil) != closes || slices.ContainsFunc(p.conditions.all(), func(c metav1.Condition) bool {
				return c.Reason == string(gatewayv1.RouteReasonUnsupportedValue) && c.Status == metav1.ConditionFalse
			}) != closes {
				t.Errorf("TLS %v, conditions %v", s.TLS, p.conditions.all())
			}
		})
	}
}

// TestWhatBackendsAreCountedForIsEnough, whatever their addresses.
func TestWhatBackendsAreCountedForIsEnough(t *testing.T) {
	t.Parallel()
	b := &snapshotBuilder{backends: map[string]bool{"there": true}}
	for _, n := range []int{0, 1, 1000} {
		backend := backendAt(t, "shop/a/80", n)
		if got, least := b.leads([]*config.Backend{backend, {Name: "there"}}), bytesOf(&config.Snapshot{Backends: []config.Backend{*backend}}); got < least || got > least+128 {
			t.Errorf("%d addresses: counted are %d bytes of %d", n, got, least)
		}
	}
}

// backendAt is one with so many addresses, as long as they may be.
func backendAt(t *testing.T, name string, many int) *config.Backend {
	t.Helper()
	out := &config.Backend{Name: name}
	for n := range many {
		out.Endpoints = append(out.Endpoints, netip.MustParseAddrPort(fmt.Sprintf("[2001:1db8:1111:2222:3333:4444:5555:%x]:65535", 0x1000+n)))
	}
	return out
}
