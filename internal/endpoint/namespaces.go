// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// nameNamespaces gives every namespace the label that an API server gives it, its name,
// and adds those that files leave out though routes are in them: listeners choose by
// that label whose routes they take.
// https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name
func nameNamespaces(o *translate.Objects) {
	missing := sets.New[string]()
	for _, list := range [][]metav1.Object{
		as(o.HTTPRoutes), as(o.GRPCRoutes), as(o.TLSRoutes), as(o.TCPRoutes), as(o.UDPRoutes), as(o.ListenerSets),
	} {
		for _, object := range list {
			missing.Insert(object.GetNamespace())
		}
	}
	named := make([]*corev1.Namespace, 0, len(o.Namespaces)+len(missing))
	for _, n := range o.Namespaces {
		missing.Delete(n.Name)
		if n.Labels[corev1.LabelMetadataName] != n.Name {
			n = n.DeepCopy()
			metav1.SetMetaDataLabel(&n.ObjectMeta, corev1.LabelMetadataName, n.Name)
		}
		named = append(named, n)
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		named = append(named, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelMetadataName: name}}})
	}
	o.Namespaces = named
}

// as are objects of one type as what all of them are.
func as[T metav1.Object](list []T) []metav1.Object {
	out := make([]metav1.Object, 0, len(list))
	for _, o := range list {
		out = append(out, o)
	}
	return out
}
