// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// originOf says which rule a route was made of, and notes that its object is served.
func originOf(name string, served map[inventory.Key]bool) *Route {
	o, ok := translate.OriginOf(name)
	if !ok {
		return nil
	}
	out := &Route{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name.Name, Rule: o.Rule}
	if served != nil {
		served[out.key()] = true
	}
	return out
}

// key is the identity of the route's object; the zero of it for none.
func (r *Route) key() inventory.Key {
	switch {
	case r == nil:
		return inventory.Key{}
	case r.Kind == inventory.IngressKind.Kind:
		return inventory.Key{Kind: inventory.IngressKind, Namespace: r.Namespace, Name: r.Name}
	case r.Kind == inventory.ServiceKind.Kind:
		return inventory.Key{Kind: inventory.ServiceKind, Namespace: r.Namespace, Name: r.Name}
	}
	return inventory.Key{Kind: gatewayKind(r.Kind), Namespace: r.Namespace, Name: r.Name}
}

func weightOf(w *int) int {
	if w == nil {
		return 1
	}
	return *w
}

// shareText is a share of requests in words; "" for all of them.
func shareText(weight, total int) string {
	if weight == total && total > 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d", weight, total)
}

func redirectText(d *config.Redirect) string {
	var out []string
	for _, part := range []struct{ what, is string }{{"to scheme", d.Scheme}, {"host", d.Host}, {"port", portText(d.Port)}, {"path", d.Path}, {"prefix", d.Prefix}} {
		if part.is != "" {
			out = append(out, part.what+" "+part.is)
		}
	}
	return strings.Join(append(out, "status "+strconv.Itoa(cmp.Or(d.Status, 302))), ", ")
}

func portText(port uint16) string {
	if port == 0 {
		return ""
	}
	return strconv.Itoa(int(port))
}
