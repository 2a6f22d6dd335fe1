// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// tunnelKinds are the custom resources by which tunnel operators publish
// (EXP-014).
var tunnelKinds = []schema.GroupKind{
	{Group: "ngrok.k8s.ngrok.com", Kind: "AgentEndpoint"},
	{Group: "ngrok.k8s.ngrok.com", Kind: "CloudEndpoint"},
	{Group: "networking.cfargotunnel.com", Kind: "TunnelBinding"},
	{Group: "networking.cfargotunnel.com", Kind: "ClusterTunnel"},
	{Group: "operator.inlets.dev", Kind: "Tunnel"},
}

func tunnelFindings(u *unstructured.Unstructured) []checks.Finding {
	switch inventory.GroupKindOf(u).Kind {
	case "AgentEndpoint", "CloudEndpoint":
		return ngrokFindings(u)
	case "TunnelBinding":
		return bindingFindings(u)
	case "ClusterTunnel":
		return []checks.Finding{{
			Subject: "tunnel", Message: "opens a Cloudflare tunnel that any namespace can publish through",
			Path: []string{"internet", inventory.KeyOf(u).String()},
		}}
	case "Tunnel":
		name := textAt(u, "spec.serviceRef.name")
		namespace := textAt(u, "spec.serviceRef.namespace")
		if namespace == "" {
			namespace = u.GetNamespace()
		}
		if name == "" {
			return []checks.Finding{{Certainty: checks.Undetermined, Subject: "tunnel", Field: "spec.serviceRef", Message: "is an inlets tunnel that names no Service"}}
		}
		return []checks.Finding{{
			Subject: "service/" + namespace + "/" + name, Field: "spec.serviceRef",
			Message: "opens Service " + namespace + "/" + name + " to the internet through an inlets tunnel",
			Path:    []string{"internet", inventory.KeyOf(u).String(), "Service " + namespace + "/" + name},
		}}
	}
	return []checks.Finding{{Certainty: checks.Undetermined, Message: "is of a kind that this check cannot read"}}
}

// ngrokFindings judges an endpoint by its bindings and, where it has none, by
// its URL. Endpoints that only other endpoints of the account, or clusters bound
// to it, can reach are one step milder.
// https://ngrok.com/docs/k8s/guides/bindings
func ngrokFindings(u *unstructured.Unstructured) []checks.Finding {
	url, upstream := textAt(u, "spec.url"), textAt(u, "spec.upstream.url")
	bindings := textsAt(u, "spec.bindings[]")
	private := len(bindings) > 0 && !slices.Contains(bindings, "public") || len(bindings) == 0 && internalURL(url)
	f := checks.Finding{Subject: "endpoint/" + url, Field: "spec.url", Path: []string{"internet", inventory.KeyOf(u).String()}}
	what := "an endpoint"
	if upstream != "" {
		what = clipValue(upstream)
		f.Path = append(f.Path, upstream)
	}
	at := "a random address"
	if url != "" {
		at = clipValue(url)
	}
	f.Message = fmt.Sprintf("opens %s to the internet at %s through ngrok", what, at)
	if private {
		f.Severity = checks.Medium
		f.Path[0] = "ngrok account"
		f.Message = fmt.Sprintf("opens %s to the ngrok account at %s", what, at)
	}
	return []checks.Finding{f}
}

// internalURL reports whether ngrok takes a URL as an internal one: its host
// ends in ".internal".
func internalURL(url string) bool {
	if _, rest, found := strings.Cut(url, "://"); found {
		url = rest
	}
	host, _, _ := strings.Cut(url, "/")
	host, _, _ = strings.Cut(host, ":")
	return strings.HasSuffix(canonicalHost(host), ".internal")
}

// bindingFindings reads what a Cloudflare TunnelBinding publishes; its subjects
// stand at the top of the object.
// https://github.com/adyanth/cloudflare-operator/blob/main/api/v1alpha1/tunnelbinding_types.go
func bindingFindings(u *unstructured.Unstructured) []checks.Finding {
	subjects := inventory.Walk(u.Object, "subjects[]")
	out := make([]checks.Finding, 0, len(subjects))
	for _, f := range subjects {
		subject, _ := f.Value.(map[string]any)
		name, _ := subject["name"].(string)
		spec, _ := subject["spec"].(map[string]any)
		fqdn, _ := spec["fqdn"].(string)
		target, _ := spec["target"].(string)
		service := "Service " + u.GetNamespace() + "/" + name
		message := "opens " + service + " to the internet through a Cloudflare tunnel"
		if target != "" {
			message = "opens " + clipValue(target) + " to the internet through a Cloudflare tunnel"
		}
		if fqdn != "" {
			message += " at " + fqdn
		}
		out = append(out, checks.Finding{
			Subject: "service/" + u.GetNamespace() + "/" + name, Field: f.Field, Message: message,
			Path: []string{"internet", inventory.KeyOf(u).String(), service},
		})
	}
	if len(out) == 0 {
		return []checks.Finding{{Certainty: checks.Undetermined, Subject: "tunnel", Field: "subjects", Message: "binds nothing that can be read to a Cloudflare tunnel"}}
	}
	return out
}

// textAt returns the string at a path; empty when there is none.
func textAt(u *unstructured.Unstructured, path string) string {
	for _, f := range inventory.Walk(u.Object, path) {
		if s, ok := f.Value.(string); ok {
			return s
		}
	}
	return ""
}

// textsAt returns the strings at a path.
func textsAt(u *unstructured.Unstructured, path string) []string {
	var out []string
	for _, f := range inventory.Walk(u.Object, path) {
		if s, ok := f.Value.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
