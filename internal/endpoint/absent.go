// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// toAbsent are the endpoints of Ingresses and routes of others that lead to Services which
// are not among the objects: files rarely have everything, and the way in is there.
func (w *World) toAbsent() (out []Endpoint) {
	for _, svc := range w.absent() {
		for _, way := range exposure.Ways(svc, w.checks) {
			if by := way.Referrer(); by != nil && !way.Gateway {
				out = append(out, w.ofReferrer(svc, way, by)...)
			}
		}
	}
	return out
}

// absent are the Services that are named and not among the objects, each once, with the
// ports that they are asked for.
func (w *World) absent() (out []*corev1.Service) {
	known := map[inventory.Key]*corev1.Service{}
	for _, kind := range slices.Concat(exposure.RouteKinds(), inventory.TraefikServiceKinds) {
		for e := range w.Inventory.Entries(kind, "") {
			for _, ref := range inventory.Backends(e.Object) {
				if ref.Name == "" || w.Inventory.Service(ref.Namespace, ref.Name) != nil {
					continue
				}
				key := inventory.Key{Kind: inventory.ServiceKind, Namespace: ref.Namespace, Name: ref.Name}
				svc := known[key]
				if svc == nil {
					svc = &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name}}
					known[key] = svc
					out = append(out, svc)
				}
				if n, err := strconv.ParseUint(ref.Port, 10, 16); err == nil && n > 0 && portOf(svc, int32(n)) == nil {
					svc.Spec.Ports = append(svc.Spec.Ports, corev1.ServicePort{Port: int32(n)})
				}
			}
		}
	}
	return out
}
