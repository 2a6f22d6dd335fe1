// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// gateway is a Gateway of ours on its way to a snapshot.
type gateway struct {
	object     *gatewayv1.Gateway
	conditions conditions
	listeners  []*listener // its own, and then those of sets that have no conflict
	events     []Event     // of annotations that cannot be kept here
	sets       []*listenerSet
	builtin    bool // it is no object: see Builtin
	// shown is the certificate that backends are shown; nil: none is asked for, or it
	// cannot be had.
	shown   *corev1.Secret
	unshown bool // one is asked for, and cannot be had: backends by TLS are spoken to by nobody
	refused bool // it asks for what there is not, and nothing of it is served
	missing Missing
	storage *storage // where its replicas count together; nil: no policy has asked
}

// Reasons and conditions that the API shares between kinds.
const (
	accepted     = string(gatewayv1.GatewayConditionAccepted)
	resolvedRefs = string(gatewayv1.ListenerConditionResolvedRefs)
	conflicted   = string(gatewayv1.ListenerConditionConflicted)
	programmed   = string(gatewayv1.ListenerConditionProgrammed)
)

// Parameters are those of a GatewayClass; nil if it has none, or none that there are.
func Parameters(c *gatewayv1.GatewayClass, all []*v1alpha1.GatewayParameters) *v1alpha1.GatewayParameters {
	p := c.Spec.ParametersRef
	if p == nil || string(p.Group) != v1alpha1.GroupName || string(p.Kind) != v1alpha1.GatewayParametersKind || p.Namespace != nil {
		return nil
	}
	if i := slices.IndexFunc(all, func(g *v1alpha1.GatewayParameters) bool { return g.Name == p.Name }); i >= 0 {
		return all[i]
	}
	return nil
}

// unknownParameters says why the parameters that a GatewayClass names cannot be kept; ""
// if they can.
func unknownParameters(c *gatewayv1.GatewayClass, all []*v1alpha1.GatewayParameters) string {
	p := c.Spec.ParametersRef
	if p == nil || Parameters(c, all) != nil {
		return ""
	}
	what := kind{string(p.Group), string(p.Kind)}
	switch {
	case what != kind{v1alpha1.GroupName, v1alpha1.GatewayParametersKind}:
		return fmt.Sprintf("parametersRef: %s %s is not known: the parameters of a GatewayClass are %s", what, p.Name, kind{v1alpha1.GroupName, v1alpha1.GatewayParametersKind})
	case p.Namespace != nil:
		return fmt.Sprintf("parametersRef.namespace: %s are of no namespace", v1alpha1.GatewayParametersKind)
	}
	return fmt.Sprintf("parametersRef: there are no %s %s", what, p.Name)
}

// class says whether a GatewayClass is as it can be. Of one with parameters that nobody
// here reads no Gateway is served: they may have been to keep clients out.
func (x *index) class(c *gatewayv1.GatewayClass) []metav1.Condition {
	own := conditions{generation: c.Generation}
	x.parametersOf[c.Name] = Parameters(c, x.parameters)
	own.set(accepted, metav1.ConditionTrue, string(gatewayv1.GatewayClassReasonAccepted), "")
	if why := unknownParameters(c, x.parameters); why != "" {
		x.unknown[c.Name] = why
		own.set(accepted, metav1.ConditionFalse, string(gatewayv1.GatewayClassReasonInvalidParameters), x.unknown[c.Name])
	}
	return own.all()
}

// gateway reads a Gateway. Its routes are not attached yet.
func (x *index) gateway(g *gatewayv1.Gateway) *gateway {
	out := &gateway{object: g, conditions: conditions{generation: g.Generation}}
	for i, a := range g.Spec.Addresses {
		if a.Type != nil && *a.Type != gatewayv1.IPAddressType {
			out.refused = true
			out.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.GatewayReasonUnsupportedAddress), fmt.Sprintf("addresses[%d].type: %s is no %s", i, *a.Type, gatewayv1.IPAddressType))
		}
	}
	if i := g.Spec.Infrastructure; i != nil && i.ParametersRef != nil {
		out.refused = true
		out.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.GatewayReasonInvalidParameters), fmt.Sprintf("infrastructure.parametersRef: %s %s is not known: there are no parameters of a Gateway", kind{string(i.ParametersRef.Group), string(i.ParametersRef.Kind)}, i.ParametersRef.Name))
	}
	if why := x.unknown[string(g.Spec.GatewayClassName)]; why != "" {
		out.refused = true
		out.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.GatewayReasonInvalidParameters), fmt.Sprintf("GatewayClass %s: %s", g.Spec.GatewayClassName, why))
	}
	for i := range g.Spec.Listeners {
		out.listeners = append(out.listeners, x.listener(out, nil, &g.Spec.Listeners[i]))
	}
	for _, s := range x.sets[nameOf(g)] {
		x.join(out, s)
	}
	conflicts(out.listeners)
	// One that leaves its port to others has nothing there, not even its host.
	out.listeners = slices.DeleteFunc(out.listeners, func(l *listener) bool { return l.set != nil && !l.conditions.is(conflicted) })
	x.backendCertificate(out)
	if where := insecure(g); where != "" {
		out.conditions.set(string(gatewayv1.GatewayConditionInsecureFrontendValidationMode), metav1.ConditionTrue, string(gatewayv1.GatewayReasonConfigurationChanged), "clients are let in whose certificates do not hold, or who have none: "+where)
	}
	return out
}

