// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The objects that open a way. A Service that nothing opens ends the search.

func (j *judge) ofService(svc *corev1.Service) []*hazard {
	return j.onward(j.beyond([]opening{{svc, j.doorsBy(svc)}}, svc, exposure.Ways(svc, j.in)))
}

// beyond adds the Services that a Service is another name of, where it is an alias.
func (j *judge) beyond(out []opening, svc *corev1.Service, ways []exposure.Way) []opening {
	if svc.Spec.Type != corev1.ServiceTypeExternalName || len(ways) == 0 {
		return out
	}
	return appendOpenings(out, exposure.Onward(j.inv.Entry(inventory.KeyOf(svc)), ways, j.in))
}

// ofRoute returns the chains through an Ingress, a route or a TraefikService: to the
// Services that it names, and those behind what else it names. Whether a Gateway admits the route is not looked at, so that no label of
// a Namespace can open it later.
func (j *judge) ofRoute(e *inventory.Entry) []*hazard { return j.onward(j.opened(nil, e)) }

// opened adds the Services that an Ingress, a route or a TraefikService opens.
func (j *judge) opened(out []opening, e *inventory.Entry) []opening {
	return appendOpenings(out, exposure.Opens(e, j.in))
}

// appendOpenings adds Services, each once: by what names it first.
func appendOpenings(out []opening, list []exposure.Opening) []opening {
	seen := map[*corev1.Service]bool{}
	for i := range list {
		if o := &list[i]; !seen[o.Service] {
			seen[o.Service] = true
			out = append(out, opening{o.Service, doorsOf(o.Service, o.Ways)})
		}
	}
	return out
}

// ofGateway adds the chains through the routes that name a Gateway or a
// ListenerSet. There is no index of routes by parent: Gateways are written
// seldom, and a cluster with ten thousand routes is read in milliseconds.
func (j *judge) ofGateway(o inventory.Object) []*hazard {
	var out []opening
	own := inventory.KeyOf(o)
	for _, k := range exposure.RouteKinds() {
		if k.Group != inventory.GatewayGroup {
			continue
		}
		for e := range j.inv.Entries(k, "") {
			if exposure.Attaches(e.Object, own, j.in) {
				out = j.opened(out, e)
			}
		}
	}
	return j.onward(out)
}

// ofGrant adds the chains through routes of other namespaces that a
// ReferenceGrant lets in.
func (j *judge) ofGrant(g *gatewayv1.ReferenceGrant) []*hazard {
	var out []opening
	lets := func(way exposure.Way) bool {
		e := way.Referrer()
		return e != nil && slices.ContainsFunc(g.Spec.From, func(f gatewayv1.ReferenceGrantFrom) bool {
			return string(f.Group) == e.Key.Kind.Group && string(f.Kind) == e.Key.Kind.Kind && string(f.Namespace) == e.Key.Namespace
		})
	}
	open := func(svc *corev1.Service) {
		var ways []exposure.Way
		for _, way := range exposure.Ways(svc, j.in) {
			if lets(way) {
				ways = append(ways, way)
			}
		}
		out = j.beyond(append(out, opening{svc, doorsOf(svc, ways)}), svc, ways)
	}
	for i := range g.Spec.To {
		to := &g.Spec.To[i]
		switch {
		case to.Group != "" || to.Kind != "Service":
		case to.Name != nil && *to.Name != "":
			if svc := j.inv.Service(g.Namespace, string(*to.Name)); svc != nil {
				open(svc)
			}
		default:
			for svc := range inventory.List[*corev1.Service](j.inv, inventory.ServiceKind, g.Namespace) {
				open(svc)
			}
		}
	}
	return j.onward(out)
}

// ofEndpoints adds the chains to the pods whose addresses somebody lists for an
// exposed Service, in whatever namespace they run.
func (j *judge) ofEndpoints(o inventory.Object) []*hazard {
	name, ofService := exposure.ServiceOfEndpoints(o)
	if !ofService {
		return nil
	}
	svc := j.inv.Service(o.GetNamespace(), name)
	if svc == nil {
		return nil
	}
	if s, isSlice := o.(*discoveryv1.EndpointSlice); isSlice && exposure.SelectedOnly(s, svc) {
		return nil
	}
	var by doors
	if by.add(j.doorsBy(svc)); by.none() {
		return nil
	}
	var reached crowd
	for _, address := range exposure.EndpointAddresses(o) {
		for w := range j.inv.PodsAt(address) {
			if reached.find(w) < 0 {
				reached.add(w, &by)
			}
		}
	}
	return j.chains(reached, nil)
}
