// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"slices"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// TestOnlyClassesWhoseGatewaysHaveObjectsClaimInfrastructure: what labels and annotations
// of spec.infrastructure are for is there for these alone.
func TestOnlyClassesWhoseGatewaysHaveObjectsClaimInfrastructure(t *testing.T) {
	t.Parallel()
	remote := newIdle(t)
	shared := &v1alpha1.GatewayParameters{Spec: v1alpha1.GatewayParametersSpec{Deployment: v1alpha1.GatewayShared}}
	own := &v1alpha1.GatewayParameters{Spec: v1alpha1.GatewayParametersSpec{Deployment: v1alpha1.GatewayPerGateway}}
	for what, tc := range map[string]struct {
		plane Plane
		names string // the parameters that the class names
		there *v1alpha1.GatewayParameters
		want  bool
	}{
		"all is served here":                  {&Local{}, "", nil, false},
		"all is served here, whatever it has": {&Local{}, "p", own, false},
		"others serve":                        {remote, "", nil, true},
		"others serve what wants it":          {NewSplit(NewLocal(LocalOptions{})), "p", own, true},
		"others serve what has no say":        {NewSplit(NewLocal(LocalOptions{})), "", nil, true},
		"it is shared":                        {NewSplit(NewLocal(LocalOptions{})), "p", shared, false},
		"its parameters are not there":        {NewSplit(NewLocal(LocalOptions{})), "q", own, false},
	} {
		class := &gatewayv1.GatewayClass{}
		class.Name = "c"
		if tc.names != "" {
			class.Spec.ParametersRef = &gatewayv1.ParametersReference{Group: v1alpha1.GroupName, Kind: v1alpha1.GatewayParametersKind, Name: tc.names}
		}
		o := &translate.Objects{Classes: []*gatewayv1.GatewayClass{class}}
		if tc.there != nil {
			tc.there.Name = "p"
			o.Parameters = []*v1alpha1.GatewayParameters{tc.there}
		}
		said := features(makingFor(tc.plane, o)["c"])
		got := slices.ContainsFunc(said, func(f gatewayv1.SupportedFeature) bool { return f.Name == infrastructure })
		if got != tc.want {
			t.Errorf("%s: claimed is %v, want %v", what, got, tc.want)
		}
	}
}

// TestFeaturesAreInOrder: the API server refuses others.
func TestFeaturesAreInOrder(t *testing.T) {
	t.Parallel()
	for _, making := range []bool{false, true} {
		var names []gatewayv1.FeatureName
		for _, f := range features(making) {
			names = append(names, f.Name)
		}
		if len(names) == 0 || !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("making %v: %v", making, names)
		}
	}
}
