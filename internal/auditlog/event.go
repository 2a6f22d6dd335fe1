// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// http401 is the answer to who shows no credentials, or wrong ones.
const http401 = 401

const authenticationGroup = "authentication.k8s.io"

// event is what is read of an Event.
type event struct {
	Kind             string            `json:"kind"`
	APIVersion       string            `json:"apiVersion"`
	Stage            string            `json:"stage"`
	Verb             string            `json:"verb"`
	RequestURI       string            `json:"requestURI"`
	User             userInfo          `json:"user"`
	ImpersonatedUser *userInfo         `json:"impersonatedUser"`
	ObjectRef        *objectRef        `json:"objectRef"`
	ResponseStatus   *status           `json:"responseStatus"`
	Annotations      map[string]string `json:"annotations"`
}

type userInfo struct {
	Username string              `json:"username"`
	UID      string              `json:"uid"`
	Groups   []string            `json:"groups"`
	Extra    map[string][]string `json:"extra"`
}

type objectRef struct {
	Resource    string `json:"resource"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	APIGroup    string `json:"apiGroup"`
	Subresource string `json:"subresource"`
}

type status struct {
	Code int32 `json:"code"`
}

func (e *event) check() error {
	// Without credentials, or with wrong ones, a request has no user.
	nobody := e.User.Username == "" && !e.unauthenticated()
	switch {
	case e.Kind != "Event" || !strings.HasPrefix(e.APIVersion, "audit.k8s.io/"):
		return fmt.Errorf("is a %q of %q, not an Event of audit.k8s.io", e.Kind, e.APIVersion)
	case e.Stage == "":
		return errors.New("has no stage")
	case e.Verb == "" || nobody:
		return errors.New("has no verb or no user")
	}
	return nil
}

// unauthenticated reports whether the authenticator said no.
func (e *event) unauthenticated() bool {
	return e.ResponseStatus != nil && e.ResponseStatus.Code == http401
}

// refused reports whether the authorizer, or the authenticator before it, said
// no. An answer with an error of another kind needed the permission all the
// same.
func (e *event) refused() bool {
	if e.Annotations["authorization.k8s.io/decision"] == "forbid" {
		return true
	}
	return e.ResponseStatus != nil && (e.ResponseStatus.Code == http401 || e.ResponseStatus.Code == 403) &&
		e.Annotations["authorization.k8s.io/decision"] != "allow"
}

// uses yields the request, and for one by an impersonator the impersonation that
// it needed itself.
func (e *event) uses(visit func(Use)) {
	who := e.User
	if e.ImpersonatedUser != nil && e.ImpersonatedUser.Username != "" {
		e.impersonation(visit)
		who = *e.ImpersonatedUser
	}
	r := e.request()
	visit(Use{who.Username, who.Groups, r})
	if e.creates() {
		r.Verb = "create"
		visit(Use{who.Username, who.Groups, r})
	}
}

// creates reports whether the request needed the verb create besides its own: a
// patch or an update of an object that was not there makes it
// (k8s.io/apiserver/pkg/endpoints/handlers/{patch,update}.go, withAuthorization),
// and a websocket to a Pod begins with a GET
// (kubernetes pkg/registry/core/pod/rest/subresources.go, since 1.35).
func (e *event) creates() bool {
	o := e.ObjectRef
	if o == nil || e.ResponseStatus == nil {
		return false
	}
	switch e.Verb {
	case "patch", "update":
		return o.Subresource == "" && e.ResponseStatus.Code == 201
	case "get":
		stream := o.Subresource == "exec" || o.Subresource == "attach" || o.Subresource == "portforward"
		return stream && o.APIGroup == "" && o.Resource == "pods" && e.ResponseStatus.Code < 400
	}
	return false
}

func (e *event) request() authz.Request {
	if e.ObjectRef == nil || e.ObjectRef.Resource == "" {
		path := e.RequestURI
		if u, err := url.ParseRequestURI(path); err == nil {
			path = u.Path
		}
		return authz.Request{Verb: e.Verb, Path: path}
	}
	o := e.ObjectRef
	return authz.Request{Verb: e.Verb, Group: o.APIGroup, Resource: o.Resource, Subresource: o.Subresource, Name: o.Name, Namespace: o.Namespace}
}

// impersonation yields what somebody needs to act as somebody else: the user,
// each group, the UID and each value of the extra fields by name
// (k8s.io/apiserver/pkg/endpoints/filters/impersonation).
func (e *event) impersonation(visit func(Use)) {
	as := e.ImpersonatedUser
	r := authz.Request{Verb: "impersonate", Resource: "users", Name: as.Username}
	if namespace, name, ok := authz.SplitAccount(as.Username); ok {
		r.Resource, r.Namespace, r.Name = "serviceaccounts", namespace, name
	}
	visit(Use{e.User.Username, e.User.Groups, r})
	for _, g := range as.Groups {
		if own := g == authz.Authenticated || g == authz.Unauthenticated || r.Namespace != "" && strings.HasPrefix(g, authz.AccountGroup); !own {
			visit(Use{e.User.Username, e.User.Groups, authz.Request{Verb: "impersonate", Resource: "groups", Name: g}})
		}
	}
	if as.UID != "" {
		visit(Use{e.User.Username, e.User.Groups, authz.Request{Verb: "impersonate", Group: authenticationGroup, Resource: "uids", Name: as.UID}})
	}
	for _, key := range slices.Sorted(maps.Keys(as.Extra)) {
		for _, value := range as.Extra[key] {
			visit(Use{e.User.Username, e.User.Groups, authz.Request{Verb: "impersonate", Group: authenticationGroup, Resource: "userextras", Subresource: key, Name: value}})
		}
	}
}
