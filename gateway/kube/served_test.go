// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// edge is the Gateway of shop whose Service is edge-gatehouse.
func edge() *gatewayv1.Gateway {
	return &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "edge", UID: "u-1"}, Spec: gatewayv1.GatewaySpec{GatewayClassName: "gatehouse"}}
}

// serviceOf is what the provisioner makes for edge, but for what a test changes.
func serviceOf(change func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "edge-gatehouse", UID: "s-1", Labels: map[string]string{provision.MarkLabel: "edge-gatehouse"}, Annotations: map[string]string{provision.ControllerAnnotation: DefaultController},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "gateway.networking.k8s.io/v1", Kind: "Gateway", Name: "edge", UID: "u-1", Controller: new(true)}},
	}}
	change(s)
	return s
}

func TestOnlyAServiceOfItsNamespaceIsThatOfAGateway(t *testing.T) {
	t.Parallel()
	name := translate.Name{Namespace: "shop", Name: "edge"}
	for what, tc := range map[string]struct {
		change   func(*corev1.Service)
		is, left bool
	}{
		"as it was made":          {func(*corev1.Service) {}, true, true},
		"with an older version":   {func(s *corev1.Service) { s.OwnerReferences[0].APIVersion = "gateway.networking.k8s.io/v1beta1" }, true, true},
		"by another controller":   {func(s *corev1.Service) { s.Annotations[provision.ControllerAnnotation] = "example.com/canary" }, true, false},
		"by nobody knows whom":    {func(s *corev1.Service) { s.Annotations = nil }, true, false},
		"in another namespace":    {func(s *corev1.Service) { s.Namespace = "evil" }, false, false},
		"with another name":       {func(s *corev1.Service) { s.Name = "more-gatehouse" }, false, false},
		"without the mark":        {func(s *corev1.Service) { s.Labels = nil }, false, false},
		"that names another one":  {func(s *corev1.Service) { s.OwnerReferences[0].Name = "other" }, false, false},
		"of a Gateway before":     {func(s *corev1.Service) { s.OwnerReferences[0].UID = "u-0" }, false, false},
		"of a kind of that name":  {func(s *corev1.Service) { s.OwnerReferences[0].APIVersion = "example.com/v1" }, false, false},
		"of another kind":         {func(s *corev1.Service) { s.OwnerReferences[0].Kind = "GatewayClass" }, false, false},
		"owned without a control": {func(s *corev1.Service) { s.OwnerReferences[0].Controller = nil }, false, false},
		"that is being deleted":   {func(s *corev1.Service) { s.DeletionTimestamp = new(metav1.Now()) }, false, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := serviceOf(tc.change)
			o := &translate.Objects{Gateways: []*gatewayv1.Gateway{edge()}, Services: []*corev1.Service{s}, Classes: classOf("example.com/other")}
			ours := &translate.Result{Gateways: map[translate.Name]gatewayv1.GatewayStatus{name: {}}}
			all := served(o, ours)
			if len(all) != 1 || (all[0].Service == s) != tc.is {
				t.Errorf("served: %+v", all)
			}
			if left := leftover(o, &translate.Result{}, DefaultController); (len(left) == 1) != tc.left {
				t.Errorf("left: %v", left)
			}
		})
	}
}
