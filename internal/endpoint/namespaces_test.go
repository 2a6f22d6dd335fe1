// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

func TestNamespacesOfFilesHaveTheirNames(t *testing.T) {
	t.Parallel()
	at := func(namespace string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: "r", Namespace: namespace} }
	given := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"team": "a", corev1.LabelMetadataName: "edge"}}}
	o := &translate.Objects{
		Namespaces: []*corev1.Namespace{given, {ObjectMeta: metav1.ObjectMeta{Name: "plain"}}},
		HTTPRoutes: []*gatewayv1.HTTPRoute{{ObjectMeta: at("shop")}, {ObjectMeta: at("left-out")}},
		GRPCRoutes: []*gatewayv1.GRPCRoute{{ObjectMeta: at("left-out")}},
	}
	nameNamespaces(o)
	got := map[string]map[string]string{}
	for _, n := range o.Namespaces {
		got[n.Name] = n.Labels
	}
	want := map[string]map[string]string{
		"shop":     {"team": "a", corev1.LabelMetadataName: "shop"},
		"plain":    {corev1.LabelMetadataName: "plain"},
		"left-out": {corev1.LabelMetadataName: "left-out"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(want -, got +):\n%s", diff)
	}
	if given.Labels[corev1.LabelMetadataName] != "edge" {
		t.Error("the object that was read is changed")
	}
}
