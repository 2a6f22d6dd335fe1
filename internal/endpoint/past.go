// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/blast"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// past are the endpoints that are not the gateway's: Services with ways of their own,
// Ingresses and routes of other classes, ports of nodes. What is attached to the gateway
// and not served by it is no endpoint, and is told as well.
func (w *World) past(served map[inventory.Key]bool) (out []Endpoint, idle []NotServed) {
	told := map[inventory.Key]bool{}
	for _, n := range w.classes.idle {
		if n.Kind == inventory.IngressKind.Kind {
			told[inventory.Key{Kind: inventory.IngressKind, Namespace: n.Namespace, Name: n.Name}] = true
		}
	}
	for e := range w.Inventory.Entries(inventory.ServiceKind, "") {
		svc, ok := e.Object.(*corev1.Service)
		if !ok {
			continue
		}
		for _, way := range exposure.Ways(svc, w.checks) {
			by := way.Referrer()
			switch {
			case by == nil && way.Gateway: // the gateway's own, served or told as an Event
			case by == nil:
				out = append(out, w.ofService(svc, way)...)
			case !way.Gateway:
				out = append(out, w.ofReferrer(svc, way, by)...)
			case !served[by.Key] && !told[by.Key]:
				told[by.Key] = true
				idle = append(idle, NotServed{
					Kind: by.Key.Kind.Kind, Namespace: by.Key.Namespace, Name: by.Key.Name, Reason: "NotServed",
					Message: "it is attached to the gateway, and nothing of it is served",
				})
			}
		}
	}
	out = append(out, w.toAbsent()...)
	return append(out, w.ofNodes()...), idle
}

// unguarded is an endpoint of which Gatehouse knows no more than that it is there.
func (w *World) unguarded(way exposure.Way) Endpoint {
	return Endpoint{
		Through:  Through{From: way.From, By: checks.Plain(way.By)},
		Listener: Listener{Addresses: []string{}}, Matches: []string{},
		TLS:            TLS{State: TLSUnknown, Certificates: []Certificate{}},
		Authentication: Authentication{State: AuthenticationUnknown, Methods: []string{}, Policies: []Held{}},
		Authorization:  []string{}, Limits: []string{}, Answer: AnswerBackends, Backends: []Backend{},
	}
}

// ofService has an endpoint for each port of a Service that opens a way by itself.
func (w *World) ofService(svc *corev1.Service, way exposure.Way) []Endpoint {
	out := make([]Endpoint, 0, len(svc.Spec.Ports))
	for i := range svc.Spec.Ports {
		p := &svc.Spec.Ports[i]
		e := w.unguarded(way)
		e.Through.Kind, e.Through.Namespace, e.Through.Name = inventory.ServiceKind.Kind, svc.Namespace, svc.Name
		e.Listener = Listener{Name: p.Name, Addresses: addressesOf(svc), Port: int(p.Port), Protocol: protocolOf(p)}
		if svc.Spec.Type == corev1.ServiceTypeNodePort {
			e.Listener.Port = int(p.NodePort) // 0: the API server chooses it
		}
		e.TLS = TLS{State: TLSPassed, Certificates: []Certificate{}}
		e.Authentication.State, e.Authentication.Why = AuthenticationNone, "nothing is before it: who connects reaches the workload"
		w.lead(&e, svc, p)
		out = append(out, e)
	}
	return out
}

func protocolOf(p *corev1.ServicePort) string {
	if p.Protocol == "" {
		return string(corev1.ProtocolTCP)
	}
	return string(p.Protocol)
}

