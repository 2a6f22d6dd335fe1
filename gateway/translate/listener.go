// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"crypto/tls"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// listener is a listener of a Gateway, its own or one of a ListenerSet.
type listener struct {
	gateway    *gateway
	set        *listenerSet // nil: it is the Gateway's own
	spec       *gatewayv1.Listener
	conditions conditions
	kinds      []gatewayv1.RouteGroupKind // of routes that it takes
	secrets    []*corev1.Secret           // certificates, each with its key
	clients    *config.ClientCertificates
	presented  []presented // certificates of Ingresses
	attached   int32
}

func (x *index) listener(g *gateway, set *listenerSet, spec *gatewayv1.Listener) *listener {
	l := &listener{gateway: g, set: set, spec: spec}
	l.conditions.generation = l.home().GetGeneration()
	l.conditions.set(accepted, metav1.ConditionTrue, string(gatewayv1.ListenerReasonAccepted), "")
	l.conditions.set(resolvedRefs, metav1.ConditionTrue, string(gatewayv1.ListenerReasonResolvedRefs), "")
	l.conditions.set(conflicted, metav1.ConditionFalse, string(gatewayv1.ListenerReasonNoConflicts), "")
	l.takes()
	if t := spec.TLS; t != nil && len(t.Options) > 0 { // one of them could ask for what is stricter
		l.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.ListenerReasonUnsupportedValue), fmt.Sprintf("tls.options: %s is not known", slices.Sorted(maps.Keys(t.Options))[0]))
	}
	if l.endsTLS() {
		x.certificates(l)
		x.frontend(l)
	}
	return l
}

// home is the object in which a listener is written.
func (l *listener) home() metav1.Object {
	if l.set != nil {
		return l.set.object
	}
	return l.gateway.object
}

// homeKind is the kind of that object.
func (l *listener) homeKind() kind {
	if l.set != nil {
		return listenerSetKind
	}
	return gatewayKind
}

// label names a listener apart from all others of its Gateway. No "/" is in it: names of
// snapshots are parted by that (OriginOf).
func (l *listener) label() string {
	if l.set != nil {
		return fmt.Sprintf("%s:%s:%s", l.set.object.Namespace, l.set.object.Name, l.spec.Name)
	}
	return string(l.spec.Name)
}

// endsTLS tells whether what clients say in TLS is read here.
func (l *listener) endsTLS() bool {
	switch l.spec.Protocol {
	case gatewayv1.HTTPSProtocolType:
		return true
	case gatewayv1.TLSProtocolType:
		t := l.spec.TLS
		return t == nil || t.Mode == nil || *t.Mode != gatewayv1.TLSModePassthrough
	case gatewayv1.HTTPProtocolType, gatewayv1.TCPProtocolType, gatewayv1.UDPProtocolType:
	}
	return false
}

// host is the name for which a listener is asked; "*" is every one.
func (l *listener) host() string {
	if l.spec.Hostname == nil || *l.spec.Hostname == "" {
		return "*"
	}
	return string(*l.spec.Hostname)
}

// serves tells whether clients of a listener are answered. A faulty one does not listen.
func (l *listener) serves() bool {
	return l.conditions.is(accepted) && l.conditions.is(conflicted) && l.conditions.is(resolvedRefs)
}

// takes finds out which routes a listener may have.
func (l *listener) takes() {
	known := map[gatewayv1.ProtocolType][]kind{
		gatewayv1.HTTPProtocolType:  {httpRouteKind, grpcRouteKind},
		gatewayv1.HTTPSProtocolType: {httpRouteKind, grpcRouteKind},
		gatewayv1.TLSProtocolType:   {tlsRouteKind},
		gatewayv1.TCPProtocolType:   {tcpRouteKind},
		gatewayv1.UDPProtocolType:   {udpRouteKind},
	}[l.spec.Protocol]
	if known == nil {
		l.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.ListenerReasonUnsupportedProtocol), fmt.Sprintf("protocol %s is none of HTTP, HTTPS, TLS, TCP, UDP", l.spec.Protocol))
	}
	l.kinds = []gatewayv1.RouteGroupKind{}
	if l.spec.AllowedRoutes == nil || len(l.spec.AllowedRoutes.Kinds) == 0 {
		for _, k := range known {
			group := gatewayv1.Group(k.group)
			l.kinds = append(l.kinds, gatewayv1.RouteGroupKind{Group: &group, Kind: gatewayv1.Kind(k.kind)})
		}
		return
	}
	for _, k := range l.spec.AllowedRoutes.Kinds {
		wanted := kindOf(k.Group, &k.Kind, kind{group: gatewayv1.GroupName})
		if !slices.Contains(known, wanted) {
			l.conditions.set(resolvedRefs, metav1.ConditionFalse, string(gatewayv1.ListenerReasonInvalidRouteKinds), fmt.Sprintf("%s is no route of protocol %s", wanted, l.spec.Protocol))
			continue
		}
		group := gatewayv1.Group(wanted.group)
		l.kinds = append(l.kinds, gatewayv1.RouteGroupKind{Group: &group, Kind: gatewayv1.Kind(wanted.kind)})
	}
}

