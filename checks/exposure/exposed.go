// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// exposed is a Service and the ways to it that the object under judgement
// completes.
type exposed struct {
	svc  *corev1.Service
	ways []Way // never empty, ordered as Ways does

	// ref is where the object under judgement, an Ingress, a route or a relay, names
	// the Service or the relay before it; zero when the object is the Service or a
	// workload behind it.
	ref inventory.ServiceRef

	// ports are the ports of the Service that the reference means; nil without one.
	ports []*corev1.ServicePort

	// workload is the workload under judgement; nil when all of the Service's
	// count.
	workload *inventory.Workload
}

// subject is the identity of a fault of the exposed Service in the object under
// judgement.
func (x exposed) subject(fault string) string {
	if x.ref.Name == "" && x.workload == nil {
		return fault
	}
	return "service/" + x.svc.Namespace + "/" + x.svc.Name + "/" + fault
}

// field is where the object under judgement takes part in the exposure.
func (x exposed) field() string {
	switch {
	case x.ref.Name != "":
		return x.ref.Field
	case x.workload != nil && x.workload.Field == "":
		return "metadata.labels"
	case x.workload != nil:
		return x.workload.Field + ".metadata.labels"
	case x.ways[0].referrer != nil:
		return "metadata.name"
	case x.ways[0].Gateway:
		return annotationField(exposeAnnotation)
	case x.svc.Spec.Type == corev1.ServiceTypeNodePort || x.svc.Spec.Type == corev1.ServiceTypeLoadBalancer:
		return "spec.type"
	}
	return "spec.externalIPs"
}

// path is the chain through a way to the Service and what stands behind it.
func (x exposed) path(w Way, more ...string) []string {
	out := w.Path()
	if w.referrer != nil {
		out = append(out, serviceName(x.svc))
	}
	return append(out, more...)
}

// workloads returns what stands behind the Service, the workload under judgement
// alone where there is one.
func (x exposed) workloads(in checks.Input) []*inventory.Workload {
	if x.workload == nil {
		return Selected(x.svc, in)
	}
	return []*inventory.Workload{x.workload}
}

// exposedBy returns the Services that the object under judgement exposes: itself,
// those that it routes to or relays to, or those that select its pods. A route to a Service
// that does not exist exposes nothing yet; the Service is judged when it comes.
// The checks of one evaluation share the list, which must not be changed.
func exposedBy(in checks.Input) []exposed {
	return checks.Shared(in, in.Object, func() []exposed {
		if svc, isService := in.Object.(*corev1.Service); isService {
			var out []exposed
			if ways := Ways(svc, in); len(ways) > 0 {
				out = append(out, exposed{svc: svc, ways: ways})
			}
			if svc.Spec.Type == corev1.ServiceTypeExternalName {
				out = append(out, exposedOnward(in.Inventory.Entry(inventory.KeyOf(svc)), in)...)
			}
			return out
		}
		e := in.Inventory.Entry(inventory.KeyOf(in.Object))
		switch {
		case e == nil:
			return nil
		case e.Workload != nil:
			return exposedWorkload(e.Workload, in)
		}
		return exposedOnward(e, in)
	})
}

func exposedWorkload(w *inventory.Workload, in checks.Input) []exposed {
	var out []exposed
	for svc := range in.Inventory.Selecting(w.Key.Namespace, w.Labels) {
		if ways := Ways(svc, in); len(ways) > 0 {
			out = append(out, exposed{svc: svc, ways: ways, workload: w})
		}
	}
	return out
}

// exposedOnward returns the Services that a route or a relay opens.
func exposedOnward(e *inventory.Entry, in checks.Input) []exposed {
	if e == nil {
		return nil
	}
	var out []exposed
	var named portNames
	for _, o := range Opens(e, in) {
		out = append(out, exposed{svc: o.Service, ways: o.Ways, ref: o.Ref, ports: named.of(o.Service, o.Ref)})
	}
	return out
}

// portNames finds the ports of a Service that references mean. An object may
// name thousands, of a Service that has as many.
type portNames struct {
	svc   *corev1.Service
	ports map[string][]*corev1.ServicePort
}

func (n *portNames) of(svc *corev1.Service, ref inventory.ServiceRef) []*corev1.ServicePort {
	if len(svc.Spec.Ports) <= few || ref.Port == "" {
		var out []*corev1.ServicePort
		for i := range svc.Spec.Ports {
			if p := &svc.Spec.Ports[i]; namesPort(ref, p) {
				out = append(out, p)
			}
		}
		return out
	}
	if n.svc != svc {
		n.svc, n.ports = svc, make(map[string][]*corev1.ServicePort, len(svc.Spec.Ports))
		for i := range svc.Spec.Ports {
			p := &svc.Spec.Ports[i]
			number := strconv.Itoa(int(p.Port))
			n.ports[number] = append(n.ports[number], p)
			if p.Name != "" && p.Name != number {
				n.ports[p.Name] = append(n.ports[p.Name], p)
			}
		}
	}
	return n.ports[ref.Port]
}

// routeKinds are Ingresses, Gateway API routes and the vendors' kinds that name
// Services, TraefikServices among them: what can expose a Service without being one.
func routeKinds() []schema.GroupKind {
	out := []schema.GroupKind{inventory.IngressKind}
	for _, kind := range []string{"HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"} {
		out = append(out, schema.GroupKind{Group: inventory.GatewayGroup, Kind: kind})
	}
	for _, k := range inventory.Kinds() {
		if len(k.Backends) > 0 && !k.BuiltIn {
			out = append(out, k.GroupKind)
		}
	}
	return out
}
