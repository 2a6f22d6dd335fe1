// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// endpointSliceHijack flags endpoints that a user adds to a Service whose
// selector chooses them (EXP-010).
func endpointSliceHijack() checks.Check {
	return checks.Check{
		ID: "EXP-010", Name: "endpoint-slice-hijack",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    []schema.GroupKind{endpointsKind, inventory.EndpointSliceKind},
		Doc: checks.Doc{
			Title: "Only Kubernetes writes the endpoints of a Service with a selector",
			Why: "kube-proxy and most ingress controllers take every EndpointSlice that carries a Service's name in the label kubernetes.io/service-name, whoever wrote it. " +
				"A slice written by hand for a Service that has a selector therefore gets a share of its traffic, unseen by the selector, by the Service and by those who read them. " +
				"The label endpointslice.kubernetes.io/managed-by says which controller looks after a slice: a user who writes the name of one of Kubernetes' controllers hides the slice from reviewers, or takes over one of the controller's. " +
				"Endpoints of such a Service are overwritten sooner or later, but until then some controllers follow them. " +
				"The writer is known only at admission. An object that is read from a file or a running cluster and says that Kubernetes wrote it is compared with the pods that the Service selects instead.",
			Attack: "a share of a Service's traffic, credentials included, goes to an address of the attacker's choice",
			Fix:    "let the Service's selector choose the pods, or use a Service without selector under another name",
			Exempt: "A multi-cluster controller that adds endpoints of other clusters: list its user as an endpointWriter in a CheckPolicy instead.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#management",
				"https://github.com/kubernetes/kubernetes/issues/103675",
				"https://kubernetes.io/docs/reference/access-authn-authz/rbac/#write-access-for-endpoints",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			service, ofService := serviceOfEndpoints(in.Object)
			if writesEndpoints(in) {
				return nil
			}
			by, claims := claimedController(in.Object)
			if claims && in.Request.Stored {
				return claimFindings(by, service, in)
			}
			var out []checks.Finding
			if claims {
				out = append(out, checks.Finding{
					Subject: "managed-by", Field: "metadata.labels[" + by.label + "]",
					Message: "says that " + by.name + " manages it, but " + requester(in) + " writes it",
				})
			}
			svc := in.Inventory.Service(in.Object.GetNamespace(), service)
			if !ofService || svc == nil || len(svc.Spec.Selector) == 0 {
				return out
			}
			field := "metadata.name"
			if _, isSlice := in.Object.(*discoveryv1.EndpointSlice); isSlice {
				field = "metadata.labels[" + discoveryv1.LabelServiceName + "]"
			}
			return append(out, checks.Finding{
				Subject: "service/" + service, Field: field,
				Message: "adds endpoints to " + serviceName(svc) + ", whose selector chooses its pods",
				Path:    []string{"any client of the Service", serviceName(svc), inputName(in)},
			})
		},
	}
}

// controllerClaim is a label by which endpoints say who manages them.
type controllerClaim struct{ label, name string }

// endpointsManagedBy is what the endpoints controller puts on Endpoints.
// https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/endpoint/endpoints_controller.go
const endpointsManagedBy = "endpoints.kubernetes.io/managed-by"

// mirroringController copies Endpoints that users write into slices.
// https://kubernetes.io/docs/concepts/services-networking/service/#endpointslice-mirroring
const mirroringController = "endpointslicemirroring-controller.k8s.io"

// claimedController returns which of Kubernetes' controllers an object says that
// it is managed by.
func claimedController(o inventory.Object) (controllerClaim, bool) {
	label := discoveryv1.LabelManagedBy
	if _, isEndpoints := o.(*corev1.Endpoints); isEndpoints { //nolint:staticcheck // the deprecated kind still steers traffic (CVE-2021-25740)
		label = endpointsManagedBy
	}
	switch name := o.GetLabels()[label]; name {
	case "endpointslice-controller.k8s.io", mirroringController, "endpoint-controller":
		return controllerClaim{label, name}, true
	}
	return controllerClaim{}, false
}

// claimFindings compares endpoints that say they are Kubernetes' own with the
// pods of their Service. A Service without selector is left to EXP-009. Where
// the Service selects pods in the host's network, an address that no pod has
// for itself may be a node's.
func claimFindings(by controllerClaim, service string, in checks.Input) []checks.Finding {
	svc := in.Inventory.Service(in.Object.GetNamespace(), service)
	if svc == nil || len(svc.Spec.Selector) == 0 {
		return nil
	}
	var out []checks.Finding
	for _, a := range endpointAddresses(in.Object) {
		own, other := podsAt(a, svc, in)
		if own || other == "" && onHostNetwork(svc, in) {
			continue
		}
		f := checks.Finding{
			Certainty: checks.Undetermined, Subject: "address/" + a.text, Field: a.field,
			Message: "says that " + by.name + " manages it, but " + a.text + " is not an address of a known pod that " + serviceName(svc) + " selects",
			Path:    []string{"any client of the Service", serviceName(svc), a.text},
		}
		if other != "" {
			f.Certainty = checks.Violation
			f.Message = "says that " + by.name + " manages it, but " + a.text + " is an address of " + other + ", which " + serviceName(svc) + " does not select"
		}
		out = append(out, f)
	}
	return out
}

// podsAt reports whether an address belongs to a pod that a Service selects,
// and names another pod that has it.
func podsAt(a endpointAddress, svc *corev1.Service, in checks.Input) (own bool, other string) {
	addr, ok := parseEndpoint(a.text)
	if !ok {
		return false, ""
	}
	for pod := range in.Inventory.PodsAt(addr.String()) {
		if pod.Key.Namespace == svc.Namespace && inventory.Matches(svc.Spec.Selector, pod.Labels) {
			return true, ""
		}
		other = pod.Key.String()
	}
	return false, other
}

func onHostNetwork(svc *corev1.Service, in checks.Input) bool {
	for _, w := range Selected(svc, in) {
		if w.Spec != nil && w.Spec.HostNetwork {
			return true
		}
	}
	return false
}