// certificates finds what a listener presents.
func (x *index) certificates(l *listener) {
	refuse := func(reason gatewayv1.ListenerConditionReason, format string, values ...any) {
		l.conditions.set(resolvedRefs, metav1.ConditionFalse, string(reason), fmt.Sprintf(format, values...))
	}
	t := l.spec.TLS
	switch {
	case t == nil || len(t.CertificateRefs) == 0:
		refuse(gatewayv1.ListenerReasonInvalidCertificateRef, "tls.certificateRefs: there is none")
		return
	case t.Mode != nil && *t.Mode != gatewayv1.TLSModeTerminate:
		l.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.ListenerReasonUnsupportedValue), fmt.Sprintf("tls.mode: %s with mode %s is not served: protocol TLS passes on what it does not read", l.spec.Protocol, *t.Mode))
		return
	}
	for i := range t.CertificateRefs {
		ref := &t.CertificateRefs[i]
		if of := kindOf(ref.Group, ref.Kind, secretKind); of != secretKind {
			refuse(gatewayv1.ListenerReasonInvalidCertificateRef, "tls.certificateRefs[%d]: %s is no Secret", i, of)
			continue
		}
		r := referTo(l.homeKind(), l.home().GetNamespace(), secretKind, ref.Namespace, ref.Name)
		if !x.granted(r) {
			refuse(gatewayv1.ListenerReasonRefNotPermitted, "tls.certificateRefs[%d]: %s", i, r.refusal())
			continue
		}
		s := x.secret(r.name)
		if fault := x.unfit(r.name, s); fault != "" {
			refuse(gatewayv1.ListenerReasonInvalidCertificateRef, "tls.certificateRefs[%d]: Secret %s %s", i, r.name, fault)
			continue
		}
		l.secrets = append(l.secrets, s)
	}
}

// unfit says why a Secret is no certificate, without a word of what is in it; "" if it
// is one.
func (x *index) unfit(name Name, s *corev1.Secret) string {
	switch {
	case s == nil && x.unread[secretKind][name] != "":
		return x.unread[secretKind][name]
	case s == nil:
		return "is not there"
	case s.Type != corev1.SecretTypeTLS:
		return fmt.Sprintf("is of type %s, not %s", s.Type, corev1.SecretTypeTLS)
	}
	if weight(s) > maxCertificate {
		return fmt.Sprintf("has more than %d KiB in tls.crt and tls.key", maxCertificate>>10)
	}
	pair, err := tls.X509KeyPair(s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return "has no certificate with its key, as PEM, in tls.crt and tls.key"
	}
	if n := len(pair.Leaf.DNSNames); n > maxNames {
		return fmt.Sprintf("has a certificate of %d names, and %d are the most", n, maxNames)
	}
	return ""
}

// maxNames is how many names a certificate may have: public authorities put 100 into one
// (Let's Encrypt, "Rate Limits"), and each is looked for where it is presented.
const maxNames = 1000

// allows tells whether routes of a kind and a namespace may be attached.
func (l *listener) allows(x *index, k kind, namespace string) bool {
	return slices.ContainsFunc(l.kinds, func(own gatewayv1.RouteGroupKind) bool { return kind{string(*own.Group), string(own.Kind)} == k }) && l.from(x, namespace)
}

// from tells whether routes of a namespace may be attached.
func (l *listener) from(x *index, namespace string) bool {
	from, selector := gatewayv1.NamespacesFromSame, (*metav1.LabelSelector)(nil)
	if a := l.spec.AllowedRoutes; a != nil && a.Namespaces != nil {
		if a.Namespaces.From != nil {
			from = *a.Namespaces.From
		}
		selector = a.Namespaces.Selector
	}
	return x.among(namespace, from, selector, l.home().GetNamespace())
}

// among tells whether a namespace is one of those that an object of another one lets in.
func (x *index) among(namespace string, from gatewayv1.FromNamespaces, selector *metav1.LabelSelector, own string) bool {
	switch from {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSame:
		return namespace == own
	case gatewayv1.NamespacesFromSelector:
		has, known := x.namespaces[namespace]
		s, err := metav1.LabelSelectorAsSelector(selector)
		return known && err == nil && s.Matches(labels.Set(has))
	case gatewayv1.NamespacesFromNone:
	}
	return false
}

func (l *listener) status() gatewayv1.ListenerStatus {
	if !l.serves() {
		reason := string(gatewayv1.ListenerReasonInvalid)
		if c := l.conditions.find(conflicted); l.set != nil && c != nil && !good(*c) {
			reason = c.Reason
		}
		l.conditions.set(programmed, metav1.ConditionFalse, reason, "")
	}
	return gatewayv1.ListenerStatus{Name: l.spec.Name, SupportedKinds: l.kinds, AttachedRoutes: l.attached, Conditions: l.conditions.all()}
}
