// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"cmp"
	"iter"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// A relay is an object that stands between a route and a Service and opens nothing
// by itself: a Service of type ExternalName that is another name of one of the
// cluster, which ingress controllers connect to as to any host, and a
// TraefikService.

// maxRelays is how many relays in a row are followed: a TraefikService of
// TraefikServices, or one of an alias. What lies deeper is not followed.
const maxRelays = 2

// relays reports whether an entry is a relay. An ExternalName that leads out of the
// cluster is one without a target.
func relays(e *inventory.Entry) bool {
	if slices.Contains(inventory.TraefikServiceKinds, e.Key.Kind) {
		return true
	}
	svc, isService := e.Object.(*corev1.Service)
	return isService && svc.Spec.Type == corev1.ServiceTypeExternalName
}

// means reports whether a relay that the inventory lists for a Service leads to it:
// the domain of an alias must be one of the cluster.
func means(e *inventory.Entry, namespace, name string, in checks.Input) bool {
	alias, isService := e.Object.(*corev1.Service)
	return !isService || slices.ContainsFunc(inventory.Aliases(alias), func(a inventory.Alias) bool {
		return a.Namespace == namespace && a.Name == name && ofCluster(a.Domain, in)
	})
}

// ofCluster reports whether names of Services end in a domain, or in none.
func ofCluster(domain string, in checks.Input) bool {
	return domain == "" || slices.ContainsFunc(clusterDomains(in), func(d string) bool { return canonicalHost(d) == domain })
}

// sendersTo yields what sends traffic to a relay.
func sendersTo(relay *inventory.Entry, in checks.Input) iter.Seq[*inventory.Entry] {
	if relay.Key.Kind != inventory.ServiceKind {
		return in.Inventory.Senders(relay.Key.Namespace, relay.Key.Name)
	}
	return func(yield func(*inventory.Entry) bool) {
		for e := range in.Inventory.Referrers(relay.Key.Namespace, relay.Key.Name) {
			if (!relays(e) || means(e, relay.Key.Namespace, relay.Key.Name, in)) && !yield(e) {
				return
			}
		}
	}
}

// waysInto returns ways from outside that end at a relay, through at most so many
// others before it: the first of each rank, and not all of a rank, for a thousand
// routes may name a relay that names a thousand Services. One that is certain and
// open to everybody ends the search.
func waysInto(relay *inventory.Entry, others int, in checks.Input) []Way {
	var out []Way
	offer := func(w Way) (enough bool) {
		if !slices.ContainsFunc(out, func(o Way) bool { return rank(o) == rank(w) && o.certainty == w.certainty }) {
			out = append(out, w)
		}
		return rank(w) == 0 && w.certainty == checks.Violation
	}
	for e := range sendersTo(relay, in) {
		if !relays(e) {
			if w, opens := referrerWay(e, in); opens && offer(w) {
				break
			}
			continue
		}
		if others > 0 && slices.ContainsFunc(waysInto(e, others-1, in), func(w Way) bool { return offer(w.via(e)) }) {
			break
		}
	}
	sortWays(out)
	return out
}

// relayed appends the ways to a Service through a relay that names it.
func relayed(out []Way, e *inventory.Entry, in checks.Input) []Way {
	for _, w := range waysInto(e, maxRelays-1, in) {
		out = append(out, w.via(e))
	}
	return out
}

// via is the way led on through more relays.
func (w Way) via(more ...*inventory.Entry) Way {
	w.relays = append(slices.Clip(w.relays), more...)
	return w
}

// sortWays puts first the ways that do not pass through the bundled gateway, and
// what is certain.
func sortWays(list []Way) {
	if len(list) > 1 {
		slices.SortStableFunc(list, func(a, b Way) int {
			return cmp.Or(rank(a)-rank(b), cmp.Compare(a.certainty, b.certainty), cmp.Compare(a.By, b.By), len(a.relays)-len(b.relays))
		})
	}
}

// Opening is a Service that an object opens, and how.
type Opening struct {
	Service *corev1.Service
	Ways    []Way                // never empty, in the order of Ways; not to be changed
	Ref     inventory.ServiceRef // the Service, and where the object names it or the relay before it
}

// Opens returns the Services that an Ingress, a route or a relay opens: those that
// it names and, through relays, those that these name. A Service is there for every
// time that it is named.
func Opens(e *inventory.Entry, in checks.Input) []Opening {
	return Onward(e, entering(e, in), in)
}

// entering returns the ways from outside to what an object sends on.
func entering(e *inventory.Entry, in checks.Input) []Way {
	if relays(e) {
		return waysInto(e, maxRelays-1, in)
	}
	if w, opens := referrerWay(e, in); opens {
		return []Way{w}
	}
	return nil
}

// Onward is Opens for an object that these ways lead to.
func Onward(e *inventory.Entry, ways []Way, in checks.Input) []Opening {
	if len(ways) == 0 {
		return nil
	}
	var out []Opening
	for _, l := range leads(e, in) {
		if in.Parameters.Gateway.OwnsService(l.svc) {
			continue
		}
		led := ways
		if len(l.relays) > 0 {
			led = make([]Way, 0, len(ways))
			for _, w := range ways {
				if len(w.relays)+len(l.relays) <= maxRelays {
					led = append(led, w.via(l.relays...))
				}
			}
		}
		if len(led) > 0 {
			out = append(out, Opening{l.svc, led, l.ref})
		}
	}
	return out
}

// lead is a Service that an object sends traffic to.
type lead struct {
	svc    *corev1.Service
	ref    inventory.ServiceRef
	relays []*inventory.Entry // from the object to the Service; a relay itself is the first
}

// leads returns the Services of the inventory that an object sends traffic to, the
// nearest first; each relay is followed once.
func leads(e *inventory.Entry, in checks.Input) []lead {
	type step struct {
		at     *inventory.Entry
		field  string // of the object, once a relay is passed
		relays []*inventory.Entry
	}
	var out []lead
	queue := []step{{at: e}}
	seen := map[inventory.Key]bool{e.Key: true}
	if relays(e) {
		queue[0].relays = []*inventory.Entry{e}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		s := queue[0]
		next := func(relay *inventory.Entry, field string) {
			if len(s.relays) < maxRelays && !seen[relay.Key] {
				seen[relay.Key] = true
				queue = append(queue, step{relay, cmp.Or(s.field, field), append(slices.Clip(s.relays), relay)})
			}
		}
		for _, ref := range inventory.Backends(s.at.Object) {
			svc := in.Inventory.Service(ref.Namespace, ref.Name)
			if svc == nil || relays(s.at) && !means(s.at, ref.Namespace, ref.Name, in) {
				continue
			}
			field := ref.Field
			ref.Field = cmp.Or(s.field, field)
			out = append(out, lead{svc, ref, s.relays})
			if svc.Spec.Type == corev1.ServiceTypeExternalName {
				next(in.Inventory.Entry(inventory.KeyOf(svc)), field)
			}
		}
		for _, ref := range inventory.Relays(s.at.Object) {
			for relay := range in.Inventory.TraefikServices(ref.Namespace, ref.Name) {
				next(relay, ref.Field)
			}
		}
	}
	return out
}
