// SPDX-License-Identifier: Apache-2.0

package files

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// DefaultNamespace is where an object without namespace goes.
const DefaultNamespace = "default"

// clusterScoped are the built-in kinds without namespace that Gatehouse does not
// read further (https://kubernetes.io/docs/reference/kubernetes-api/), and policies
// of the network.
var clusterScoped = map[schema.GroupKind]bool{
	{Kind: "PersistentVolume"}:                                                        true,
	{Group: "storage.k8s.io", Kind: "StorageClass"}:                                   true,
	{Group: "storage.k8s.io", Kind: "VolumeAttachment"}:                               true,
	{Group: "storage.k8s.io", Kind: "VolumeAttributesClass"}:                          true,
	{Group: "storage.k8s.io", Kind: "CSIDriver"}:                                      true,
	{Group: "storage.k8s.io", Kind: "CSINode"}:                                        true,
	{Group: "scheduling.k8s.io", Kind: "PriorityClass"}:                               true,
	{Group: "node.k8s.io", Kind: "RuntimeClass"}:                                      true,
	{Group: "certificates.k8s.io", Kind: "CertificateSigningRequest"}:                 true,
	{Group: "certificates.k8s.io", Kind: "ClusterTrustBundle"}:                        true,
	{Group: "flowcontrol.apiserver.k8s.io", Kind: "FlowSchema"}:                       true,
	{Group: "flowcontrol.apiserver.k8s.io", Kind: "PriorityLevelConfiguration"}:       true,
	{Group: "resource.k8s.io", Kind: "DeviceClass"}:                                   true,
	{Group: "resource.k8s.io", Kind: "ResourceSlice"}:                                 true,
	{Group: "networking.k8s.io", Kind: "IPAddress"}:                                   true,
	{Group: "networking.k8s.io", Kind: "ServiceCIDR"}:                                 true,
	{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicy"}:        true,
	{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicy"}:          true,
	{Group: "policy.networking.k8s.io", Kind: "ClusterNetworkPolicy"}:                 true,
	{Group: "cilium.io", Kind: "CiliumClusterwideNetworkPolicy"}:                      true,
	{Group: "projectcalico.org", Kind: "GlobalNetworkPolicy"}:                         true,
	{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicyBinding"}:   true,
	{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicyBinding"}: true,
}

// settleNamespaces gives every object the namespace that the API server would.
// It runs last, because a CRD may stand behind the objects of its kind.
func (l *loader) settleNamespaces() {
	declared := l.declaredScopes()
	for i := range l.result.Items {
		item := &l.result.Items[i]
		namespaced := isNamespaced(item.GVK.GroupKind(), declared)
		switch {
		case !namespaced && item.Object.GetNamespace() != "":
			item.Object.SetNamespace("")
		case namespaced && item.Object.GetNamespace() == "":
			item.Object.SetNamespace(DefaultNamespace)
		}
	}
	for _, p := range l.pending {
		if p.item < len(l.result.Items) {
			p.warning.Key = inventory.KeyOf(l.result.Items[p.item].Object)
			l.result.Warnings = append(l.result.Warnings, p.warning)
		}
	}
}

// declaredScopes reads the scopes that CRDs among the files declare.
func (l *loader) declaredScopes() map[schema.GroupKind]bool {
	out := map[schema.GroupKind]bool{}
	for i := range l.result.Items {
		if d, ok := l.result.Items[i].Object.(*apiextensionsv1.CustomResourceDefinition); ok {
			gk := schema.GroupKind{Group: d.Spec.Group, Kind: d.Spec.Names.Kind}
			out[gk] = d.Spec.Scope != apiextensionsv1.ClusterScoped
		}
	}
	return out
}

// isNamespaced says whether objects of a kind live in a namespace. A kind that
// nobody declares is taken to.
func isNamespaced(gk schema.GroupKind, declared map[schema.GroupKind]bool) bool {
	if k, known := inventory.KindOf(gk); known {
		return k.Namespaced
	}
	if namespaced, known := declared[gk]; known {
		return namespaced
	}
	return !clusterScoped[gk]
}
