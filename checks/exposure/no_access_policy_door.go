// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// doorKinds are what has listeners: a route that was there before them is opened by them.
var doorKinds = []schema.GroupKind{inventory.GatewayKind, listenerSetKind, xListenerSetKind}

// openedRoutes reports what the routes open of which a Gateway or a ListenerSet takes more
// by a write than it did before. Files and scans have the routes themselves, of which it is
// reported there.
func openedRoutes(in checks.Input) []checks.Finding {
	gateway, ours := gatewayOf(in)
	if !ours || in.Request.User == "" || in.Request.Stored || in.Request.Before {
		return nil
	}
	had := map[string]bool{}
	if in.Old != nil {
		for _, f := range openBehind(gateway, in.Before()) {
			had[f.Subject] = true
		}
	}
	var out []checks.Finding
	for _, f := range openBehind(gateway, in) {
		if !had[f.Subject] {
			out = append(out, f)
		}
	}
	return out
}

// gatewayOf is the Gateway that a Gateway or a ListenerSet has listeners at, if it is ours.
func gatewayOf(in checks.Input) (inventory.Key, bool) {
	gw, is := in.Object.(*gatewayv1.Gateway)
	if !is {
		ls, read := asListenerSet(in.Object)
		if !read {
			return inventory.Key{}, false
		}
		if _, gw = parentIs(listenerSetParent(ls), in); gw == nil {
			return inventory.Key{}, false
		}
	}
	return inventory.KeyOf(gw), ownGatewayClass(string(gw.Spec.GatewayClassName), in)
}

// openBehind reports what the routes and Ingresses of a Gateway open, in the words of who
// has the Gateway.
func openBehind(gateway inventory.Key, in checks.Input) []checks.Finding {
	subject := "gateway/" + gateway.Namespace + "/" + gateway.Name + "/"
	g := guardsOf(in)
	var out []checks.Finding
	for _, kind := range append([]schema.GroupKind{inventory.IngressKind}, gatewayRoutes...) {
		for e := range in.Inventory.Entries(kind, "") {
			route := in
			route.Object, route.Old = e.Object, nil
			for _, f := range unguardedOf(route, g) {
				service, here := strings.CutPrefix(f.Subject, subject)
				if !here {
					continue
				}
				f.Behind = &checks.Behind{Object: e.Key, Subject: f.Subject}
				f.Subject = "route/" + e.Key.Kind.Kind + "/" + e.Key.Namespace + "/" + e.Key.Name + "/" + service
				f.Field, f.Message = "spec.listeners", "has "+e.Key.String()+" served, which "+f.Message
				f.Path[1] = inputName(in)
				out = append(out, f)
			}
		}
	}
	return out
}
