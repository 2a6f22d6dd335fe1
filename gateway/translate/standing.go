// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// standing is what there is but what is being deleted and waits for a finalizer: routes and
// Ingresses by themselves, and with its namespace all that opens anything or is led to. The
// policies of these may go before they do, so they count as gone.
func (o *Objects) standing() *Objects {
	ending := map[string]bool{}
	for _, n := range o.Namespaces {
		if n.DeletionTimestamp != nil {
			ending[n.Name] = true
		}
	}
	along := func(m metav1.Object) bool { return ending[m.GetNamespace()] }
	alone := func(m metav1.Object) bool { return m.GetDeletionTimestamp() != nil || along(m) }
	out := *o
	out.Gateways, out.ListenerSets, out.Services = but(o.Gateways, along), but(o.ListenerSets, along), but(o.Services, along)
	out.HTTPRoutes, out.GRPCRoutes, out.Ingresses = but(o.HTTPRoutes, alone), but(o.GRPCRoutes, alone), but(o.Ingresses, alone)
	out.TLSRoutes, out.TCPRoutes, out.UDPRoutes = but(o.TLSRoutes, alone), but(o.TCPRoutes, alone), but(o.UDPRoutes, alone)
	return &out
}

// but is a list without some, which is the list itself if there are none of them.
func but[T metav1.Object](list []T, left func(metav1.Object) bool) []T {
	gone := func(o T) bool { return left(o) }
	if !slices.ContainsFunc(list, gone) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), gone)
}
