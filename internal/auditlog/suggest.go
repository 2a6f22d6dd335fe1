// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/auth/rbac/validation"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Suggestion is the least that a subject needs for what it did.
type Suggestion struct {
	Subject  rbacv1.Subject
	Objects  []inventory.Object // Roles and ClusterRoles, each followed by its binding; none when nothing is needed
	Unused   []Unused
	Compared bool // what follows was worked out, and Unused

	Bound   int             // bindings that name the subject itself
	Missing []inventory.Key // roles among theirs that do not exist, ordered
}

// Unused is a permission that a binding grants and the log does not show.
type Unused struct {
	Binding inventory.Key
	Role    inventory.Key
	Rule    rbacv1.PolicyRule // one verb on one resource of one group, or a path
}

// Options tune a suggestion.
type Options struct {
	// Names limits a permission to the objects that were touched, where a log
	// shows at most that many; 0 never does. A limited role breaks as soon as an
	// object of another name comes.
	Names int

	// Granted, when set, is compared with what was used.
	Granted *authz.View
}

// Suggest works out the roles of one user of the log.
func (u *Usage) Suggest(user string, o Options) Suggestion {
	s := Suggestion{Subject: subjectOf(user)}
	rules := map[string][]rbacv1.PolicyRule{} // by namespace
	for _, p := range u.Of(user) {
		if everybody(p.Request) {
			continue
		}
		rules[p.Request.Namespace] = append(rules[p.Request.Namespace], ruleOf(p, o.Names))
	}
	for _, namespace := range slices.Sorted(maps.Keys(rules)) {
		s.Objects = append(s.Objects, bundle(s.Subject, nameOf(s.Subject, namespace, o.Granted), namespace, compact(rules[namespace]))...)
	}
	if o.Granted != nil {
		s.Compared = true
		s.Unused = u.unused(user, *o.Granted)
		for b := range o.Granted.Bindings(authz.Subject{Name: user}) {
			s.Bound++
			if g := o.Granted.Grant(b); g.Missing {
				s.Missing = append(s.Missing, g.Role)
			}
		}
		slices.SortFunc(s.Missing, inventory.Key.Compare)
		s.Missing = slices.Compact(s.Missing)
	}
	return s
}

func subjectOf(user string) rbacv1.Subject {
	if namespace, name, ok := authz.SplitAccount(user); ok {
		return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}
	}
	return rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}
}

// everybody reports whether every authenticated user may do it anyway, by the
// bindings of system:basic-user, system:discovery and system:public-info-viewer
// (kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go).
func everybody(r authz.Request) bool {
	if r.Path != "" {
		return r.Verb == "get" && (slices.Contains(publicPaths, r.Path) || publicFolder(r.Path) != "")
	}
	return r.Verb == "create" && (r.Group == "authorization.k8s.io" && strings.HasPrefix(r.Resource, "selfsubject") ||
		r.Group == "authentication.k8s.io" && r.Resource == "selfsubjectreviews")
}

// publicPaths are without what is below them, publicFolders with it.
var (
	publicPaths   = []string{"/api", "/apis", "/openapi", "/healthz", "/livez", "/readyz", "/version", "/version/"}
	publicFolders = []string{"/api/", "/apis/", "/openapi/"}
)

// publicFolder returns the public folder that a path lies in, or "".
func publicFolder(path string) string {
	for _, folder := range publicFolders {
		if strings.HasPrefix(path, folder) {
			return folder
		}
	}
	return ""
}

func ruleOf(p Permission, names int) rbacv1.PolicyRule {
	r := p.Request
	if r.Path != "" {
		return rbacv1.PolicyRule{Verbs: []string{r.Verb}, NonResourceURLs: []string{r.Path}}
	}
	rule := rbacv1.PolicyRule{Verbs: []string{r.Verb}, APIGroups: []string{r.Group}, Resources: []string{resourceText(r)}}
	if len(p.Names) > 0 && len(p.Names) <= names && named(r) {
		rule.ResourceNames = p.Names
	}
	return rule
}

// named reports whether RBAC knows the name of such a request. What is created
// has none yet, and a list has one only by a field selector.
func named(r authz.Request) bool {
	switch r.Verb {
	case "create":
		return r.Subresource != ""
	case "list", "watch", "deletecollection":
		return false
	}
	return true
}

func resourceText(r authz.Request) string {
	if r.Subresource == "" {
		return r.Resource
	}
	return r.Resource + "/" + r.Subresource
}

// verbOrder is how people write verbs.
var verbOrder = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}

