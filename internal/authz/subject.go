// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// The names by which Kubernetes knows ServiceAccounts and groups of users
// (k8s.io/apiserver/pkg/authentication/{user,serviceaccount}).
const (
	AccountPrefix      = "system:serviceaccount:"
	AccountGroup       = "system:serviceaccounts"
	AccountGroupPrefix = "system:serviceaccounts:"
	Authenticated      = "system:authenticated"
	Unauthenticated    = "system:unauthenticated"
	Anonymous          = "system:anonymous"
	Masters            = "system:masters"
)

// Subject is who asks, as an authenticator names it: a user name and groups. The
// zero value is nobody and is bound by nothing.
type Subject struct {
	Name   string
	Groups []string
}

// ServiceAccount returns the subject that the pods of an account act as.
func ServiceAccount(namespace, name string) Subject {
	return Subject{
		Name:   AccountPrefix + namespace + ":" + name,
		Groups: []string{AccountGroup, AccountGroupPrefix + namespace, Authenticated},
	}
}

// User returns a user with the groups that an authenticator gives it besides
// its own: system:authenticated, or system:unauthenticated for the anonymous
// user.
func User(name string, groups ...string) Subject {
	all := Authenticated
	if name == Anonymous {
		all = Unauthenticated
	}
	out := slices.Clone(groups)
	if !slices.Contains(out, all) {
		out = append(out, all)
	}
	return Subject{Name: name, Groups: out}
}

// Account splits the user name of a ServiceAccount; false for any other name.
// Namespaces and names hold no colon, so there is one way to split
// (k8s.io/apiserver/pkg/authentication/serviceaccount/util.go, SplitUsername).
func (s Subject) Account() (namespace, name string, ok bool) { return SplitAccount(s.Name) }

// SplitAccount splits "system:serviceaccount:namespace:name".
func SplitAccount(user string) (namespace, name string, ok bool) {
	rest, ok := strings.CutPrefix(user, AccountPrefix)
	if !ok {
		return "", "", false
	}
	namespace, name, ok = strings.Cut(rest, ":")
	if !ok || namespace == "" || name == "" || strings.Contains(name, ":") {
		return "", "", false
	}
	return namespace, name, true
}

// String returns "ServiceAccount shop/web" or "User alice", and of a subject
// that is nobody in particular its first group.
func (s Subject) String() string {
	if s.Name == "" && len(s.Groups) > 0 {
		return "Group " + s.Groups[0]
	}
	if namespace, name, ok := s.Account(); ok {
		return "ServiceAccount " + namespace + "/" + name
	}
	return "User " + s.Name
}

// Names reports whether a subject of a binding means s. The namespace is the
// binding's; it stands in for one that a ServiceAccount lacks. As in Kubernetes,
// API groups are not looked at (pkg/registry/rbac/validation/rule.go,
// appliesToUser).
func (s Subject) Names(of *rbacv1.Subject, namespace string) bool {
	switch of.Kind {
	case rbacv1.UserKind:
		return s.Name != "" && s.Name == of.Name
	case rbacv1.GroupKind:
		return slices.Contains(s.Groups, of.Name)
	case rbacv1.ServiceAccountKind:
		if of.Namespace != "" {
			namespace = of.Namespace
		}
		rest, account := strings.CutPrefix(s.Name, AccountPrefix) // without putting the name together: it is asked often
		n := len(namespace)
		return account && n > 0 && len(rest) > n && rest[n] == ':' && rest[:n] == namespace && rest[n+1:] == of.Name
	}
	return false
}