// backendCertificate finds what a Gateway shows to backends that it speaks to by TLS.
func (x *index) backendCertificate(g *gateway) {
	t := g.object.Spec.TLS
	if t == nil || t.Backend == nil || t.Backend.ClientCertificateRef == nil {
		return
	}
	const at = "tls.backend.clientCertificateRef: "
	ref := t.Backend.ClientCertificateRef
	refuse := func(reason gatewayv1.GatewayConditionReason, message string) {
		g.unshown = true
		g.conditions.set(resolvedRefs, metav1.ConditionFalse, string(reason), at+message)
	}
	if of := kindOf(ref.Group, ref.Kind, secretKind); of != secretKind {
		refuse(gatewayv1.GatewayReasonInvalidClientCertificateRef, of.String()+" is no Secret")
		return
	}
	r := referTo(gatewayKind, g.object.Namespace, secretKind, ref.Namespace, ref.Name)
	if !x.granted(r) {
		refuse(gatewayv1.GatewayReasonRefNotPermitted, r.refusal())
		return
	}
	s := x.secret(r.name)
	if fault := x.unfit(r.name, s); fault != "" {
		refuse(gatewayv1.GatewayReasonInvalidClientCertificateRef, fmt.Sprintf("Secret %s %s", r.name, fault))
		return
	}
	g.shown = s
	g.conditions.set(resolvedRefs, metav1.ConditionTrue, string(gatewayv1.GatewayReasonResolvedRefs), "")
}

// status is what is said of a Gateway when its routes were attached.
func (g *gateway) status() gatewayv1.GatewayStatus {
	var out gatewayv1.GatewayStatus
	faulty, own := 0, 0
	for _, l := range g.listeners {
		if l.set != nil {
			continue
		}
		if own++; !l.serves() {
			faulty++
		}
		out.Listeners = append(out.Listeners, l.status())
	}
	switch c := &g.conditions; {
	case !slices.ContainsFunc(g.listeners, (*listener).serves):
		c.set(accepted, metav1.ConditionFalse, string(gatewayv1.GatewayReasonListenersNotValid), "no listener can be served")
	case faulty > 0:
		c.set(accepted, metav1.ConditionTrue, string(gatewayv1.GatewayReasonListenersNotValid), fmt.Sprintf("%d of %d listeners cannot be served", faulty, own))
	default:
		c.set(accepted, metav1.ConditionTrue, string(gatewayv1.GatewayReasonAccepted), "")
	}
	out.Conditions = g.conditions.all()
	if g.object.Spec.AllowedListeners != nil || len(g.sets) > 0 {
		attached := int32(0)
		for _, s := range g.sets {
			if s.attached() {
				attached++
			}
		}
		out.AttachedListenerSets = &attached
	}
	return out
}

// conflicts finds listeners that cannot be on one port together. Of a Gateway's own that
// clash none is served: which one was meant is not known. One of a ListenerSet leaves the
// port to those before it that have not left it themselves, and is told nothing of them.
func conflicts(all []*listener) {
	for i, b := range all {
		for _, a := range all[:i] {
			reason := clash(a, b)
			switch {
			case reason == "" || a.set != nil && !a.conditions.is(conflicted):
			case b.set != nil:
				b.conflict(reason, fmt.Sprintf("another listener of the Gateway has port %d already", b.spec.Port))
			default:
				a.conflict(reason, fmt.Sprintf("listener %s has port %d as well", b.spec.Name, b.spec.Port))
				b.conflict(reason, fmt.Sprintf("listener %s has port %d as well", a.spec.Name, a.spec.Port))
			}
		}
	}
}

// clash says why two listeners cannot be on one port together; "" if they can.
func clash(a, b *listener) gatewayv1.ListenerConditionReason {
	switch {
	case place(a) != place(b):
	case family(a.spec.Protocol) != family(b.spec.Protocol):
		return gatewayv1.ListenerReasonProtocolConflict
	case strings.HasPrefix(family(a.spec.Protocol), whole), a.host() == b.host():
		return gatewayv1.ListenerReasonHostnameConflict
	}
	return ""
}

// conflict says that a listener is not served for the sake of another one.
func (l *listener) conflict(reason gatewayv1.ListenerConditionReason, message string) {
	l.conditions.set(conflicted, metav1.ConditionTrue, string(reason), message)
	l.conditions.set(accepted, metav1.ConditionFalse, string(reason), message)
}

// whole is how families begin of which nothing tells two listeners of a port apart.
const whole = "whole "

// family names protocols whose listeners can be told apart on one port, by the name that
// a client asks for: in the request, or in the handshake of TLS.
func family(p gatewayv1.ProtocolType) string {
	switch p {
	case gatewayv1.HTTPProtocolType:
		return string(p)
	case gatewayv1.HTTPSProtocolType, gatewayv1.TLSProtocolType:
		return string(gatewayv1.TLSProtocolType)
	case gatewayv1.TCPProtocolType, gatewayv1.UDPProtocolType:
	}
	return whole + string(p)
}

func datagrams(l *listener) bool { return l.spec.Protocol == gatewayv1.UDPProtocolType }
