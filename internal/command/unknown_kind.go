// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"

	"k8s.io/client-go/kubernetes/scheme"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// ownKinds are those of Gatehouse's own group.
var ownKinds = map[string]bool{
	v1alpha1.CheckPolicyKind: true, v1alpha1.ExemptionKind: true, v1alpha1.NetworkPlanKind: true,
	v1alpha1.AccessPolicyKind: true, v1alpha1.TrafficPolicyKind: true, v1alpha1.ClientPolicyKind: true,
}

// unknownKind says why no cluster has the kind of an object, which no check judges
// either: a group of Kubernetes or of Gatehouse has no such kind, or had it once.
// Of other groups nobody can tell: they are custom resources.
func unknownKind(item files.Item) (string, bool) {
	gvk := item.GVK
	if _, known := inventory.KindOf(gvk.GroupKind()); known {
		return "", false
	}
	switch {
	case gvk.Group == "extensions":
		// https://kubernetes.io/docs/reference/using-api/deprecation-guide/
		return "no API server since Kubernetes 1.22 has the group extensions", true
	case gvk.Group == v1alpha1.GroupVersion.Group:
		if ownKinds[gvk.Kind] {
			return "", false
		}
	case !scheme.Scheme.IsGroupRegistered(gvk.Group):
		return "", false
	}
	for _, version := range scheme.Scheme.VersionsForGroupKind(gvk.GroupKind()) {
		if scheme.Scheme.Recognizes(version.WithKind(gvk.Kind)) {
			return "", false
		}
	}
	return fmt.Sprintf("%s has no kind %s", gvk.GroupVersion(), gvk.Kind), true
}
