// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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
	classes := map[string]*gatewayv1.GatewayClass{}
	for _, c := range o.Classes {
		classes[c.Name] = c
	}
	for _, g := range o.Gateways {
		name := nameOf(g)
		if _, ours := r.Gateways[name]; !ours {
			continue
		}
		known[name] = true
		s := Served{Gateway: name, Created: g.CreationTimestamp.Time, Snapshot: r.Snapshots[name], Object: g, Service: made[g.UID]}
		if c := classes[string(g.Spec.GatewayClassName)]; c != nil {
			s.Parameters = translate.Parameters(c, o.Parameters)
		}
		_, s.Keep = r.Faults[name]
		for _, a := range g.Spec.Addresses {
			s.Asked = append(s.Asked, a.Value)
		}
		for _, a := range g.Status.Addresses {
			s.Held = append(s.Held, a.Value)
		}
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

// madeFor are the Services that were made for Gateways, by the UIDs of those.
func madeFor(o *translate.Objects) map[types.UID]*corev1.Service {
	out := map[types.UID]*corev1.Service{}
	for _, s := range o.Services {
		if owner := metav1.GetControllerOf(s); s.Labels[provision.MarkLabel] == s.Name && owner != nil && owner.Kind == "Gateway" && s.Name == provision.Name(owner.Name) {
			out[owner.UID] = s
		}
	}
	return out
}

// leftover are Gateways for which something was made, and that are not ours any more.
func leftover(o *translate.Objects, r *translate.Result) []translate.Name {
	made := madeFor(o)
	var out []translate.Name
	for _, g := range o.Gateways {
		if _, ours := r.Gateways[nameOf(g)]; !ours && made[g.UID] != nil {
			out = append(out, nameOf(g))
		}
	}
	return out
}
