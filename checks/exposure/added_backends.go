// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// addedBackends reports the Services, and ports of Services, that an update of an
// Ingress or a route opens past the bundled gateway and that it did not lead to
// before. An object that came to be outside the gateway by the same update has
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
	type target struct{ namespace, name, port string }
	had := map[target]bool{}
	for _, ref := range inventory.Backends(in.Old) {
		had[target{ref.Namespace, ref.Name, ref.Port}] = true
	}
	var out []checks.Finding
	for _, ref := range inventory.Backends(in.Object) {
		t := target{ref.Namespace, ref.Name, ref.Port}
		if had[t] || had[target{ref.Namespace, ref.Name, ""}] {
			continue
		}
		had[t] = true
		name := "Service " + ref.Namespace + "/" + ref.Name
		what := name
		if ref.Port != "" {
			what = "port " + ref.Port + " of " + name
		}
		out = append(out, checks.Finding{
			Severity: is.severity(checks.High), Certainty: is.certainty,
			Subject: "backend/" + ref.Namespace + "/" + ref.Name + "/" + ref.Port, Field: ref.Field,
			Message: "opens " + what + " to " + whom(is) + ", where it did not lead before" + is.doubt(),
			Path:    is.Path(name),
		})
	}
	return out
}

// wayOf is the way that an object opens as an Ingress or a route.
func wayOf(o inventory.Object, in checks.Input) (Way, bool) {
	return referrerWay(inventory.NewEntry(o), in)
}
