// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
)

// Mutation is what the mutating webhook adds to objects that lack it. The zero
// value adds nothing. The maps must not be changed.
type Mutation struct {
	// Annotations and Labels tie Services, Ingresses and routes to the gateway
	// (MUT-001). Without an Annotation nothing else of MUT-001 is added but parents.
	Annotations map[string]string
	Labels      map[string]string

	// ParentGateway is what routes without parentRefs are attached to (MUT-001);
	// the zero value attaches none.
	ParentGateway checks.GatewayName

	// DisableAutomount sets automountServiceAccountToken: false on new exposed
	// workloads that say nothing about it (MUT-002).
	DisableAutomount bool

	// DisableNodePorts sets allocateLoadBalancerNodePorts: false on new Services of
	// type LoadBalancer (MUT-003).
	DisableNodePorts bool
}

// defaultMutation is the mutation without configuration.
func defaultMutation(p *checks.Parameters) Mutation {
	return Mutation{Annotations: gatewayAnnotation(p), Labels: managedLabel()}
}

// managedLabel marks what the bundled gateway is meant to serve, so that
// selectors (kubectl get -l, policies, the gateway) find it.
func managedLabel() map[string]string {
	return map[string]string{v1alpha1.ManagedLabel: "true"}
}

func gatewayAnnotation(p *checks.Parameters) map[string]string {
	if len(p.Gateway.GatewayClasses) == 0 {
		return nil
	}
	return map[string]string{v1alpha1.GatewayAnnotation: p.Gateway.GatewayClasses[0]}
}

// compileMutation reads spec.parameters.mutation; p is compiled already.
func compileMutation(f *faults, at string, in v1alpha1.Mutation, p *checks.Parameters) Mutation {
	var out Mutation
	if toggle(f, at+".injectGateway", in.InjectGateway, v1alpha1.Enabled) {
		out.Annotations = gatewayAnnotation(p)
		for _, k := range sortedKeys(in.InjectAnnotations) {
			if out.Annotations == nil {
				out.Annotations = map[string]string{}
			}
			out.Annotations[k] = string(in.InjectAnnotations[k])
		}
		out.Labels = managedLabel()
		for k, v := range in.InjectLabels {
			out.Labels[k] = string(v)
		}
	}
	checkInjected(f, at+".injectAnnotations", in.InjectAnnotations, annotationValue)
	checkInjected(f, at+".injectLabels", in.InjectLabels, labelValue)
	if toggle(f, at+".injectParentRefs", in.InjectParentRefs, v1alpha1.Disabled) {
		if len(p.Gateway.ParentGateways) == 0 {
			f.add(at+".injectParentRefs", "is Enabled, but spec.parameters.gateway.parentGateways names no Gateway to attach to")
		} else {
			out.ParentGateway = p.Gateway.ParentGateways[0]
		}
	}
	out.DisableAutomount = toggle(f, at+".defaultAutomount", in.DefaultAutomount, v1alpha1.Disabled)
	out.DisableNodePorts = toggle(f, at+".defaultNodePorts", in.DefaultNodePorts, v1alpha1.Disabled)
	return out
}

// toggle reports whether a Toggle is Enabled; empty means the default.
func toggle(f *faults, at string, v, whenEmpty v1alpha1.Toggle) bool {
	switch v {
	case "":
		return whenEmpty == v1alpha1.Enabled
	case v1alpha1.Enabled:
		return true
	case v1alpha1.Disabled:
		return false
	}
	f.notOneOf(at, string(v), string(v1alpha1.Enabled), string(v1alpha1.Disabled))
	return false
}
