// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// newIdle is a Remote that makes nothing, since it does not run.
func newIdle(t *testing.T) *Remote {
	t.Helper()
	r, err := NewRemote(&rest.Config{Host: "http://127.0.0.1:1"}, RemoteOptions{Provision: provision.Options{Metrics: 19090}, Log: logr.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	r.Trust([]byte("PEM"))
	return r
}

// https is edge as it is served at port 443.
func https(service *corev1.Service) Served {
	return Served{
		Gateway: translate.Name{Namespace: "shop", Name: "edge"}, Object: edge(), Service: service,
		Snapshot: &config.Snapshot{Listeners: []config.Listener{{Name: "https", Address: netip.MustParseAddrPort("[::]:443"), Protocol: config.HTTP}}},
	}
}

// TestWhatIsKeptIsStillReached: the objects of a Gateway stay as they are while nobody
// knows what should be served, and so do its addresses.
func TestWhatIsKeptIsStillReached(t *testing.T) {
	t.Parallel()
	address := netip.MustParseAddr("192.0.2.7")
	made := serviceOf(func(s *corev1.Service) { s.Spec.ClusterIPs = []string{address.String()} })
	for what, tc := range map[string]struct {
		before, after Served
		wanted, kept  bool
		addresses     []netip.Addr
	}{
		"served":                 {https(nil), https(made), true, false, []netip.Addr{address}},
		"kept":                   {https(made), keptOf(made), true, true, []netip.Addr{address}},
		"kept, with no way":      {https(nil), keptOf(nil), false, false, nil},
		"kept from the start":    {keptOf(made), keptOf(made), true, true, []netip.Addr{address}},
		"without parameters":     {https(made), unknownOf(made), true, true, []netip.Addr{address}},
		"new without parameters": {https(nil), unknownOf(nil), false, false, nil},
		"served again":           {keptOf(made), https(made), true, false, []netip.Addr{address}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newIdle(t)
			r.Serve(t.Context(), []Served{tc.before})
			r.Serve(t.Context(), []Served{tc.after})
			g, wanted := r.maker.wanted[tc.after.Gateway]
			switch {
			case wanted != tc.wanted:
				t.Fatalf("wanted: %v", g)
			case wanted && g.Keep != tc.kept:
				t.Errorf("kept: %v", g.Keep)
			case wanted && !tc.kept && !slices.Equal(g.Ports, []provision.Port{{Number: 443}}):
				t.Errorf("ports: %v", g.Ports)
			}
			if state := r.State(tc.after.Gateway); !slices.Equal(state.Addresses, tc.addresses) {
				t.Errorf("addresses: %v", state.Addresses)
			}
		})
	}
}

func keptOf(service *corev1.Service) Served {
	out := https(service)
	out.Snapshot, out.Keep = nil, true
	return out
}

func unknownOf(service *corev1.Service) Served {
	out := https(service)
	out.Snapshot, out.Unknown = nil, true
	return out
}

// TestWhatCannotBeHandedOverLeavesTheAddresses, and the state says why it cannot.
func TestWhatCannotBeHandedOverLeavesTheAddresses(t *testing.T) {
	t.Parallel()
	r := newIdle(t)
	one := https(serviceOf(func(s *corev1.Service) { s.Spec.ClusterIPs = []string{"192.0.2.7"} }))
	r.Serve(t.Context(), []Served{one})
	r.gateways[one.Gateway].fault = errors.New("it is too large")
	state := r.State(one.Gateway)
	if len(state.Addresses) != 1 || state.Message != "it is too large" || state.Live != nil || state.Settled {
		t.Errorf("got %+v", state)
	}
}
