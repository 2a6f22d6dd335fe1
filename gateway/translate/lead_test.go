// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// led has two routes, of which one leads to another namespace, where it may.
const led = granting + `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: own, namespace: shop}
spec: {parentRefs: [{name: edge}], hostnames: [own.example.com], rules: [{backendRefs: [{name: here, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: over, namespace: shop}
spec: {parentRefs: [{name: edge}], hostnames: [over.example.com], rules: [{backendRefs: [{name: there, namespace: team, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: a, namespace: team}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}], to: [{group: "", kind: Service}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: there, namespace: team, labels: {kubernetes.io/service-name: there}}
addressType: IPv4
ports: [{name: tcp, port: 8080}]
endpoints: [{addresses: [192.0.2.1]}]
`

// TestWhatIsRememberedIsNotServedWhenItIsAnother: what has changed is as it is now, and what
// has not is shared with the state before.
func TestWhatIsRememberedIsNotServedWhenItIsAnother(t *testing.T) {
	t.Parallel()
	gateway := Name{Namespace: "shop", Name: "edge"}
	listener := func(o *Objects, change func(*gatewayv1.Listener)) {
		own := o.Gateways[0].DeepCopy()
		change(&own.Spec.Listeners[0])
		o.Gateways = []*gatewayv1.Gateway{own}
	}
	for name, tc := range map[string]struct {
		change func(o *Objects)
		shared string
	}{
		"nothing is": {func(*Objects) {}, "own over endpoints"},
		"an endpoint is": {func(o *Objects) {
			own := o.EndpointSlices[0].DeepCopy()
			own.Endpoints[0].Addresses[0] = "192.0.2.2"
			o.EndpointSlices = []*discoveryv1.EndpointSlice{own}
		}, "own over"},
		"the Service is gone": {func(o *Objects) {
			o.Services = slices.DeleteFunc(o.Services, func(s *corev1.Service) bool { return s.Name == "there" })
		}, "own"},
		"the grant is gone": {func(o *Objects) { o.ReferenceGrants = nil }, "own"},
		"the Service has a BackendTLSPolicy, which cannot be kept": {func(o *Objects) {
			o.Policies = read(t, []byte(unkept)).Policies
		}, "own"},
		"the host of the listener is": {func(o *Objects) {
			listener(o, func(l *gatewayv1.Listener) { l.Hostname = new(gatewayv1.Hostname("over.example.com")) })
		}, "over endpoints"},
		"the port of the listener is": {func(o *Objects) {
			listener(o, func(l *gatewayv1.Listener) { l.Port = 81 })
		}, "endpoints"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, after := read(t, []byte(led)), &Translator{}
			before := after.Translate(o, options).Snapshots[gateway]
			tc.change(o)
			got, want := after.Translate(o, options), Translate(o, options)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("it is not what anybody says: %s", cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{}, netip.Addr{}, netip.Prefix{})))
			}
			if shared := strings.Join(inCommon(got.Snapshots[gateway], before), " "); shared != tc.shared {
				t.Errorf("%q are shared, want %q", shared, tc.shared)
			}
		})
	}
}

const unkept = `
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: a, namespace: team}
spec: {targetRefs: [{group: "", kind: Service, name: there}], validation: {hostname: there, caCertificateRefs: [{group: "", kind: ConfigMap, name: none}]}}
`

// inCommon are the routes that two snapshots of what led has share, and whether they share its
// endpoints.
func inCommon(a, b *config.Snapshot) []string {
	var out []string
	for _, host := range []string{"own.example.com", "over.example.com"} {
		of := func(r config.Route) bool { return len(r.Hosts) > 0 && r.Hosts[0] == host }
		i, k := slices.IndexFunc(a.Routes, of), slices.IndexFunc(b.Routes, of)
		if i < 0 || k < 0 {
			continue
		}
		if r, s := &a.Routes[i], &b.Routes[k]; &r.Hosts[0] == &s.Hosts[0] && &r.Listeners[0] == &s.Listeners[0] && &r.Matches[0] == &s.Matches[0] && &r.Backends[0] == &s.Backends[0] {
			out = append(out, strings.TrimSuffix(host, ".example.com"))
		}
	}
	leads := func(b config.Backend) bool { return len(b.Endpoints) > 0 }
	if i, k := slices.IndexFunc(a.Backends, leads), slices.IndexFunc(b.Backends, leads); i >= 0 && k >= 0 && &a.Backends[i].Endpoints[0] == &b.Backends[k].Endpoints[0] {
		out = append(out, "endpoints")
	}
	return out
}

// TestWhereARuleStandsIsRememberedForAFewPorts: no more are, however often ports change.
func TestWhereARuleStandsIsRememberedForAFewPorts(t *testing.T) {
	t.Parallel()
	r := &route{name: Name{Namespace: "shop", Name: "a"}, of: httpRouteKind, rules: []rule{{kept: &verdict{}}}}
	for n := range 3*mostWritten + 1 {
		port := fmt.Sprintf("http-%d", n)
		first, again := r.write(0, port, []string{"a.example.com"}), r.write(0, port, []string{"b.example.com"})
		if first.name != "httproute/shop/a/0/"+port || again.name != first.name || again.hosts[0] != "b.example.com" || first.hosts[0] != "a.example.com" {
			t.Fatalf("%v, and then %v", first, again)
		}
		if kept := len(r.rules[0].kept.written); kept == 0 || kept > mostWritten {
			t.Fatalf("%d are remembered", kept)
		}
	}
}
