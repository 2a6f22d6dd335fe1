// SPDX-License-Identifier: Apache-2.0

package netpol

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// portsOf writes ports down: one list for all that ask for the same port alone.
func (r *renderer) portsOf(list []generator.Port) []networkingv1.NetworkPolicyPort {
	if len(list) != 1 {
		return portsOf(list)
	}
	known, is := r.ports[list[0]]
	if !is {
		known = portsOf(list)
		r.ports[list[0]] = known
	}
	return known
}

func portsOf(list []generator.Port) []networkingv1.NetworkPolicyPort {
	var out []networkingv1.NetworkPolicyPort
	for _, p := range list {
		if p.Validate() != nil {
			continue
		}
		protocol := corev1.Protocol(p.Protocol.String())
		to := networkingv1.NetworkPolicyPort{Protocol: &protocol}
		switch {
		case p.Name != "":
			port := intstr.FromString(p.Name)
			to.Port = &port
		case p != generator.EveryPort(p.Protocol):
			port := intstr.FromInt32(int32(p.First))
			to.Port = &port
			if p.Last > p.First {
				last := int32(p.Last)
				to.EndPort = &last
			}
		}
		out = append(out, to)
	}
	return out
}
