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
	type claim struct {
		of   *route
		host string
	}
	type place struct {
		listener *listener
		of       kind
	}
	claims := map[place][]claim{} // that a kind has to respect
	others := map[kind]kind{httpRouteKind: grpcRouteKind, grpcRouteKind: httpRouteKind}
	for _, r := range routes {
		if others[r.of] == (kind{}) {
			continue // of streams
		}
		for _, p := range r.parents {
			p.at = slices.DeleteFunc(p.at, func(a attachment) bool {
				for _, h := range a.hosts {
					for _, c := range claims[place{a.listener, r.of}] {
						if common(c.host, h) != "" {
							a.listener.attached--
							p.conditions.set(accepted, metav1.ConditionFalse, "Conflicted", fmt.Sprintf("%s %s, which is older, has %s of listener %s", c.of.of.kind, c.of.name, c.host, a.listener.spec.Name))
							return true
						}
					}
				}
				for _, h := range a.hosts {
					at := place{a.listener, others[r.of]}
					claims[at] = append(claims[at], claim{r, h})
				}
				return false
			})
		}
	}
}
