// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// TestWhatStatusesTellOfAProcess: what somebody says of who leads to it, in their place its
// own addresses, and never in the place of an address that a Gateway has by itself.
func TestWhatStatusesTellOfAProcess(t *testing.T) {
	t.Parallel()
	name := translate.Name{Namespace: "shop", Name: "edge"}
	for what, tc := range map[string]struct{ told, pool, want string }{
		"an address and a host":  {"203.0.113.7, lb.example.com", "", "203.0.113.7 lb.example.com"},
		"an address of IPv6":     {"2001:db8::7", "", "2001:db8::7"},
		"an address of the pool": {"203.0.113.7", "127.0.25.9", "127.0.25.9"},
	} {
		told, err := ParseTold(tc.told)
		if err != nil {
			t.Fatal(err)
		}
		pool, err := ParsePool(tc.pool)
		if err != nil {
			t.Fatal(err)
		}
		l := NewLocal(LocalOptions{Pool: pool, Told: told, Log: logr.Discard(), Stdout: io.Discard})
		t.Cleanup(l.Close)
		l.Serve(t.Context(), []Served{{Gateway: name}})
		state := l.State(name)
		got := make([]string, 0, 2)
		for _, a := range state.Addresses {
			got = append(got, a.String())
		}
		if got := strings.Join(append(got, state.Hostnames...), " "); got != tc.want {
			t.Errorf("%s: %s, want %s", what, got, tc.want)
		}
		own := &teller{result: &translate.Result{Ingresses: map[translate.Name][]translate.Name{{Namespace: "shop", Name: "i"}: {name, name}}}, state: l.State}
		status, _, differs := own.ingress(&networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "i"}})
		said, is := status.(*networkingv1.IngressStatus)
		if !is || !differs {
			t.Fatalf("%s: an Ingress says %v", what, status)
		}
		var ingress []string
		for _, i := range said.LoadBalancer.Ingress {
			ingress = append(ingress, i.IP+i.Hostname)
		}
		if got := strings.Join(ingress, " "); got != tc.want {
			t.Errorf("%s: an Ingress says %s, want %s", what, got, tc.want)
		}
	}
}

// TestWhatIsNoAddressIsNotTold: an address that no client can ask, or what is no name.
func TestWhatIsNoAddressIsNotTold(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"0.0.0.0", "::", "224.0.0.1", "fe80::1%eth0", "192.0.2.256", "a b", "A.example.com", "a,,b", "a_b", "http://a", strings.Join(slices.Repeat([]string{"a"}, 17), ",")} {
		if told, err := ParseTold(bad); err == nil {
			t.Errorf("%q is read as %v", bad, told)
		}
	}
	for _, none := range []string{"", " "} {
		if told, err := ParseTold(none); err != nil || !told.Empty() {
			t.Errorf("%q is read as %v: %v", none, told, err)
		}
	}
}
