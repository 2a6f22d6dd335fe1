// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// riskyAnnotationValues flags values that would become NGINX configuration
// (EXP-025).
func riskyAnnotationValues() checks.Check {
	return checks.Check{
		ID: "EXP-025", Name: "risky-annotation-values",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    ingresses,
		Doc: checks.Doc{
			Title: "Annotations and paths hold values, not configuration",
			Why: "ingress-nginx builds its configuration as text. Values of some annotations, and the paths of the rules, were or are copied into it without being checked, so a value with a semicolon, a brace, a line break or a comment sign turns into directives: " +
				"that was the substance of half a dozen CVEs, and the controller gets no fixes any more. " +
				"The check reads the annotations that ingress-nginx rates as high risk and those that had such a CVE, under any prefix, and the paths. It looks for what ends a value in NGINX's syntax, for directives that load code or read files, and in paths for the folders of ServiceAccount tokens and of the system. " +
				"Variables such as ${request_uri}, counts in patterns such as [a-z]{2} and a fragment in a redirect URL are accepted. " +
				"Other annotations are not read. An Ingress of the bundled gateway, or of a controller that is known not to be NGINX, is not judged.",
			Attack: "adds directives to the ingress controller, runs code in it and reads the Secrets of all namespaces",
			Fix:    "write only the value that the annotation or path is for",
			Exempt: "Hardly ever: a value that needs these characters is configuration.",
			Sources: []string{
				"https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations-risk/",
				"https://github.com/kubernetes/kubernetes/issues/131006",
				"https://github.com/kubernetes/kubernetes/issues/131007",
				"https://github.com/kubernetes/kubernetes/issues/131008",
				"https://github.com/kubernetes/kubernetes/issues/136678",
				"https://github.com/kubernetes/kubernetes/issues/136789",
				"https://github.com/kubernetes/ingress-nginx/issues/8502",
				"https://github.com/kubernetes/ingress-nginx/issues/10572",
			},
		},
		Run: checks.On(func(ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
			out := append(riskyValues(ing, in), riskyPaths(ing, in)...)
			if len(out) == 0 || !mayReachNginx(ing, in) {
				return nil
			}
			return out
		}),
	}
}

// riskyAnnotation says whether an annotation is read, and how. The first two
// lines are what ingress-nginx rates as high risk, the others had a CVE of their
// own: CVE-2023-5044 (redirects), CVE-2025-15566, CVE-2026-3288, CVE-2026-1580.
func riskyAnnotation(name string) (valueKind, bool) {
	switch name {
	case "auth-url", "auth-tls-match-cn", "auth-tls-error-page", "mirror-target", "mirror-host", "server-alias",
		"proxy-ssl-name", "upstream-hash-by", "modsecurity-transaction-id",
		"auth-proxy-set-headers", "rewrite-target", "auth-method":
		return plainValue, true
	case "auth-signin", "permanent-redirect", "temporal-redirect", "app-root":
		return urlValue, true
	}
	return plainValue, false
}

func riskyValues(ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
	var out []checks.Finding
	for key, value := range ing.Annotations {
		kind, read := riskyAnnotation(annotationName(key))
		if !read {
			continue
		}
		// A YAML block scalar ends in a line break, which NGINX reads as a space.
		if how := injection(strings.TrimRight(value, "\r\n"), kind); how != "" {
			out = append(out, checks.Finding{
				Subject: "annotation/" + key, Field: annotationField(key),
				Message: "has " + how + ", in the annotation " + key + newAnnotation(key, value, in),
				Path:    []string{inputName(in), "NGINX configuration", "ServiceAccount of the ingress controller"},
			})
		}
	}
	return bySubject(out)
}

func riskyPaths(ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
	var out []checks.Finding
	for i := range ing.Spec.Rules {
		http := ing.Spec.Rules[i].HTTP
		if http == nil {
			continue
		}
		for j := range http.Paths {
			path := http.Paths[j].Path
			how := injection(path, pathOfRule)
			if how == "" {
				continue
			}
			out = append(out, checks.Finding{
				Subject: "path/" + hostName(ing.Spec.Rules[i].Host) + path,
				Field:   fmt.Sprintf("spec.rules[%d].http.paths[%d].path", i, j),
				Message: fmt.Sprintf("has %s, in the path %q", how, shorten(path)),
				Path:    []string{inputName(in), "NGINX configuration", "ServiceAccount of the ingress controller"},
			})
		}
	}
	return out
}

// longestShown bounds what of a value appears in a message, in bytes.
const longestShown = 60

func shorten(s string) string {
	if len(s) <= longestShown {
		return s
	}
	return strings.ToValidUTF8(s[:longestShown], "") + "..."
}
