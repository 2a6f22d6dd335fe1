// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"io"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// TestWithoutItsParametersAGatewayStaysWhereItIs: nobody knows then whether it is shared.
func TestWithoutItsParametersAGatewayStaysWhereItIs(t *testing.T) {
	t.Parallel()
	made := serviceOf(func(*corev1.Service) {})
	shared := &v1alpha1.GatewayParameters{Spec: v1alpha1.GatewayParametersSpec{Deployment: v1alpha1.GatewayShared}}
	nothing := func(change func(*Served)) *Served {
		s := https(nil)
		s.Snapshot = nil
		change(&s)
		return &s
	}
	for what, tc := range map[string]struct {
		before, after *Served
		own           bool
	}{
		"with parameters that share it": {nothing(func(*Served) {}), nothing(func(s *Served) { s.Parameters = shared }), false},
		"without any":                   {nothing(func(s *Served) { s.Parameters = shared }), nothing(func(*Served) {}), true},
		"it was shared":                 {nothing(func(s *Served) { s.Parameters = shared }), nothing(func(s *Served) { s.Unknown = true }), false},
		"it was not":                    {nothing(func(*Served) {}), nothing(func(s *Served) { s.Unknown = true }), true},
		"by a process before this one":  {nil, nothing(func(s *Served) { s.Unknown, s.Service, s.Held = true, made, []string{"192.0.2.7"} }), true},
		"by one that shared it":         {nil, nothing(func(s *Served) { s.Unknown, s.Held = true, []string{"192.0.2.7"} }), false},
		"it is new":                     {nil, nothing(func(s *Served) { s.Unknown = true }), true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			local := NewLocal(LocalOptions{Log: logr.Discard(), Stdout: io.Discard})
			s := NewSplit(local)
			t.Cleanup(s.Close)
			s.Lead(newIdle(t))
			for _, one := range []*Served{tc.before, tc.after} {
				if one != nil {
					s.Serve(t.Context(), []Served{*one})
				}
			}
			if own := s.own.gateways[tc.after.Gateway] != nil; own != tc.own || (local.gateways[tc.after.Gateway] != nil) == own {
				t.Errorf("it is served by others: %v", own)
			}
		})
	}
}

func TestTheParametersThatAClassNamesMayBeUnknown(t *testing.T) {
	t.Parallel()
	ref := &gatewayv1.ParametersReference{Group: v1alpha1.GroupName, Kind: v1alpha1.GatewayParametersKind, Name: "inner"}
	there := &v1alpha1.GatewayParameters{}
	there.Name = "inner"
	for what, tc := range map[string]struct {
		ref     *gatewayv1.ParametersReference
		all     []*v1alpha1.GatewayParameters
		unknown bool
	}{
		"they are there":     {ref, []*v1alpha1.GatewayParameters{there}, false},
		"it names none":      {nil, nil, false},
		"they are not there": {ref, nil, true},
	} {
		class := &gatewayv1.GatewayClass{Spec: gatewayv1.GatewayClassSpec{ParametersRef: tc.ref}}
		class.Name = "gatehouse"
		o := &translate.Objects{Gateways: []*gatewayv1.Gateway{edge()}, Classes: []*gatewayv1.GatewayClass{class}, Parameters: tc.all}
		all := served(o, &translate.Result{Gateways: map[translate.Name]gatewayv1.GatewayStatus{{Namespace: "shop", Name: "edge"}: {}}})
		if len(all) != 1 || all[0].Unknown != tc.unknown || (all[0].Parameters != nil) != (tc.all != nil) {
			t.Errorf("%s: %+v", what, all)
		}
	}
}
