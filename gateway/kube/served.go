// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// served is what a Plane is to serve: the Gateways of which translation has spoken, and
// what is served for classes of Ingresses that name none.
func served(o *translate.Objects, r *translate.Result) []Served {
	var out []Served
	known := map[translate.Name]bool{}
	made := madeFor(o)
	classes := classesOf(o)
	for _, g := range o.Gateways {
		name := nameOf(g)
		if _, ours := r.Gateways[name]; !ours {
			continue
		}
		known[name] = true
		s := servedOf(g, made)
		s.Snapshot = r.Snapshots[name]
		if c := classes[string(g.Spec.GatewayClassName)]; c != nil {
			s.Parameters = translate.Parameters(c, o.Parameters)
			s.Unknown = s.Parameters == nil && c.Spec.ParametersRef != nil
		}
		_, s.Keep = r.Faults[name]
		out = append(out, s)
	}
	builtin := map[translate.Name]*Served{}
	for name, snapshot := range r.Snapshots {
		if !known[name] {
			builtin[name] = &Served{Gateway: name, Snapshot: snapshot}
		}
	}
	for name := range r.Faults {
		if !known[name] {
			builtin[name] = &Served{Gateway: name, Keep: true}
		}
	}
	// They are no objects that could have a status: the Ingresses know their addresses.
	for _, i := range o.Ingresses {
		for _, name := range r.Ingresses[nameOf(i)] {
			if s := builtin[name]; s != nil && len(s.Held) == 0 {
				for _, a := range i.Status.LoadBalancer.Ingress {
					s.Held = append(s.Held, a.IP)
				}
			}
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(builtin), compare) {
		out = append(out, *builtin[name])
	}
	return out
}

// services are those that were made for Gateways, by their own names.
type services map[translate.Name]*corev1.Service

func madeFor(o *translate.Objects) services {
	out := services{}
	for _, s := range o.Services {
		if s.Labels[provision.MarkLabel] == s.Name {
			out[nameOf(s)] = s
		}
	}
	return out
}

// of is the Service of a Gateway, nil if it has none. An owner reference alone says nothing:
// who may make Services in another namespace writes there what he likes.
func (m services) of(g *gatewayv1.Gateway) *corev1.Service {
	s := m[translate.Name{Namespace: g.Namespace, Name: provision.Name(g.Name)}]
	if s == nil {
		return nil
	}
	owner := metav1.GetControllerOf(s)
	if owner == nil || owner.UID != g.UID || owner.Name != g.Name || owner.Kind != "Gateway" || !strings.HasPrefix(owner.APIVersion, gatewayv1.GroupName+"/") {
		return nil
	}
	return s
}

// leftover are Gateways for which a controller has made something, and whose class is another
// controller's.
func leftover(o *translate.Objects, r *translate.Result, controller string) []translate.Name {
	made, there := madeFor(o), classesOf(o)
	var out []translate.Name
	for _, g := range o.Gateways {
		if _, ours := r.Gateways[nameOf(g)]; ours || there[string(g.Spec.GatewayClassName)] == nil {
			continue
		}
		if madeBy(made.of(g), controller) {
			out = append(out, nameOf(g))
		}
	}
	return out
}
