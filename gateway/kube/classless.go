// SPDX-License-Identifier: Apache-2.0

package kube

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// classless are Gateways whose class is not there: it is made anew, or was deleted while they
// are there. Another class decides that they are not ours any more, and the absence of one
// does not: what is served of them stays, and what was made for them. Ours are those for which
// a controller has made something, and those that this process has served.
func classless(o *translate.Objects, controller string, before []Served) []Served {
	there := classesOf(o)
	had := map[types.UID]bool{}
	for i := range before {
		if g := before[i].Object; g != nil {
			had[g.UID] = true
		}
	}
	made := madeFor(o)
	var out []Served
	for _, g := range o.Gateways {
		if there[string(g.Spec.GatewayClassName)] != nil {
			continue
		}
		if madeBy(made.of(g), controller) || had[g.UID] {
			s := servedOf(g, made)
			s.Keep, s.Unknown, s.Classless = true, true, true
			out = append(out, s)
		}
	}
	return out
}

// classesOf are the GatewayClasses by their names.
func classesOf(o *translate.Objects) map[string]*gatewayv1.GatewayClass {
	out := map[string]*gatewayv1.GatewayClass{}
	for _, c := range o.Classes {
		out[c.Name] = c
	}
	return out
}

// servedOf is what is known of a Gateway without its class.
func servedOf(g *gatewayv1.Gateway, made services) Served {
	s := Served{Gateway: nameOf(g), Created: g.CreationTimestamp.Time, Object: g}
	if own := made.of(g); own != nil && own.DeletionTimestamp == nil {
		s.Service = own
	}
	for _, a := range g.Spec.Addresses {
		s.Asked = append(s.Asked, a.Value)
	}
	for _, a := range g.Status.Addresses {
		s.Held = append(s.Held, a.Value)
	}
	return s
}

// madeBy tells whether a controller has made a Service.
func madeBy(s *corev1.Service, controller string) bool {
	return s != nil && s.Annotations[provision.ControllerAnnotation] == controller
}

// tellClassless logs whose class has gone since the last translation.
func (c *Controller) tellClassless(now []Served) {
	before := map[translate.Name]bool{}
	for i := range c.served {
		if c.served[i].Classless {
			before[c.served[i].Gateway] = true
		}
	}
	for i := range now {
		if s := &now[i]; !before[s.Gateway] {
			c.options.Log.Info("the class of a Gateway is not there, what is served of it stays", "gateway", s.Gateway.String(), "gatewayClass", string(s.Object.Spec.GatewayClassName))
		}
	}
}