func addressesOf(svc *corev1.Service) []string {
	out := append([]string{}, svc.Spec.ExternalIPs...)
	for _, in := range svc.Status.LoadBalancer.Ingress {
		if in.IP != "" {
			out = append(out, in.IP)
		} else if in.Hostname != "" {
			out = append(out, in.Hostname)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ofReferrer has an endpoint for each host of an Ingress or a route of others.
func (w *World) ofReferrer(svc *corev1.Service, way exposure.Way, by *inventory.Entry) []Endpoint {
	e := w.unguarded(way)
	e.Through.Kind, e.Through.Namespace, e.Through.Name = by.Key.Kind.Kind, by.Key.Namespace, by.Key.Name
	e.Authentication.Why = "it is not the gateway's, and what is before it is not known" + way.Doubt()
	hosts := map[string]bool{}
	for _, h := range inventory.Hosts(by.Object) {
		name := strings.ToLower(h.Name)
		if name == "" {
			name = "*"
		}
		hosts[name] = true
	}
	if len(hosts) == 0 {
		hosts["*"] = true
	}
	secured := map[string]bool{}
	if ing, is := by.Object.(*networkingv1.Ingress); is {
		if ing.Spec.IngressClassName != nil {
			e.Through.Class = *ing.Spec.IngressClassName
		}
		for _, t := range ing.Spec.TLS {
			for _, h := range t.Hosts {
				secured[strings.ToLower(h)] = true
			}
		}
		if len(ing.Spec.TLS) == 0 {
			e.TLS.State = TLSNone
		}
	}
	w.lead(&e, svc, w.named(svc, by))
	e.Findings = w.findings(append([]inventory.Key{by.Key}, w.keysOf(svc)...)...)
	out := make([]Endpoint, 0, len(hosts))
	for _, host := range sortedKeys(hosts) {
		one := e
		if one.Host = host; secured[host] {
			one.TLS.State = TLSTerminated
		}
		out = append(out, one)
	}
	return out
}

// named is the port of a Service that an object names; nil when it names several.
func (w *World) named(svc *corev1.Service, by *inventory.Entry) *corev1.ServicePort {
	var out *corev1.ServicePort
	for _, ref := range inventory.Backends(by.Object) {
		if ref.Namespace != svc.Namespace || ref.Name != svc.Name {
			continue
		}
		for i := range svc.Spec.Ports {
			p := &svc.Spec.Ports[i]
			if ref.Port != p.Name && ref.Port != portText(uint16(p.Port)) { //nolint:gosec // the API server bounds it
				continue
			}
			if out != nil && out != p {
				return nil
			}
			out = p
		}
	}
	return out
}

// lead says what is behind a Service.
func (w *World) lead(e *Endpoint, svc *corev1.Service, port *corev1.ServicePort) {
	b := Backend{Namespace: svc.Namespace, Service: svc.Name}
	if port != nil {
		b.Port = int(port.Port)
	}
	b.Workloads, _ = w.behind(svc, port)
	e.Backends = []Backend{b}
	e.Findings = w.findings(w.keysOf(svc)...)
}

func (w *World) keysOf(svc *corev1.Service) []inventory.Key {
	_, keys := w.behind(svc, nil)
	return append([]inventory.Key{inventory.KeyOf(svc)}, keys...)
}

// ofNodes has an endpoint for each way that pods open on their nodes.
func (w *World) ofNodes() []Endpoint {
	var out []Endpoint
	for _, kind := range exposure.TemplateKinds() {
		for e := range w.Inventory.Entries(kind, "") {
			own := e.Workload
			if own == nil || own.Spec == nil || own.Mirror() || blast.Controlled(own, w.checks) {
				continue
			}
			for _, way := range exposure.HostWays(own.Key.String(), own.Spec) {
				one := w.unguarded(way)
				one.Through.Kind, one.Through.Namespace, one.Through.Name = own.Key.Kind.Kind, own.Key.Namespace, own.Key.Name
				one.Authentication.State, one.Authentication.Why = AuthenticationNone, "nothing is before it: who reaches a node reaches the workload"
				one.TLS.State = TLSPassed
				var port *generator.Port
				behind, keys := w.workload(own, port)
				if !own.Spec.HostNetwork {
					behind.Network = unknownNetwork("what comes to a port of a node has an address of its own, which depends on the network plugin")
				}
				one.Backends = []Backend{{Workloads: []Workload{behind}}}
				one.Findings = w.findings(keys...)
				out = append(out, one)
			}
		}
	}
	return out
}
