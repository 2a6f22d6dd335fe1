// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// ingress says at which addresses an Ingress is served. One that is not ours has the
// status that others gave it.
func (t *teller) ingress(o *networkingv1.Ingress) (status any, shared, differs bool) {
	at, ours := t.result.Ingresses[nameOf(o)]
	if !ours {
		return nil, false, false
	}
	var out networkingv1.IngressStatus
	for _, name := range at {
		state := t.state(name)
		if !state.Settled {
			return nil, false, false // what was said stays
		}
		for _, a := range state.Addresses {
			own := networkingv1.IngressLoadBalancerIngress{IP: a.String()}
			if !slices.ContainsFunc(out.LoadBalancer.Ingress, func(i networkingv1.IngressLoadBalancerIngress) bool { return i.IP == own.IP }) {
				out.LoadBalancer.Ingress = append(out.LoadBalancer.Ingress, own)
			}
		}
		for _, h := range state.Hostnames {
			if !slices.ContainsFunc(out.LoadBalancer.Ingress, func(i networkingv1.IngressLoadBalancerIngress) bool { return i.Hostname == h }) {
				out.LoadBalancer.Ingress = append(out.LoadBalancer.Ingress, networkingv1.IngressLoadBalancerIngress{Hostname: h})
			}
		}
	}
	same := slices.EqualFunc(o.Status.LoadBalancer.Ingress, out.LoadBalancer.Ingress, func(a, b networkingv1.IngressLoadBalancerIngress) bool {
		return a.IP == b.IP && a.Hostname == b.Hostname
	})
	return &out, false, !same
}

// tellAll finds out which statuses are to be written, and has them written.
func (c *Controller) tellAll() {
	if c.last == nil || !c.leads() {
		return
	}
	t := &teller{
		controller: gatewayv1.GatewayController(c.options.Controller), result: c.last, now: metav1.Now().Rfc3339Copy(),
		state: c.options.Plane.State, making: c.making,
	}
	var updates []update
	for _, k := range c.kinds {
		w := c.watcher(k)
		if w == nil {
			continue
		}
		for _, o := range w.list() {
			status, shared, differs := t.tell(k, o)
			if !differs {
				continue
			}
			updates = append(updates, newUpdate(k, o, status, shared))
		}
	}
	c.writer.offer(updates)
}
