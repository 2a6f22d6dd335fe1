// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// maxHosts is another 1 MiB, for hosts that are closed as a whole: some 5,000 routes of one
// host each.
const maxHosts = 1 << 20

// shutHost is a host at a port of which nothing of a namespace is served: what guards some of
// its paths has no room, and they would fall to another route.
type shutHost struct{ namespace, port, host string }

// frame is how many bytes a route adds beside its matches and its Target.
func frame(hosts []string) int {
	n := 128
	for _, h := range hosts {
		n += len(h) + 4
	}
	return n
}

// open are the hosts of a route at a port that its namespace has not lost there.
func (b *snapshotBuilder) open(r *route, port string, hosts []string) []string {
	gone := func(h string) bool { return b.shut[shutHost{r.name.Namespace, port, h}] }
	if !slices.ContainsFunc(hosts, gone) {
		return hosts
	}
	b.tell(r)
	return slices.DeleteFunc(slices.Clone(hosts), gone)
}

// shutter answers all that is asked for hosts at a port with 5xx, for there is no room to
// close the paths of a route alone: as is how one of its rules stands there.
func (b *snapshotBuilder) shutter(r *route, as written) {
	if !take(b.budget.closed, r.name.Namespace, frame(as.hosts), maxClosed+maxHosts) {
		return
	}
	for _, h := range as.hosts {
		b.shut[shutHost{r.name.Namespace, as.listeners[0], h}] = true
	}
	b.shutters[as.name] = true
	out := config.Route{Name: as.name, Listeners: as.listeners, Hosts: as.hosts, Target: config.Target{Backends: r.refused()}}
	b.out.Routes, b.origins = append(b.out.Routes, out), append(b.origins, r)
}

// lose takes hosts that are shut from the other routes of the namespace, which were there
// first.
func (b *snapshotBuilder) lose() {
	if len(b.shut) == 0 {
		return
	}
	routes, origins := b.out.Routes, b.origins
	b.out.Routes, b.origins = make([]config.Route, 0, len(routes)), make([]*route, 0, len(origins))
	for i := range routes {
		own := routes[i]
		if !b.shutters[own.Name] {
			own.Hosts = b.open(origins[i], own.Listeners[0], own.Hosts)
		}
		if len(own.Hosts) > 0 {
			b.out.Routes, b.origins = append(b.out.Routes, own), append(b.origins, origins[i])
		}
	}
}
