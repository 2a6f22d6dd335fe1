// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/gateway/expose"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// legacyClass names the class of an Ingress as it was before spec.ingressClassName.
// https://kubernetes.io/docs/concepts/services-networking/ingress/#deprecated-annotation
const legacyClass = "kubernetes.io/ingress.class"

// classes are those of the gateway that are named and not among the objects.
type classes struct {
	assumed []string    // notes that they are taken for the gateway's
	idle    []NotServed // what names one that is not there
}

// readClasses adds the classes of the gateway that files leave to whoever installs it, and
// has the checks take every class of the controller for the gateway's. Where every class
// is known, nothing is added: what names one that is not there is nobody's, and idle.
func readClasses(o *translate.Objects, in *Input) (*checks.Parameters, classes) {
	own := *in.Parameters
	own.Gateway.GatewayClasses, own.Gateway.IngressClasses = nil, nil
	var out classes
	for _, name := range in.Parameters.Gateway.GatewayClasses {
		of := gatewaysOf(o, name)
		switch {
		case len(of) == 0 || hasGatewayClass(o, name):
		case in.AllClasses:
			own.Gateway.GatewayClasses = append(own.Gateway.GatewayClasses, name)
			for _, g := range of {
				out.lack("Gateway", g, "GatewayClass "+name)
			}
		default:
			o.Classes = append(o.Classes, &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: gatewayv1.GatewayClassSpec{ControllerName: Controller}})
			out.assumed = append(out.assumed, fmt.Sprintf("GatewayClass %s is not among the objects: it is taken for the gateway's", name))
		}
	}
	for _, name := range in.Parameters.Gateway.IngressClasses {
		of := ingressesOf(o, name)
		switch {
		case len(of) == 0 && !exposesBy(o, name) || hasIngressClass(o, name):
		case in.AllClasses: // of Services the gateway says it itself
			own.Gateway.IngressClasses = append(own.Gateway.IngressClasses, name)
			for _, i := range of {
				out.lack(inventory.IngressKind.Kind, i, "IngressClass "+name)
			}
		default:
			o.IngressClasses = append(o.IngressClasses, &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: networkingv1.IngressClassSpec{Controller: Controller}})
			out.assumed = append(out.assumed, fmt.Sprintf("IngressClass %s is not among the objects: it is taken for the gateway's, without parameters", name))
		}
	}
	for _, c := range o.Classes {
		if c.Spec.ControllerName == Controller {
			own.Gateway.GatewayClasses = append(own.Gateway.GatewayClasses, c.Name)
		}
	}
	for _, c := range o.IngressClasses {
		if c.Spec.Controller == Controller {
			own.Gateway.IngressClasses = append(own.Gateway.IngressClasses, c.Name)
		}
	}
	return &own, out
}

// lack tells of an object whose class is not there.
func (c *classes) lack(kind string, o metav1.Object, class string) {
	c.idle = append(c.idle, NotServed{Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName(), Reason: "NoClass", Message: "there is no " + class})
}

func hasGatewayClass(o *translate.Objects, name string) bool {
	return slices.ContainsFunc(o.Classes, func(c *gatewayv1.GatewayClass) bool { return c.Name == name })
}

func hasIngressClass(o *translate.Objects, name string) bool {
	return slices.ContainsFunc(o.IngressClasses, func(c *networkingv1.IngressClass) bool { return c.Name == name })
}

// gatewaysOf are the Gateways that name a class.
func gatewaysOf(o *translate.Objects, class string) (out []*gatewayv1.Gateway) {
	for _, g := range o.Gateways {
		if string(g.Spec.GatewayClassName) == class {
			out = append(out, g)
		}
	}
	return out
}

// ingressesOf are the Ingresses that name a class, in either way.
func ingressesOf(o *translate.Objects, class string) (out []*networkingv1.Ingress) {
	for _, i := range o.Ingresses {
		named := i.Annotations[legacyClass]
		if i.Spec.IngressClassName != nil {
			named = *i.Spec.IngressClassName
		}
		if named == class {
			out = append(out, i)
		}
	}
	return out
}

// exposesBy tells whether a Service is exposed by annotations that name a class.
func exposesBy(o *translate.Objects, class string) bool {
	for _, s := range o.Services {
		if _, exposed := s.Annotations[expose.Prefix+expose.Host]; exposed && strings.TrimSpace(s.Annotations[expose.Prefix+expose.Class]) == class {
			return true
		}
	}
	return false
}
