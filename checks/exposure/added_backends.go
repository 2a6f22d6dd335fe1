// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"iter"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// targetSubjects begin the subject of what is led to, by its kind.
var targetSubjects = map[string]string{"Service": "backend/", "TraefikService": "relay/"}

// addedBackends reports the Services, ports of Services and TraefikServices that an
// update of an Ingress, a route or a TraefikService opens past the bundled gateway
// and that it did not lead to before. An object that came to be outside the gateway by the same update has
// that fault, which says it all.
func addedBackends(in checks.Input) []checks.Finding {
	if in.Old == nil {
		return nil
	}
	is, opens := wayOf(in.Object, in)
	if !opens || is.Gateway {
		return nil
	}
	if was, opened := wayOf(in.Old, in); !opened || was.Gateway {
		return nil
	}
	type target struct{ kind, namespace, name, port string }
	had := map[target]bool{}
	for kind, ref := range sendsTo(in.Old) {
		had[target{kind, ref.Namespace, ref.Name, ref.Port}] = true
	}
	var out []checks.Finding
	for kind, ref := range sendsTo(in.Object) {
		t := target{kind, ref.Namespace, ref.Name, ref.Port}
		if had[t] || had[target{kind, ref.Namespace, ref.Name, ""}] {
			continue
		}
		had[t] = true
		name := kind + " " + ref.Namespace + "/" + ref.Name
		what := name
		if ref.Port != "" {
			what = "port " + ref.Port + " of " + name
		}
		out = append(out, checks.Finding{
			Severity: is.severity(checks.High), Certainty: is.certainty,
			Subject: targetSubjects[kind] + ref.Namespace + "/" + ref.Name + "/" + ref.Port, Field: ref.Field,
			Message: "opens " + what + " to " + whom(is) + ", where it did not lead before" + is.doubt(),
			Path:    is.Path(name),
		})
	}
	return out
}

// sendsTo yields what an object names, by kind.
func sendsTo(o inventory.Object) iter.Seq2[string, inventory.ServiceRef] {
	return func(yield func(string, inventory.ServiceRef) bool) {
		for _, ref := range inventory.Backends(o) {
			if !yield("Service", ref) {
				return
			}
		}
		for _, ref := range inventory.Relays(o) {
			if !yield("TraefikService", ref) {
				return
			}
		}
	}
}

// wayOf is the way that an object opens as an Ingress or a route, or the first that
// leads to a TraefikService.
func wayOf(o inventory.Object, in checks.Input) (Way, bool) {
	e := inventory.NewEntry(o)
	ways := entering(e, in)
	switch {
	case len(ways) == 0:
		return Way{}, false
	case relays(e):
		return ways[0].via(e), true
	}
	return ways[0], true
}
