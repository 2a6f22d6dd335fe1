// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Name is a namespace and a name.
type Name = types.NamespacedName

// Object is what is written.
type Object interface {
	metav1.Object
	runtime.Object
}

// Objects are what is converted, and what has to be known for it. They are not changed;
// in whatever order they come the result is the same.
type Objects struct {
	Ingresses []*networkingv1.Ingress
	Classes   []*networkingv1.IngressClass
	Services  []*corev1.Service
	// ConfigMaps have header lines that annotations name.
	ConfigMaps []*corev1.ConfigMap
	// Others are objects that annotations name, such as KongPlugins and Middlewares.
	Others []*unstructured.Unstructured
}

// Options say what is wanted.
type Options struct {
	// Controller is by whom all Ingresses are served, by Controller.Name; "" is by whom
	// their classes say.
	Controller string
	// Class leaves Ingresses of other classes out; "" none.
	Class string
	// GatewayClass of the Gateways; "" is gatehouse.
	GatewayClass string
	// Gateway is one Gateway for everything. None: one for each namespace and class, by the
	// name of the class.
	Gateway Name
	// Certificate is a Secret for TLS of Ingresses that name none.
	Certificate Name
	// AllowOpen writes routes that lost what kept requests out, too.
	AllowOpen bool
}

// Result is what to apply, and what became of each annotation.
type Result struct {
	Objects []Object // in the order in which they can be applied
	Lines   []Line
	// Closed are Ingresses whose routes answer 500 since something was lost; with
	// Options.AllowOpen, those that are open in spite of it.
	Closed []Name
}

// conversion is one run.
type conversion struct {
	objects     *Objects
	options     Options
	controllers []*Controller
	classes     map[string]*networkingv1.IngressClass
	services    map[Name]*corev1.Service
	configMaps  map[Name]map[string]string
	others      map[string]*unstructured.Unstructured // by kind, namespace and name
	plans       []*plan
	gateways    map[Name]*gateway
	grants      map[grant]bool
	secured     map[secured]*gatewayv1.BackendTLSPolicy
	names       map[string]bool // that are taken, by kind, namespace and name
	out         []Object
	lines       []Line // of what no plan is for
	closed      []Name
}

