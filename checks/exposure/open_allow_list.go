// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// openAllowList flags allow-lists that let everyone in (EXP-026).
func openAllowList() checks.Check {
	return checks.Check{
		ID: "EXP-026", Name: "open-allow-list",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Kinds: []schema.GroupKind{
			inventory.IngressKind,
			{Group: "traefik.io", Kind: "Middleware"},
			{Group: "traefik.io", Kind: "MiddlewareTCP"},
			{Group: "traefik.containo.us", Kind: "Middleware"},
			{Group: "traefik.containo.us", Kind: "MiddlewareTCP"},
		},
		Doc: checks.Doc{
			Title: "Allow-lists do not let everyone in",
			Why: "An allow-list that contains 0.0.0.0/0 or ::/0 reads like a restriction and is none. It often remains from a test. " +
				"A range shorter than /8 (IPv4) or /32 (IPv6) counts as everyone, and so do ranges that add up to as much. " +
				"The check reads the annotations by which the common ingress controllers take source ranges, and the ipAllowList (formerly ipWhiteList) of Traefik's Middleware and MiddlewareTCP. " +
				"An entry that cannot be read as a network is reported as undetermined: controllers differ in what they make of it. " +
				"On a load balancer that is known to be internal the finding is low. A missing allow-list is not reported, and lists of IPv4 ranges are not searched for what they leave out of IPv6. " +
				"Annotations of an Ingress of the bundled gateway have no effect and are not read.",
			Attack: "connects from any address, past a restriction that others rely on",
			Fix:    "list the networks that are meant, or remove the allow-list if everyone is",
			Exempt: "A public application whose chart insists on a list.",
			Sources: []string{
				"https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#allowlist-source-range",
				"https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#inbound-cidrs",
				"https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/ipallowlist/",
				"https://github.com/haproxytech/kubernetes-ingress/blob/master/documentation/annotations.md#access-control",
				"https://apisix.apache.org/docs/ingress-controller/concepts/annotations/",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			switch o := in.Object.(type) {
			case *networkingv1.Ingress:
				return openAnnotations(o, in)
			case *unstructured.Unstructured:
				return openMiddleware(o)
			}
			return []checks.Finding{{Certainty: checks.Undetermined, Message: "is neither an Ingress nor a Middleware that this check can read"}}
		},
	}
}

// isAllowList reports whether an annotation lists the networks that may
// connect. The names are unique enough to be read under any prefix, save two.
func isAllowList(key string) bool {
	switch annotationName(key) {
	case "allowlist-source-range", "whitelist-source-range", "inbound-cidrs":
		return true
	case "allow-list", "whitelist":
		return strings.HasPrefix(key, "haproxy.org/") || strings.HasPrefix(key, "haproxy.com/") || strings.HasPrefix(key, "ingress.kubernetes.io/")
	}
	return false
}

func openAnnotations(ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
	var out []checks.Finding
	for key, value := range ing.Annotations {
		// An empty list is ignored by the controllers, a pattern file is elsewhere.
		if !isAllowList(key) || strings.TrimSpace(value) == "" || strings.HasPrefix(value, "patterns/") {
			continue
		}
		out = append(out, openList(strings.Split(value, ","), func(int) string { return annotationField(key) }, key)...)
	}
	if len(out) == 0 || ingressAttached(ing, in) {
		return nil
	}
	class, _ := classOf(ing, in.Inventory)
	internal := internalIngress(class, ing, in)
	for i := range out {
		out[i].Path = []string{"internet", inputName(in)}
		if internal {
			out[i].Severity, out[i].Path[0] = checks.Low, "internal network"
		}
	}
	return bySubject(out)
}

var middlewareLists = []string{"spec.ipAllowList", "spec.ipWhiteList"}

func openMiddleware(u *unstructured.Unstructured) []checks.Finding {
	out := make([]checks.Finding, 0, len(middlewareLists))
	for _, path := range middlewareLists {
		found := inventory.Walk(u.Object, path+".sourceRange[]")
		entries := make([]string, 0, len(found))
		for _, f := range found {
			text, _ := f.Value.(string) // what is no text is reported as unreadable
			entries = append(entries, text)
		}
		out = append(out, openList(entries, func(i int) string { return found[i].Field }, path[len("spec."):])...)
	}
	return out
}

// openList judges the entries of one allow-list. Controllers take addresses
// without a prefix length as well.
func openList(entries []string, field func(int) string, list string) []checks.Finding {
	var out []checks.Finding
	var read []netip.Prefix
	for i, entry := range entries {
		entry = strings.TrimSpace(entry)
		if addr, err := netip.ParseAddr(entry); err == nil {
			read = append(read, netip.PrefixFrom(addr.WithZone("").Unmap(), addr.Unmap().BitLen()))
			continue
		}
		prefixes, faults := loadbalancer.ParseRanges([]string{entry})
		if len(faults) > 0 {
			out = append(out, checks.Finding{
				Certainty: checks.Undetermined, Subject: list + "/" + entry, Field: field(i),
				Message: fmt.Sprintf("allows %q, which cannot be read as a network in one way only", shorten(entry)),
			})
		}
		for _, p := range prefixes {
			read = append(read, p)
			if loadbalancer.Broad(p) {
				out = append(out, checks.Finding{
					Subject: list + "/" + p.String(), Field: field(i),
					Message: "allows clients from " + p.String() + ", so the list restricts nothing",
				})
			}
		}
	}
	if !slices.ContainsFunc(read, loadbalancer.Broad) && coversMuch(read) {
		out = append(out, checks.Finding{
			Subject: list, Field: field(0),
			Message: fmt.Sprintf("allows clients from %d ranges that together restrict nothing", len(read)),
		})
	}
	return out
}
