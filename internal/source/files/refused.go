// SPDX-License-Identifier: Apache-2.0

package files

import (
	"net/netip"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// refused names the selectors and networks of an object that an API server
// refuses, by Kubernetes' own rules for selectors. The checks take such a one as
// one that matches nothing, or as a doubt: a user must hear of it otherwise.
// What checks judge themselves (source ranges, external IPs) is not repeated.
func refused(o inventory.Object) field.ErrorList {
	spec := field.NewPath("spec")
	switch o := o.(type) {
	case *networkingv1.NetworkPolicy:
		return refusedPolicy(&o.Spec, spec)
	case *corev1.Service:
		return metav1validation.ValidateLabels(o.Spec.Selector, spec.Child("selector"))
	case *corev1.ReplicationController:
		return metav1validation.ValidateLabels(o.Spec.Selector, spec.Child("selector"))
	case *appsv1.Deployment:
		return refusedSelector(o.Spec.Selector, spec.Child("selector"))
	case *appsv1.StatefulSet:
		return refusedSelector(o.Spec.Selector, spec.Child("selector"))
	case *appsv1.DaemonSet:
		return refusedSelector(o.Spec.Selector, spec.Child("selector"))
	case *appsv1.ReplicaSet:
		return refusedSelector(o.Spec.Selector, spec.Child("selector"))
	case *batchv1.Job:
		return refusedSelector(o.Spec.Selector, spec.Child("selector"))
	case *rbacv1.ClusterRole:
		if o.AggregationRule != nil {
			return refusedSelectors(o.AggregationRule.ClusterRoleSelectors, field.NewPath("aggregationRule", "clusterRoleSelectors"))
		}
	case *gatewayv1.Gateway:
		return refusedListeners(o.Spec.Listeners, spec.Child("listeners"))
	case *admissionregistrationv1.ValidatingWebhookConfiguration:
		var out field.ErrorList
		for i := range o.Webhooks {
			out = append(out, refusedWebhook(i, o.Webhooks[i].NamespaceSelector, o.Webhooks[i].ObjectSelector)...)
		}
		return out
	case *admissionregistrationv1.MutatingWebhookConfiguration:
		var out field.ErrorList
		for i := range o.Webhooks {
			out = append(out, refusedWebhook(i, o.Webhooks[i].NamespaceSelector, o.Webhooks[i].ObjectSelector)...)
		}
		return out
	}
	return nil
}

func refusedPolicy(s *networkingv1.NetworkPolicySpec, at *field.Path) field.ErrorList {
	out := refusedSelector(&s.PodSelector, at.Child("podSelector"))
	for i := range s.Ingress {
		out = append(out, refusedPeers(s.Ingress[i].From, at.Child("ingress").Index(i).Child("from"))...)
	}
	for i := range s.Egress {
		out = append(out, refusedPeers(s.Egress[i].To, at.Child("egress").Index(i).Child("to"))...)
	}
	return out
}

func refusedPeers(peers []networkingv1.NetworkPolicyPeer, at *field.Path) field.ErrorList {
	var out field.ErrorList
	for i := range peers {
		peer, at := &peers[i], at.Index(i)
		out = append(out, refusedSelector(peer.PodSelector, at.Child("podSelector"))...)
		out = append(out, refusedSelector(peer.NamespaceSelector, at.Child("namespaceSelector"))...)
		if peer.IPBlock == nil {
			continue
		}
		out = append(out, refusedNetwork(peer.IPBlock.CIDR, at.Child("ipBlock", "cidr"))...)
		for j, except := range peer.IPBlock.Except {
			out = append(out, refusedNetwork(except, at.Child("ipBlock", "except").Index(j))...)
		}
	}
	return out
}

func refusedListeners(listeners []gatewayv1.Listener, at *field.Path) field.ErrorList {
	var out field.ErrorList
	for i := range listeners {
		if routes := listeners[i].AllowedRoutes; routes != nil && routes.Namespaces != nil {
			out = append(out, refusedSelector(routes.Namespaces.Selector, at.Index(i).Child("allowedRoutes", "namespaces", "selector"))...)
		}
	}
	return out
}

// refusedWebhook is about the selectors of one webhook.
func refusedWebhook(i int, namespaces, objects *metav1.LabelSelector) field.ErrorList {
	at := field.NewPath("webhooks").Index(i)
	return append(refusedSelector(namespaces, at.Child("namespaceSelector")), refusedSelector(objects, at.Child("objectSelector"))...)
}

func refusedSelectors(list []metav1.LabelSelector, at *field.Path) field.ErrorList {
	out := make(field.ErrorList, 0, len(list))
	for i := range list {
		out = append(out, refusedSelector(&list[i], at.Index(i))...)
	}
	return out
}

func refusedSelector(s *metav1.LabelSelector, at *field.Path) field.ErrorList {
	return metav1validation.ValidateLabelSelector(s, metav1validation.LabelSelectorValidationOptions{}, at)
}

func refusedNetwork(text string, at *field.Path) field.ErrorList {
	if _, err := netip.ParsePrefix(text); err != nil {
		return field.ErrorList{field.Invalid(at, text, "is not a network such as 10.0.0.0/8 or 2001:db8::/32")}
	}
	return nil
}
