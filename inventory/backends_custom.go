// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// customBackends reads the Services that a vendor's route names.
func customBackends(u *unstructured.Unstructured) []ServiceRef {
	traefik := ofTraefik(u.GroupVersionKind().Group)
	var out []ServiceRef
	eachCustomBackend(u, func(ref ServiceRef, parent map[string]any) {
		if splitServiceName(&ref); ref.Name != "" && !(traefik && parent["kind"] == traefikService) {
			out = append(out, ref)
		}
	})
	return out
}

// eachCustomBackend reads the references at the paths that a vendor's kind lists,
// each with the value that it stands in. The name is as written: "name",
// "namespace/name" or the DNS name of a Service, with a URL scheme and a port around
// it; a sibling key "namespace" or "port" is honoured.
func eachCustomBackend(u *unstructured.Unstructured, take func(ref ServiceRef, parent map[string]any)) {
	kind, known := KindOf(u.GroupVersionKind().GroupKind())
	if !known {
		return
	}
	for _, path := range kind.Backends {
		for _, v := range Walk(u.Object, path) {
			name, ok := v.Value.(string)
			if !ok || name == "" {
				continue
			}
			ref := ServiceRef{Namespace: u.GetNamespace(), Name: name, Field: v.Field}
			if ns, ok := v.Parent["namespace"].(string); ok && ns != "" {
				ref.Namespace = ns
			}
			if port, ok := v.Parent["port"]; ok {
				ref.Port = fmt.Sprint(port)
			}
			take(ref, v.Parent)
		}
	}
}

// splitServiceName resolves "ns/name", "name.ns", "name.ns.svc" and
// "name.ns.svc.<domain>", each also as "scheme://...:port".
func splitServiceName(ref *ServiceRef) {
	if _, rest, found := strings.Cut(ref.Name, "://"); found {
		ref.Name = rest
	}
	if name, port, found := strings.Cut(ref.Name, ":"); found {
		ref.Name, ref.Port = name, port
	}
	if ns, name, found := strings.Cut(ref.Name, "/"); found {
		ref.Namespace, ref.Name = ns, name
		return
	}
	parts := strings.SplitN(strings.TrimSuffix(ref.Name, "."), ".", 4)
	if len(parts) == 2 || len(parts) > 2 && parts[2] == "svc" {
		ref.Name, ref.Namespace = parts[0], parts[1]
	}
}