// Convert converts. The objects that come out are those of the API server's rules as far
// as these were met by what came in.
func Convert(o *Objects, options Options) *Result {
	c := &conversion{
		objects: o, options: options, controllers: Controllers(),
		classes: map[string]*networkingv1.IngressClass{}, services: map[Name]*corev1.Service{}, configMaps: map[Name]map[string]string{}, others: map[string]*unstructured.Unstructured{},
		gateways: map[Name]*gateway{}, grants: map[grant]bool{}, secured: map[secured]*gatewayv1.BackendTLSPolicy{}, names: map[string]bool{},
	}
	c.options.GatewayClass = cmp.Or(options.GatewayClass, "gatehouse")
	for _, k := range o.Classes {
		c.classes[k.Name] = k
	}
	for _, s := range o.Services {
		c.services[Name{Namespace: s.Namespace, Name: s.Name}] = s
	}
	for _, m := range o.ConfigMaps {
		c.configMaps[Name{Namespace: m.Namespace, Name: m.Name}] = m.Data
	}
	for _, u := range o.Others {
		c.others[key(u.GetKind(), u.GetNamespace(), u.GetName())] = u
	}
	ingresses := slices.SortedFunc(slices.Values(o.Ingresses), func(a, b *networkingv1.Ingress) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, i := range ingresses {
		c.plan(i)
	}
	c.canaries()
	c.shared()
	for _, p := range c.plans {
		p.unseen()
		p.either()
	}
	c.calls()
	for _, p := range c.plans {
		c.listen(p)
	}
	for _, p := range c.plans {
		c.reachable(p)
	}
	for _, p := range c.plans {
		c.write(p)
	}
	c.finish()
	out := &Result{Objects: c.out, Lines: c.lines, Closed: c.closed}
	for _, p := range c.plans {
		p.resolve(p.closed() && !options.AllowOpen)
		out.Lines = append(out.Lines, p.lines...)
	}
	sortLines(out.Lines)
	return out
}

func key(kind, namespace, name string) string { return kind + " " + namespace + "/" + name }

// plan reads one Ingress.
func (c *conversion) plan(i *networkingv1.Ingress) {
	if c.options.Class != "" && className(i) != c.options.Class {
		return
	}
	controller, class, err := c.served(i)
	if err != nil {
		c.lines = append(c.lines, Line{Kind: "Ingress", Namespace: i.Namespace, Name: i.Name, Source: "spec.ingressClassName", Message: err.Error(), Closes: true})
		c.closed = append(c.closed, Name{Namespace: i.Namespace, Name: i.Name})
		return
	}
	p := &plan{conversion: c, ingress: i, controller: controller, class: class, secure: controller.secures, made: map[string][]string{}}
	c.annotations(p, "Ingress", i.Namespace, i.Name, c.inherited(controller, i))
	for _, name := range p.serviceNames() {
		s := c.services[Name{Namespace: i.Namespace, Name: name}]
		switch {
		case s != nil && controller.services:
			c.annotations(p, "Service", s.Namespace, s.Name, c.own(controller, s.Annotations))
		case s != nil:
			p.unread(s)
		case controller.services && (p.actions[name] == nil || slices.Contains(p.shared, name)):
			p.fault("spec", "Service %s/%s is not in the input: its annotations can keep requests out", i.Namespace, name)
		}
	}
	if controller.inside != nil {
		controller.inside(p)
	}
	c.read(p)
	c.plans = append(c.plans, p)
}

// own are the annotations of a Service that a controller may read: others are of whoever
// else has to do with it.
func (c *conversion) own(k *Controller, all map[string]string) map[string]string {
	out := map[string]string{}
	for key, value := range all {
		if k.owns(key) {
			out[key] = value
		}
	}
	return out
}

// unread says of annotations of a Service that they had no effect: they could take the
// place of those of the Ingress.
func (p *plan) unread(s *corev1.Service) {
	for key := range p.conversion.own(p.controller, s.Annotations) {
		p.lines = append(p.lines, Line{Kind: "Service", Namespace: s.Namespace, Name: s.Name, Source: key, Outcome: Ignored, Message: p.controller.Title + " reads no annotations of Services"})
	}
}

// finish adds what several Ingresses share, and sorts everything.
func (c *conversion) finish() {
	for _, g := range c.gateways {
		c.clients(g)
		c.out = append(c.out, g.object)
	}
	for _, b := range c.secured {
		c.out = append(c.out, b)
	}
	c.granted()
	order := []string{"Gateway", "ReferenceGrant", "BackendTLSPolicy", "AccessPolicy", "TrafficPolicy", "ClientPolicy", "HTTPRoute", "GRPCRoute", "TLSRoute"}
	kind := func(o Object) string { return o.GetObjectKind().GroupVersionKind().Kind }
	slices.SortFunc(c.out, func(a, b Object) int {
		return cmp.Or(cmp.Compare(slices.Index(order, kind(a)), slices.Index(order, kind(b))), cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
}

// several stands in Line.object for whatever was made of an Ingress.
const several = "*"

// resolve names the objects in lines: what an annotation went to is known at the end.
func (p *plan) resolve(closed bool) {
	for i := range p.lines {
		l := &p.lines[i]
		if l.Outcome != Converted || l.object == "" || closed {
			continue
		}
		if l.object == several {
			for _, kind := range []string{"AccessPolicy", "TrafficPolicy", "HTTPRoute"} {
				for _, name := range p.made[kind] {
					l.To = append(l.To, kind+" "+name)
				}
			}
			continue
		}
		names := p.made[l.object]
		if strings.HasSuffix(l.field, "requestRedirect") {
			names = slices.Concat(names, p.made["redirect"])
		}
		for _, name := range names {
			l.To = append(l.To, l.object+" "+name+" "+l.field)
		}
	}
}
