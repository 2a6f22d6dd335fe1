// SPDX-License-Identifier: Apache-2.0

package kube

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// What is compared of every route at each look at all statuses is compared here without
// reflection; it is what equality.Semantic says.

// sameParent tells whether two references are written alike.
func sameParent(a, b *gatewayv1.ParentReference) bool {
	return sameValue(a.Group, b.Group) && sameValue(a.Kind, b.Kind) && sameValue(a.Namespace, b.Namespace) &&
		a.Name == b.Name && sameValue(a.SectionName, b.SectionName) && sameValue(a.Port, b.Port)
}

// sameCondition tells whether two conditions say the same, since the same moment.
func sameCondition(a, b *metav1.Condition) bool {
	own := *b
	own.LastTransitionTime = a.LastTransitionTime
	return *a == own && a.LastTransitionTime.Equal(&b.LastTransitionTime)
}

// sameValue tells whether both point to the same value, or to none.
func sameValue[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}
