// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// apart keeps HTTPRoutes and GRPCRoutes from sharing a host of a listener, as the API
// has it (GRPCRouteSpec.Hostnames): the older one stays. The routes are in order of age.
func apart(routes []*route) {
	type place struct {
		listener *listener
		of       kind
	}
	taken := map[place]*occupants{} // that a kind has to respect
	others := map[kind]kind{httpRouteKind: grpcRouteKind, grpcRouteKind: httpRouteKind}
	for of := range others {
		if !slices.ContainsFunc(routes, func(r *route) bool { return r.of == of }) {
			return // there is nobody to keep them from
		}
	}
	for _, r := range routes {
		if others[r.of] == (kind{}) {
			continue // of streams
		}
		for _, p := range r.parents {
			p.at = slices.DeleteFunc(p.at, func(a attachment) bool {
				own, at := taken[place{a.listener, r.of}], place{a.listener, others[r.of]}
				for _, h := range a.hosts {
					if own == nil {
						break
					}
					if c := own.find(h); c != nil {
						a.listener.attached--
						p.conditions.set(accepted, metav1.ConditionFalse, "Conflicted", fmt.Sprintf("%s %s, which is older, has %s of listener %s", c.of.of.kind, c.of.name, c.host, a.listener.label()))
						return true
					}
				}
				if taken[at] == nil {
					taken[at] = &occupants{}
				}
				for _, h := range a.hosts {
					taken[at].add(r, h)
				}
				return false
			})
		}
	}
}
