// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var errNamespaceOfPath = errors.New("a path has no namespace: leave --namespace out")

// request reads VERB RESOURCE [NAME]. What RBAC would take literally although
// nobody can mean it is refused, or noted where a cluster might know it: an
// answer about "secret" would be "no" where that about "secrets" is "yes".
func (a *app) request(q question, args []string) (authz.Request, error) {
	r, where, err := parseResource(args[1])
	if err != nil {
		return r, err
	}
	r.Verb, r.Namespace = args[0], q.namespace
	if len(args) > 2 {
		r.Name = args[2]
	}
	if r.Path != "" && (r.Namespace != "" || r.Name != "") {
		return r, errNamespaceOfPath
	}
	if where == inCluster && r.Namespace != "" {
		return r, fmt.Errorf("%s are in no namespace: leave --namespace out", r.Resource)
	}
	if !knownVerb(r) {
		a.say("note: %q is not a verb that Kubernetes itself asks for", r.Verb)
	}
	if where != anywhere && r.Subresource != "" && !slices.Contains(subresources, r.Subresource) {
		a.say("note: Kubernetes has no subresource %q; a name is an argument of its own: %s NAME", r.Subresource, r.Resource)
	}
	// A request for one Namespace is made within it
	// (k8s.io/apiserver/pkg/endpoints/request/requestinfo.go, NewRequestInfo).
	if where == inCluster && r.Group == "" && r.Resource == "namespaces" && !slices.Contains(nameless, r.Verb) {
		r.Namespace = r.Name
	}
	return r, nil
}

// nameless are the verbs of requests whose path names no object.
var nameless = []string{"create", "list", "watch", "deletecollection"}

// subresources are those of the built-in resources, the paths of a kubelet, and
// finalizers, which the admission plugin OwnerReferencesPermissionEnforcement
// asks for.
var subresources = []string{
	"*", "approval", "attach", "binding", "checkpoint", "configz", "ephemeralcontainers", "eviction", "exec", "finalize", "finalizers",
	"healthz", "log", "metrics", "nodeclient", "pods", "portforward", "proxy", "resize", "scale", "selfnodeclient", "selfnodeserver",
	"spec", "stats", "status", "token",
}

func knownVerb(r authz.Request) bool {
	verbs := []string{
		"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", rbacv1.VerbAll,
		"use", "bind", "escalate", "impersonate", "approve", "sign", "attest",
	}
	if r.Path != "" {
		verbs = []string{"get", "head", "post", "put", "patch", "delete", "options", rbacv1.VerbAll}
	}
	return slices.Contains(verbs, r.Verb) || strings.HasPrefix(r.Verb, "impersonate:") || strings.HasPrefix(r.Verb, "impersonate-on:")
}

// parseResource reads "pods", "deployments.apps", "deployments.apps/scale" or a
// path such as "/metrics". A built-in resource needs no group and may be named in
// the singular or by its short name, as in kubectl; "*" is every resource of every
// group.
func parseResource(s string) (authz.Request, place, error) {
	if strings.HasPrefix(s, "/") {
		return authz.Request{Path: s}, anywhere, nil
	}
	name, sub, _ := strings.Cut(s, "/")
	resource, group, grouped := strings.Cut(name, ".")
	if resource == "" || strings.Contains(sub, "/") {
		return authz.Request{}, anywhere, fmt.Errorf("resource %q is not of the form name, name.group or name.group/subresource, or a path", s)
	}
	r := authz.Request{Group: group, Resource: resource, Subresource: sub}
	for _, b := range builtIns {
		if grouped && group != b.group {
			continue
		}
		for _, names := range b.names {
			if list := strings.Fields(names); slices.Contains(list, strings.ToLower(resource)) {
				r.Group, r.Resource = b.group, list[0]
				// What one impersonates as the extra field of a user is called as one likes.
				if list[0] == "userextras" {
					return r, anywhere, nil
				}
				return r, b.place, nil
			}
		}
	}
	switch {
	case grouped:
		return r, anywhere, nil
	case resource == rbacv1.ResourceAll:
		r.Group = rbacv1.APIGroupAll
		return r, anywhere, nil
	}
	example := resource + ".example.com"
	for _, k := range inventory.Kinds() {
		if k.Resource == resource {
			example = resource + "." + k.Group
		}
	}
	return authz.Request{}, anywhere, fmt.Errorf("resource %q is not built into Kubernetes: name its group, as in %s", resource, checks.Plain(example))
}
