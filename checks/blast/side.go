// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// side is the part that an object has in a chain.
type side uint8

const (
	itself side = iota // it is the workload
	opens              // it opens the way
	gives              // it gives the rights
)

func (r report) side() side {
	switch r.in.Object.(type) {
	case *corev1.ServiceAccount, *inventory.Secret, *rbacv1.Role, *rbacv1.ClusterRole, *rbacv1.RoleBinding, *rbacv1.ClusterRoleBinding:
		return gives
	}
	if _, runs := inventory.TemplateOf(r.in.Object); runs {
		return itself
	}
	return opens
}

// field is where the object under judgement takes part in a chain.
func (r report) field(h *hazard) string {
	switch o := r.in.Object.(type) {
	case *corev1.Service:
		return serviceField(o, h)
	case *discoveryv1.EndpointSlice:
		return "endpoints"
	case *corev1.Endpoints: //nolint:staticcheck // the deprecated kind still steers traffic (CVE-2021-25740)
		return "subsets"
	case *gatewayv1.Gateway:
		return "spec.gatewayClassName"
	case *gatewayv1.ListenerSet:
		return "spec.parentRef"
	case *gatewayv1.ReferenceGrant:
		return "spec.to"
	case *corev1.ServiceAccount:
		if h.harm.term == byIdentity {
			return "metadata.annotations"
		}
		switch {
		case h.harm.secret == "":
			return "automountServiceAccountToken"
		case Lists(o, h.harm.secret):
			return "secrets"
		}
		return "metadata.name"
	case *inventory.Secret:
		return "metadata.annotations[" + corev1.ServiceAccountNameKey + "]"
	case *rbacv1.RoleBinding, *rbacv1.ClusterRoleBinding:
		return "subjects"
	case *rbacv1.Role, *rbacv1.ClusterRole:
		return r.ruleField(h)
	}
	if t, runs := inventory.TemplateOf(r.in.Object); runs {
		if h.harm.term == byEscape || h.harm.secret != "" {
			return t.SpecField()
		}
		return t.SpecField() + ".serviceAccountName"
	}
	for _, o := range exposure.Opens(r.in.Inventory.Entry(inventory.KeyOf(r.in.Object)), r.in) {
		if o.Service == h.door.svc {
			return o.Ref.Field
		}
	}
	return "metadata.name"
}

func serviceField(svc *corev1.Service, h *hazard) string {
	switch {
	case svc.Spec.Type == corev1.ServiceTypeExternalName:
		return "spec.externalName"
	case h.door.Referrer() != nil:
		return "spec.selector"
	case svc.Spec.Type == corev1.ServiceTypeNodePort || svc.Spec.Type == corev1.ServiceTypeLoadBalancer:
		return "spec.type"
	case h.door.Gateway:
		return "metadata.annotations[" + exposure.ExposeAnnotation + "]"
	}
	return "spec.externalIPs"
}

// ruleField is the rule that gives the power, or the labels by which an
// aggregated role takes it over.
func (r report) ruleField(h *hazard) string {
	own := inventory.KeyOf(r.in.Object)
	i := slices.IndexFunc(h.harm.steps, func(s power.Step) bool { return s.Held.Grant.Role == own })
	if i < 0 {
		return "metadata.labels"
	}
	return "rules[" + strconv.Itoa(h.harm.steps[i].Held.Rule) + "]"
}
