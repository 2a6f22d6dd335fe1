// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// endpointsKind is the deprecated form of EndpointSlice; what a user writes in
// it is mirrored into slices.
var endpointsKind = schema.GroupKind{Kind: "Endpoints"}

// manualEndpoints flags endpoints written by hand that lead to what their
// author could not reach (EXP-009).
func manualEndpoints() checks.Check {
	return checks.Check{
		ID: "EXP-009", Name: "manual-endpoints",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    []schema.GroupKind{inventory.ServiceKind, endpointsKind, inventory.EndpointSliceKind},
		Doc: checks.Doc{
			Title: "Endpoints written by hand do not lead inside the cluster",
			Why: "A Service without selector sends traffic wherever its endpoints say, and Kubernetes does not check whose addresses they are. " +
				"Ingress controllers and gateways follow them with their own network access: an address of another namespace's pod leads around that namespace's NetworkPolicies (CVE-2021-25740), one of a node or of the API server to what only the control plane should reach. " +
				"The rule knows pods, nodes, the pod networks that Nodes state, cluster addresses of Services, the API server, and the loopback, link-local and metadata addresses that the API server itself refuses since CVE-2021-25737, some metadata addresses excepted. " +
				"Pods in the host's network have the address of their node. Networks that no object states, such as that of a cloud's VPC, are not known: without any Node in the inventory a private address is undetermined. " +
				"Endpoints that Kubernetes' own controllers write are not judged when they write them. " +
				"The background scan does not know who wrote what it finds. What says that the mirroring controller manages it is a copy of Endpoints that a user wrote, perhaps one whom the policy trusts with that: where it leads inside is reported one step milder and as undetermined. " +
				"What says that Kubernetes manages it may lead to nodes where the namespace has pods in the host's network, and matters to nobody without its Service.",
			Attack: "a proxy is led to pods of another namespace, to a node or to the API server",
			Fix:    "give the Service a selector for pods of its own namespace, or list only addresses outside the cluster",
			Exempt: "A Service for another namespace's pods whose owner agrees; a Gateway API ReferenceGrant says that better.",
			Sources: []string{
				"https://github.com/kubernetes/kubernetes/issues/103675",
				"https://github.com/kubernetes/kubernetes/issues/102106",
				"https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			if svc, isService := in.Object.(*corev1.Service); isService {
				return selectorlessFindings(svc, in)
			}
			name, ofService := serviceOfEndpoints(in.Object)
			if !ofService || writesEndpoints(in) || in.Object.GetNamespace() == apiServerNamespace && name == apiServerService {
				return nil
			}
			svc := in.Inventory.Service(in.Object.GetNamespace(), name)
			if svc != nil && (len(svc.Spec.Selector) > 0 || in.Parameters.Gateway.OwnsService(svc)) {
				return nil // EXP-010 is about endpoints of a Service with a selector
			}
			if _, claims := claimedController(in.Object); claims && in.Request.Stored && svc == nil {
				return nil // what the Service left behind; a new one is judged by it
			}
			return addressFindings(in.Object, name, in)
		},
	}
}

// serviceOfEndpoints returns the name of the Service that an EndpointSlice or
// Endpoints belongs to; false for a slice that belongs to none.
func serviceOfEndpoints(o inventory.Object) (string, bool) {
	if s, isSlice := o.(*discoveryv1.EndpointSlice); isSlice {
		name := s.Labels[discoveryv1.LabelServiceName]
		return name, name != ""
	}
	return o.GetName(), true
}

// selectorlessFindings judges a Service by the EndpointSlices that wait for it.
func selectorlessFindings(svc *corev1.Service, in checks.Input) []checks.Finding {
	if len(svc.Spec.Selector) > 0 || svc.Spec.Type == corev1.ServiceTypeExternalName || in.Parameters.Gateway.OwnsService(svc) ||
		svc.Namespace == apiServerNamespace && svc.Name == apiServerService {
		return nil
	}
	var out []checks.Finding
	for s := range in.Inventory.Slices(svc.Namespace, svc.Name) {
		for _, f := range addressFindings(s, svc.Name, in) {
			f.Field = "spec.selector"
			f.Message = "has no selector, and EndpointSlice " + s.Namespace + "/" + s.Name + " " + f.Message
			out = append(out, f)
		}
	}
	return out
}

// addressFindings judges the addresses of an EndpointSlice or Endpoints, each
// once.
func addressFindings(o inventory.Object, service string, in checks.Input) []checks.Finding {
	var out []checks.Finding
	by, claims := claimedController(o)
	claims = claims && in.Request.Stored
	whose := &owners{namespace: o.GetNamespace(), in: in, kept: claims}
	seen := map[string]bool{}
	for _, a := range endpointAddresses(o) {
		f, bad := addressFinding(a, whose)
		if !bad || seen[f.Subject] {
			continue
		}
		seen[f.Subject] = true
		if claims && by.name == mirroringController {
			f.Severity, f.Certainty = checks.Medium, checks.Undetermined
			f.Message += ", and it is not known who wrote the Endpoints that it copies"
		}
		f.Field = a.field
		f.Path = []string{"any client of the Service", "Service " + o.GetNamespace() + "/" + service, a.text}
		out = append(out, f)
	}
	return out
}

func addressFinding(a endpointAddress, whose *owners) (checks.Finding, bool) {
	if a.name {
		host := canonicalHost(a.text)
		why, inside := leadsInside(host, whose.namespace, whose.in)
		return checks.Finding{Subject: "address/" + host, Message: "leads to " + shown(a.text, host) + ", " + why}, inside
	}
	addr, ok := parseEndpoint(a.text)
	if !ok {
		return checks.Finding{Subject: "address/" + a.text, Certainty: checks.Undetermined, Message: fmt.Sprintf("leads to %q, which cannot be read as an address", a.text)}, true
	}
	who, bad := whose.of(addr)
	if !bad {
		return checks.Finding{}, false
	}
	return checks.Finding{Subject: "address/" + addr.String(), Certainty: who.certainty, Message: "leads to " + shown(a.text, addr.String()) + ", " + who.what}, true
}
