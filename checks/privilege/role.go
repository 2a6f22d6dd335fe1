// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// role is a Role or ClusterRole under judgement, worked out once for all checks
// of an evaluation.
type role struct {
	key    inventory.Key
	object inventory.Object
	scope  power.Scope // whole cluster for a ClusterRole

	// judged are the object's rules by their own index; those that are not judged
	// here are empty and grant nothing.
	judged []rbacv1.PolicyRule

	holders []string // of the path, nil until asked for
	asked   bool

	joined      []union // with other roles of its holders
	joinedKnown bool
}

// aggregators are the users by which Kubernetes writes the rules of aggregated
// ClusterRoles; with one credential for all controllers it is the controller
// manager. What they write stands in other roles, where it was judged.
var aggregators = []string{"system:serviceaccount:kube-system:clusterrole-aggregation-controller", "system:kube-controller-manager"}

// byAPIServer reports whether the API server itself writes, which it does when it
// starts: it brings the roles and bindings of its version up to date. Refusing
// that would break an upgrade; no one else has this user.
func byAPIServer(in checks.Input) bool { return in.Request.User == "system:apiserver" }

// roleOf reads the object under judgement; false when it is no role.
func roleOf(in checks.Input) (*role, bool) {
	r := checks.Shared(in, in.Object, func() *role { return readRole(in) })
	return r, r != nil
}

func readRole(in checks.Input) *role {
	r := &role{key: inventory.KeyOf(in.Object), object: in.Object, scope: power.Scope{Namespace: in.Object.GetNamespace()}}
	switch o := in.Object.(type) {
	case *rbacv1.Role:
		r.judged = o.Rules
	case *rbacv1.ClusterRole:
		r.scope.Namespace = ""
		r.judged = ownRules(o, in)
	default:
		return nil
	}
	if byAPIServer(in) {
		r.judged = nil
	} else if list, ships := shippedRules(in.Object); ships {
		r.judged = without(in, r.judged, list)
	}
	return r
}

// ownRules returns the rules of a ClusterRole by which it adds to the roles that
// it aggregates. Kubernetes overwrites the others with those of its sources.
func ownRules(o *rbacv1.ClusterRole, in checks.Input) []rbacv1.PolicyRule {
	if o.AggregationRule == nil {
		return o.Rules
	}
	if in.Request.Operation == checks.Update && slices.Contains(aggregators, in.Request.User) {
		return nil
	}
	var sources []rbacv1.PolicyRule
	for _, source := range authz.Over(in.Inventory).Sources(o) {
		sources = append(sources, source.Rules...)
	}
	return without(in, o.Rules, sources)
}

// without empties the rules that others give already, so that the remaining ones
// keep their indexes.
func without(in checks.Input, rules, others []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	out := slices.Clone(rules)
	for i := range out {
		if covers(in, others, &out[i]) {
			out[i] = rbacv1.PolicyRule{}
		}
	}
	return out
}

// covers reports whether rules allow everything that one rule allows, each
// request by one of them.
func covers(in checks.Input, rules []rbacv1.PolicyRule, rule *rbacv1.PolicyRule) bool {
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, verb := range rule.Verbs {
		for _, path := range rule.NonResourceURLs {
			if in.Ended() || !slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
				return authz.Allows(&r, authz.Request{Verb: verb, Path: path})
			}) {
				return false
			}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, name := range names {
					req := authz.Request{Verb: verb, Group: group, Name: name}
					req.Resource, req.Subresource, _ = strings.Cut(resource, "/")
					if in.Ended() || !slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
						return authz.Allows(&r, req) && (name != "" || len(r.ResourceNames) == 0)
					}) {
						return false
					}
				}
			}
		}
	}
	return true
}

// field is the path of the first entry of a rule that gives a permission.
func (r *role) field(q power.Permission) string {
	rule := &r.judged[q.Rule]
	if q.Request.Path != "" {
		for i, url := range rule.NonResourceURLs {
			if authz.Allows(&rbacv1.PolicyRule{Verbs: []string{"*"}, NonResourceURLs: []string{url}}, authz.Request{Verb: "*", Path: q.Request.Path}) {
				return fmt.Sprintf("rules[%d].nonResourceURLs[%d]", q.Rule, i)
			}
		}
	}
	for i, resource := range rule.Resources {
		one := rbacv1.PolicyRule{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{resource}}
		req := q.Request
		req.Verb, req.Group = "*", "*"
		if authz.Allows(&one, req) {
			return fmt.Sprintf("rules[%d].resources[%d]", q.Rule, i)
		}
	}
	return fmt.Sprintf("rules[%d]", q.Rule)
}
