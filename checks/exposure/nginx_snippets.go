// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// f5Group is the API group of F5's NGINX Ingress Controller.
const f5Group = "k8s.nginx.org"

// nginxSnippets flags raw NGINX configuration in objects of tenants, and the
// settings that allow it (EXP-024).
func nginxSnippets() checks.Check {
	return checks.Check{
		ID: "EXP-024", Name: "nginx-snippets",
		Severity: checks.Critical,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds: []schema.GroupKind{
			inventory.IngressKind,
			{Kind: "ConfigMap"},
			{Group: f5Group, Kind: "VirtualServer"},
			{Group: f5Group, Kind: "VirtualServerRoute"},
			{Group: f5Group, Kind: "TransportServer"},
		},
		Doc: checks.Doc{
			Title: "Nobody writes NGINX configuration into an Ingress",
			Why: "A snippet is copied into the configuration of the ingress controller. Whoever may write it runs code there, by Lua or by directives that read files, and with ingress-nginx that means the controller's ServiceAccount, which may read every Secret of the cluster. " +
				"The check reports the five annotations that ingress-nginx rates as critical and those of F5's controller, under any prefix, because the prefix of ingress-nginx can be changed; the snippet fields of F5's VirtualServer, VirtualServerRoute and TransportServer; " +
				"and in a ConfigMap the keys allow-snippet-annotations and annotations-risk-level when they let such annotations in. " +
				"An empty value is nothing. Snippets on an Ingress of the bundled gateway, or of a controller that is known not to be NGINX, are not read by anyone and not reported. " +
				"The snippets that an operator puts into the controller's own ConfigMap are the operator's configuration and not judged, nor are snippets of other proxies.",
			Attack: "runs code in the ingress controller and reads the Secrets of all namespaces",
			Fix:    "remove the snippet and say what is needed with the gateway's policies",
			Exempt: "A snippet that the owners of the controller have reviewed, on a controller that serves one team only.",
			Sources: []string{
				"https://github.com/kubernetes/kubernetes/issues/126811",
				"https://github.com/kubernetes/ingress-nginx/issues/7837",
				"https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations-risk/",
				"https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/#allow-snippet-annotations",
				"https://docs.nginx.com/nginx-ingress-controller/configuration/ingress-resources/advanced-configuration-with-snippets",
				"https://docs.nginx.com/nginx-ingress-controller/configuration/virtualserver-and-virtualserverroute-resources/",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			switch o := in.Object.(type) {
			case *networkingv1.Ingress:
				return snippetAnnotations(o, in)
			case *corev1.ConfigMap:
				return snippetSettings(o)
			case *unstructured.Unstructured:
				return snippetFields(o, in)
			}
			return []checks.Finding{{Certainty: checks.Undetermined, Message: "is of a kind that this check cannot read"}}
		},
	}
}

// isSnippet reports whether an annotation holds NGINX configuration: the first
// five are those of ingress-nginx, the others of F5.
func isSnippet(name string) bool {
	switch name {
	case "configuration-snippet", "server-snippet", "stream-snippet", "auth-snippet", "modsecurity-snippet",
		"server-snippets", "location-snippets":
		return true
	}
	return false
}

// annotationName cuts the prefix of an annotation off.
func annotationName(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

func snippetAnnotations(ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
	var out []checks.Finding
	for key, value := range ing.Annotations {
		if !isSnippet(annotationName(key)) || strings.TrimSpace(value) == "" {
			continue
		}
		if out == nil && !mayReachNginx(ing, in) {
			return nil
		}
		out = append(out, checks.Finding{
			Subject: "annotation/" + key, Field: annotationField(key),
			Message: "puts NGINX configuration into the controller by the annotation " + key + newAnnotation(key, value, in),
			Path:    []string{inputName(in), "NGINX configuration", "ServiceAccount of the ingress controller"},
		})
	}
	return bySubject(out)
}

// bySubject orders findings that come from a map.
func bySubject(list []checks.Finding) []checks.Finding {
	slices.SortFunc(list, func(a, b checks.Finding) int { return cmp.Compare(a.Subject, b.Subject) })
	return list
}

// newAnnotation says that an update adds or changes an annotation, in brackets.
func newAnnotation(key, value string, in checks.Input) string {
	if in.Old == nil {
		return ""
	}
	switch before, set := in.Old.GetAnnotations()[key]; {
	case !set:
		return " (added by this update)"
	case before != value:
		return " (changed by this update)"
	}
	return ""
}

// otherControllers begin the names of controllers that do not write NGINX
// configuration from these annotations. A controller that is not listed may be
// NGINX under another name.
var otherControllers = []string{
	"traefik.io/",
	"ingress.k8s.aws/",
	"haproxy.org/",
	"haproxy-ingress.github.io/",
	"projectcontour.io/",
	"cilium.io/",
	"istio.io/",
	"azure/application-gateway",
	"getambassador.io/",
}

// mayReachNginx reports whether a controller made of NGINX may read the Ingress:
// not the bundled gateway, and none that is known to be something else.
func mayReachNginx(ing *networkingv1.Ingress, in checks.Input) bool {
	if ingressAttached(ing, in) {
		return false
	}
	name, _ := classOf(ing, in.Inventory)
	class, known := inventory.Get[*networkingv1.IngressClass](in.Inventory, inventory.IngressClassKind, "", name)
	return !known || !slices.ContainsFunc(otherControllers, func(prefix string) bool {
		return strings.HasPrefix(class.Spec.Controller, prefix)
	})
}

// The keys of the ConfigMap of ingress-nginx that let snippets in. Both are
// needed since 1.12; before that the first one is enough.
const (
	allowSnippets = "allow-snippet-annotations"
	riskLevel     = "annotations-risk-level"
)

func snippetSettings(c *corev1.ConfigMap) []checks.Finding {
	var out []checks.Finding
	if value, set := c.Data[allowSnippets]; set {
		// The controller reads the value as a boolean and ignores what is none.
		if on, err := strconv.ParseBool(strings.TrimSpace(value)); err == nil && on {
			out = append(out, checks.Finding{
				Subject: "key/" + allowSnippets, Field: "data[" + allowSnippets + "]",
				Message: "lets every Ingress put NGINX configuration into the controller",
				Fix:     "set " + allowSnippets + " to \"false\"",
			})
		}
	}
	if value, set := c.Data[riskLevel]; set && strings.EqualFold(strings.TrimSpace(value), "critical") {
		out = append(out, checks.Finding{
			Subject: "key/" + riskLevel, Field: "data[" + riskLevel + "]",
			Message: "accepts annotations up to the risk level " + strings.TrimSpace(value) + ", which are the snippets",
			Fix:     "remove " + riskLevel + " or set it to High or lower",
		})
	}
	return out
}

// snippetPaths are the fields of F5's resources that hold NGINX configuration.
var snippetPaths = []string{
	"spec.http-snippets",
	"spec.server-snippets",
	"spec.routes[].location-snippets",
	"spec.subroutes[].location-snippets",
	"spec.serverSnippets",
	"spec.streamSnippets",
}

func snippetFields(u *unstructured.Unstructured, in checks.Input) []checks.Finding {
	var out []checks.Finding
	for _, path := range snippetPaths {
		for _, found := range inventory.Walk(u.Object, path) {
			text, isText := found.Value.(string)
			if !isText || strings.TrimSpace(text) == "" {
				continue
			}
			subject := "snippet/" + path[strings.LastIndexByte(path, '.')+1:]
			if at, ok := found.Parent["path"].(string); ok {
				subject += "/" + at
			}
			out = append(out, checks.Finding{
				Subject: subject, Field: found.Field,
				Message: "puts NGINX configuration into the controller by " + found.Field,
				Path:    []string{inputName(in), "NGINX configuration", "ServiceAccount of the ingress controller"},
			})
		}
	}
	return out
}
