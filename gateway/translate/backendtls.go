// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// tlsPolicy is a BackendTLSPolicy.
type tlsPolicy struct {
	object     *gatewayv1.BackendTLSPolicy
	conditions conditions
	tls        *config.BackendTLS // nil: it cannot be kept, and its backends are spoken to by nobody
	gateways   map[Name]bool      // that speak to its backends
	missing    Missing
}

// secured is a Service, or one of its ports by name.
type secured struct {
	service Name
	section string // "" is all
}

// secure reads the policies. Of several for one target the oldest holds.
func (x *index) secure(list []*gatewayv1.BackendTLSPolicy) {
	sorted := slices.SortedFunc(slices.Values(list), func(a, b *gatewayv1.BackendTLSPolicy) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), compareNames(nameOf(a), nameOf(b)))
	})
	for _, o := range sorted {
		p := &tlsPolicy{object: o, conditions: conditions{generation: o.Generation}, gateways: map[Name]bool{}}
		p.missing = x.lacks(func() { x.validation(p) })
		x.policies = append(x.policies, p)
		for _, t := range o.Spec.TargetRefs {
			if (kind{string(t.Group), string(t.Kind)}) != serviceKind {
				continue
			}
			at := secured{service: Name{Namespace: o.Namespace, Name: string(t.Name)}}
			if t.SectionName != nil {
				at.section = string(*t.SectionName)
			}
			if first := x.secured[at]; len(first) > 0 {
				p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.PolicyReasonConflicted), fmt.Sprintf("BackendTLSPolicy %s, which is older, is for Service %s", nameOf(first[0].object), at.service))
			}
			x.secured[at] = append(x.secured[at], p)
		}
		p.conditions.set(accepted, metav1.ConditionTrue, string(gatewayv1.PolicyReasonAccepted), "")
		p.conditions.set(resolvedRefs, metav1.ConditionTrue, string(gatewayv1.BackendTLSPolicyReasonResolvedRefs), "")
	}
}

// validation reads whom a backend has to be. One authority that cannot be had is enough
// to speak to nobody: which of them was needed is not known.
func (x *index) validation(p *tlsPolicy) {
	v := &p.object.Spec.Validation
	out := &config.BackendTLS{ServerName: string(v.Hostname)}
	for _, n := range v.SubjectAltNames {
		if n.Type == gatewayv1.URISubjectAltNameType {
			out.Identities.URIs = append(out.Identities.URIs, string(n.URI))
		} else {
			out.Identities.DNS = append(out.Identities.DNS, string(n.Hostname))
		}
	}
	wrong := 0
	for _, key := range slices.Sorted(maps.Keys(p.object.Spec.Options)) { // it could ask for what is stricter
		wrong++
		p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.PolicyReasonInvalid), fmt.Sprintf("options: %s is not known", key))
	}
	fault := func(reason gatewayv1.PolicyConditionReason, format string, values ...any) {
		wrong++
		p.conditions.set(resolvedRefs, metav1.ConditionFalse, string(reason), fmt.Sprintf(format, values...))
	}
	for i, ref := range v.CACertificateRefs {
		at := fmt.Sprintf("validation.caCertificateRefs[%d]", i)
		if of := (kind{string(ref.Group), string(ref.Kind)}); of != configMapKind {
			fault(gatewayv1.BackendTLSPolicyReasonInvalidKind, "%s: %s is no ConfigMap", at, of)
			continue
		}
		bundle, unfit := x.authorities(Name{Namespace: p.object.Namespace, Name: string(ref.Name)})
		if unfit != "" {
			fault(gatewayv1.BackendTLSPolicyReasonInvalidCACertificateRef, "%s: %s", at, unfit)
			continue
		}
		out.CAs = append(out.CAs, bundle)
	}
	switch wellKnown := v.WellKnownCACertificates; {
	case len(v.CACertificateRefs) > 0 && wrong == len(v.CACertificateRefs):
		p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.BackendTLSPolicyReasonNoValidCACertificate), "no authority can be had")
	case len(v.CACertificateRefs) == 0 && (wellKnown == nil || *wellKnown != gatewayv1.WellKnownCACertificatesSystem):
		wrong++
		p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.PolicyReasonInvalid), "validation: neither caCertificateRefs, nor wellKnownCACertificates: System")
	}
	for _, u := range out.Identities.URIs {
		if strings.HasSuffix(u, "*") { // to the data plane it would stand for many
			wrong++
			p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.PolicyReasonInvalid), fmt.Sprintf("validation.subjectAltNames: %q ends in \"*\"", u))
		}
	}
	for _, f := range faults(&config.Snapshot{Backends: []config.Backend{{Name: "b", TLS: out}}}) {
		wrong++
		p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.PolicyReasonInvalid), strings.TrimPrefix(f.Path, "backends[0].tls.")+": "+f.What)
	}
	if wrong == 0 {
		p.tls = out
	}
}

// policyOf returns the policy that holds for a port of a Service, and notes which
// Gateways speak to it; nil if there is none.
func (x *index) policyOf(service Name, port string, parents []*parent) *tlsPolicy {
	all := x.secured[secured{service, port}]
	if port == "" || len(all) == 0 {
		all = x.secured[secured{service, ""}]
	}
	for _, p := range all {
		for _, parent := range parents {
			if parent.gateway.builtin {
				continue
			}
			p.gateways[nameOf(parent.gateway.object)] = true
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// status says what became of a policy, for each Gateway.
func (p *tlsPolicy) status(controller string) gatewayv1.PolicyStatus {
	var out gatewayv1.PolicyStatus
	for _, name := range slices.SortedFunc(maps.Keys(p.gateways), compareNames) {
		group, of, namespace := gatewayv1.Group(gatewayKind.group), gatewayv1.Kind(gatewayKind.kind), gatewayv1.Namespace(name.Namespace)
		out.Ancestors = append(out.Ancestors, gatewayv1.PolicyAncestorStatus{
			AncestorRef:    gatewayv1.ParentReference{Group: &group, Kind: &of, Namespace: &namespace, Name: gatewayv1.ObjectName(name.Name)},
			ControllerName: gatewayv1.GatewayController(controller), Conditions: p.conditions.all(),
		})
	}
	return out
}
