// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/handover"
	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// accountFor is the ServiceAccount of the data planes of a Gateway.
func accountFor(gateway translate.Name) string {
	return gateway.Namespace + "/" + provision.Name(gateway.Name)
}

// State implements Plane. A snapshot is live when every replica that serves anything
// serves it; one that serves nothing yet is not ready, so no client comes to it.
func (r *Remote) State(gateway translate.Name) State {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.gateways[gateway]
	if g == nil {
		return State{}
	}
	out := State{Unbound: g.unbound}
	if !g.keep && g.fault == nil {
		r.live(g, &out)
	}
	if out.Waits = g.waits > 0; out.Waits {
		out.Reason = gatewayv1.GatewayReasonPending
		out.Message = fmt.Sprintf("what was served stays: of %d Secrets and ConfigMaps the API server has not said yet whether they are there", g.waits)
	}
	r.reached(gateway, g, &out) // also what was served before is reached
	if g.fault != nil {
		out.Reason, out.Message = gatewayv1.GatewayReasonInvalid, g.fault.Error()
	}
	return out
}

// live says whether what is offered is served.
func (r *Remote) live(g *remote, out *State) {
	all := r.hub.Replicas(g.account)
	serving, same, refusing := count(all, g.sum)
	switch {
	case g.wanted == nil && serving == 0:
		out.Settled = true // nobody listens, as it is to be
	case len(refusing) > 0:
		out.Reason = gatewayv1.GatewayReasonInvalid
		out.Message = fmt.Sprintf("%d of %d replicas refuse it: %s", len(refusing), len(all), refusing[0])
	case serving == 0:
		out.Reason, out.Message = gatewayv1.GatewayReasonPending, "no replica serves it yet"
	case same < serving:
		out.Reason, out.Message = gatewayv1.GatewayReasonPending, fmt.Sprintf("%d of %d replicas serve it", same, serving)
	default:
		out.Live, out.Settled = g.wanted, true
	}
}

// reached says where a Gateway is reached, or why it is not.
func (r *Remote) reached(name translate.Name, g *remote, out *State) {
	out.Addresses, out.Hostnames = addressesOf(g.service)
	made, fault := r.maker.fault(name)
	switch {
	case g.object == nil:
	case fault != nil:
		out.Reason, out.Message = gatewayv1.GatewayReasonNoResources, fault.Error()
	case made && out.Settled && len(out.Addresses)+len(out.Hostnames) == 0:
		out.Reason, out.Message = gatewayv1.GatewayReasonAddressNotAssigned, "its Service has no address yet"
	case len(g.object.Spec.Addresses) > 1:
		out.Reason, out.Message = gatewayv1.GatewayReasonAddressNotUsable, fmt.Sprintf("%d addresses are asked for, and a Service has one", len(g.object.Spec.Addresses))
	case made && out.Settled && len(g.object.Spec.Addresses) == 1 && g.object.Spec.Addresses[0].Value != "" && !slices.ContainsFunc(out.Addresses, func(a netip.Addr) bool { return a.String() == g.object.Spec.Addresses[0].Value }):
		out.Reason, out.Message = gatewayv1.GatewayReasonAddressNotUsable, fmt.Sprintf("its Service does not have %.64q", g.object.Spec.Addresses[0].Value)
	}
}

// addressesOf are where clients reach a Service.
func addressesOf(s *corev1.Service) (addresses []netip.Addr, hostnames []string) {
	if s == nil {
		return nil, nil
	}
	var texts []string
	if s.Spec.Type == corev1.ServiceTypeLoadBalancer {
		for _, i := range s.Status.LoadBalancer.Ingress {
			if i.IP != "" {
				texts = append(texts, i.IP)
			} else if i.Hostname != "" && len(hostnames) < maxAddresses/2 {
				hostnames = append(hostnames, i.Hostname)
			}
		}
	} else {
		texts = s.Spec.ClusterIPs
	}
	for _, t := range texts {
		if a, err := netip.ParseAddr(t); err == nil && len(addresses) < maxAddresses/2 {
			addresses = append(addresses, a)
		}
	}
	return addresses, hostnames
}

// count says how many replicas serve something, and how many of them this; refusing are
// the faults of those that cannot, in order.
func count(all []handover.Replica, sum string) (serving, same int, refusing []string) {
	for _, a := range all {
		if a.Live != "" {
			serving++
		}
		switch sum {
		case a.Live:
			same++
		case a.Refused:
			refusing = append(refusing, a.Fault)
		}
	}
	slices.Sort(refusing)
	return serving, same, refusing
}