func compareVerbs(a, b string) int {
	rank := func(v string) int {
		if i := slices.Index(verbOrder, v); i >= 0 {
			return i
		}
		return len(verbOrder)
	}
	return cmp.Or(rank(a)-rank(b), cmp.Compare(a, b))
}

// compact merges rules of one verb on one resource: first the verbs of the same
// resource and names, then the resources of one group that have the same verbs.
// What is allowed does not change.
func compact(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	rules = merge(rules, func(r *rbacv1.PolicyRule) *[]string { return &r.Verbs })
	rules = merge(rules, func(r *rbacv1.PolicyRule) *[]string { return &r.Resources })
	rules = merge(rules, func(r *rbacv1.PolicyRule) *[]string { return &r.NonResourceURLs })
	slices.SortFunc(rules, func(a, b rbacv1.PolicyRule) int {
		return cmp.Or(slices.Compare(a.NonResourceURLs, b.NonResourceURLs), slices.Compare(a.APIGroups, b.APIGroups),
			slices.Compare(a.Resources, b.Resources), slices.Compare(a.ResourceNames, b.ResourceNames), slices.Compare(a.Verbs, b.Verbs))
	})
	return rules
}

// merge joins the rules that differ in one list only. A rule that lacks the list
// is left alone, as are the resources of rules with names.
func merge(rules []rbacv1.PolicyRule, list func(*rbacv1.PolicyRule) *[]string) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	at := map[string]int{}
	for _, r := range rules {
		values := *list(&r)
		if len(values) == 0 {
			out = append(out, r)
			continue
		}
		rest := r
		*list(&rest) = nil
		key := strings.Join([]string{
			strings.Join(rest.Verbs, ","), strings.Join(rest.APIGroups, ","), strings.Join(rest.Resources, ","),
			strings.Join(rest.ResourceNames, ","), strings.Join(rest.NonResourceURLs, ","),
		}, "|")
		i, there := at[key]
		if !there {
			at[key] = len(out)
			*list(&r) = slices.Clone(values)
			out = append(out, r)
			continue
		}
		*list(&out[i]) = append(*list(&out[i]), values...)
	}
	for i := range out {
		l := list(&out[i])
		slices.Sort(*l)
		*l = slices.Compact(*l)
	}
	for i := range out {
		slices.SortFunc(out[i].Verbs, compareVerbs)
	}
	return out
}

func bundle(s rbacv1.Subject, name, namespace string, rules []rbacv1.PolicyRule) []inventory.Object {
	meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
	version := rbacv1.SchemeGroupVersion.String()
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}
	if namespace == "" {
		return []inventory.Object{
			&rbacv1.ClusterRole{TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "ClusterRole"}, ObjectMeta: meta, Rules: rules},
			&rbacv1.ClusterRoleBinding{TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "ClusterRoleBinding"}, ObjectMeta: meta, RoleRef: ref, Subjects: []rbacv1.Subject{s}},
		}
	}
	ref.Kind = "Role"
	return []inventory.Object{
		&rbacv1.Role{TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "Role"}, ObjectMeta: meta, Rules: rules},
		&rbacv1.RoleBinding{TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "RoleBinding"}, ObjectMeta: meta, RoleRef: ref, Subjects: []rbacv1.Subject{s}},
	}
}

// unused breaks what is granted to the user itself, by name, down to single
// permissions and leaves out what was used. What it has as a member of a group
// is not its own to give up.
func (u *Usage) unused(user string, granted authz.View) []Unused {
	used := u.Of(user)
	var out []Unused
	for b := range granted.Bindings(authz.Subject{Name: user}) {
		g := granted.Grant(b)
		for _, rule := range g.Rules {
			for _, single := range validation.BreakdownRule(rule) {
				one := single
				if !slices.ContainsFunc(used, func(p Permission) bool { return uses(p, &one, g.Namespace) }) {
					out = append(out, Unused{g.Binding, g.Role, one})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Unused) int { return a.Binding.Compare(b.Binding) })
	return out
}

// uses reports whether a permission that was used needs a granted one.
func uses(p Permission, rule *rbacv1.PolicyRule, namespace string) bool {
	r := p.Request
	if namespace != "" && (r.Namespace != namespace || r.Path != "") {
		return false
	}
	if len(rule.ResourceNames) == 0 || p.Names == nil {
		return authz.Allows(rule, r)
	}
	return slices.ContainsFunc(p.Names, func(name string) bool { r.Name = name; return authz.Allows(rule, r) })
}
