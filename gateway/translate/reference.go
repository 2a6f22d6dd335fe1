// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// reference is one object that names another one.
type reference struct {
	from kind
	in   string // the namespace of who refers
	to   kind
	name Name
}

// kind is a group and a kind.
type kind struct{ group, kind string }

var (
	gatewayKind     = kind{gatewayv1.GroupName, "Gateway"}
	listenerSetKind = kind{gatewayv1.GroupName, "ListenerSet"}
	httpRouteKind   = kind{gatewayv1.GroupName, "HTTPRoute"}
	grpcRouteKind   = kind{gatewayv1.GroupName, "GRPCRoute"}
	tlsRouteKind    = kind{gatewayv1.GroupName, "TLSRoute"}
	tcpRouteKind    = kind{gatewayv1.GroupName, "TCPRoute"}
	udpRouteKind    = kind{gatewayv1.GroupName, "UDPRoute"}
	serviceKind     = kind{"", "Service"}
	ingressKind     = kind{"networking.k8s.io", "Ingress"}
	secretKind      = kind{"", "Secret"}
	configMapKind   = kind{"", "ConfigMap"}
)

// String is how users know it: Service, or HTTPRoute.gateway.networking.k8s.io.
func (k kind) String() string {
	if k.group == "" {
		return k.kind
	}
	return k.kind + "." + k.group
}

// kindOf reads a reference's group and kind, which may be left out.
func kindOf(group *gatewayv1.Group, of *gatewayv1.Kind, missing kind) kind {
	out := missing
	if group != nil {
		out.group = string(*group)
	}
	if of != nil {
		out.kind = string(*of)
	}
	return out
}

// referTo makes a reference to what may be in another namespace.
func referTo(from kind, in string, to kind, namespace *gatewayv1.Namespace, name gatewayv1.ObjectName) reference {
	r := reference{from: from, in: in, to: to, name: Name{Namespace: in, Name: string(name)}}
	if namespace != nil {
		r.name.Namespace = string(*namespace)
	}
	return r
}

// granted is the only place that tells whether an object may name one of another
// namespace: a ReferenceGrant there says so. Within a namespace everything may.
func (x *index) granted(r reference) bool {
	if r.in == r.name.Namespace {
		return true
	}
	for _, g := range x.grants[r.name.Namespace] {
		if grants(&g.Spec, r) {
			return true
		}
	}
	return false
}

func grants(g *gatewayv1.ReferenceGrantSpec, r reference) bool {
	from, to := false, false
	for _, f := range g.From {
		from = from || kind{string(f.Group), string(f.Kind)} == r.from && string(f.Namespace) == r.in
	}
	for _, t := range g.To {
		to = to || kind{string(t.Group), string(t.Kind)} == r.to && (t.Name == nil || *t.Name == "" || string(*t.Name) == r.name.Name)
	}
	return from && to
}

// refusal says how to grant what is not granted.
func (r reference) refusal() string {
	return fmt.Sprintf("%s %s of namespace %s is not granted to %s of namespace %s: a ReferenceGrant there has to say so", r.to, r.name.Name, r.name.Namespace, r.from, r.in)
}
