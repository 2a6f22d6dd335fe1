// SPDX-License-Identifier: Apache-2.0

// Package power says what permissions are worth to an attacker: which of them
// are dangerous, how severe they are, and whom their holder can become.
//
// internal/authz answers what is allowed, exactly as Kubernetes does; this
// package adds the judgement, as a table with sources in the checks of
// checks/privilege, one for each entry. The checks, the blast radius and
// `gatehouse rbac` read the same table.
//
// Severity arithmetic. A power has a severity where it holds in the whole
// cluster (Wide) and one where it holds in one namespace (Narrow). Limited by
// resourceNames to objects that are not known to be dangerous it is at most
// Named. A subject is as severe as the worst of its powers, and as the worst of
// whom it can become. More rules, bindings or accounts therefore never make it
// less severe.
package power

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// Becomes says whose identity the holder of a power can take. The zero value is
// everybody's, so that an entry which forgets to say is not taken lightly.
type Becomes uint8

// Whom a power makes its holder.
const (
	Anyone   Becomes = iota // any user, node or account: the cluster is lost
	Accounts                // the ServiceAccounts of the namespaces where it holds
	Nobody                  // the harm is done as oneself
)

// Pattern is a set of permissions, each of which is enough: every combination of
// its groups, resources and verbs.
type Pattern struct {
	Groups    []string
	Resources []string // plural, with the subresource after a slash
	Verbs     []string

	// Paths are URLs outside the API groups; the other fields but Verbs do not
	// count then.
	Paths []string

	// Namespace limits the pattern to one namespace; empty means any.
	Namespace string

	// Inside patterns hold only within their Namespace: what the same permissions
	// are worth in the whole cluster is another power, and worse.
	Inside bool

	// ClusterOnly patterns hold nothing within a namespace: their resources have
	// none, so a RoleBinding does not give them.
	ClusterOnly bool

	// Names limits the pattern to objects of these names; empty means any. A rule
	// without resourceNames allows them all.
	Names []string

	// Except are names that the pattern does not mean.
	Except []string

	// Most is the most that the pattern is worth, where that is less than the
	// power; such a pattern makes its holder nobody else. SeverityUnset: no limit.
	Most checks.Severity
}

// Power is one entry of the table.
type Power struct {
	ID   string // of its check: "RBAC-020"
	Name string // of its check: "read-secrets"
	Can  string // "read Secrets", after "may"

	Wide    checks.Severity
	Narrow  checks.Severity // SeverityUnset: holds nothing within one namespace
	Named   checks.Severity // the most that resourceNames leave; SeverityUnset is Low
	System  checks.Severity // within kube-system; SeverityUnset is Narrow
	Becomes Becomes

	// Any of the patterns makes the power.
	Any []Pattern

	// All of these make it together, each by any of its patterns, in the same
	// place but not necessarily by one rule or binding. Any and All exclude each
	// other.
	All [][]Pattern

	// whole replaces the patterns for what they cannot say.
	whole func(*rbacv1.PolicyRule) bool
}

// Combined reports whether the power comes from several permissions together.
func (p *Power) Combined() bool { return len(p.All) > 0 }

// All returns the table, ordered by id. It is shared and read-only.
func All() []Power { return table }

// Lookup finds a power by its id.
func Lookup(id string) (*Power, bool) {
	i, found := slices.BinarySearchFunc(table, id, func(p Power, id string) int { return compareID(p.ID, id) })
	if !found {
		return nil, false
	}
	return &table[i], true
}

// Scope is where a rule holds.
type Scope struct {
	Namespace string // empty: in the whole cluster
}

// severity of a power in a scope; SeverityUnset when it holds nothing there.
func (p *Power) severity(s Scope, named bool) checks.Severity {
	out := p.Wide
	if s.Namespace != "" {
		out = p.Narrow
		if s.Namespace == systemNamespace && out != checks.SeverityUnset {
			out = max(out, p.System)
		}
	}
	if named {
		out = min(out, max(p.Named, checks.Low))
	}
	return out
}

// systemNamespace is where the control plane's own accounts live.
const systemNamespace = "kube-system"

// Hold is a power that a list of rules gives.
type Hold struct {
	Power    *Power
	Severity checks.Severity
	Rule     int           // index of the rule that gives it, of the first one for a combined power
	Request  authz.Request // an example of what is allowed
	Named    bool          // limited by resourceNames, or by what the pattern is worth
}

// Of returns the powers that rules give in a scope, at most one hold for each
// power, the most severe, ordered by id. Rules that allow everything hold
// RBAC-001 and nothing else that matters, so the other powers are not looked for
// in them.
func Of(rules []rbacv1.PolicyRule, s Scope) []Hold {
	var out []Hold
	may := possible(rules)
	if may == 0 {
		return nil
	}
	for i := range table {
		p := &table[i]
		if may&(1<<i) == 0 || p.severity(s, false) == checks.SeverityUnset {
			continue
		}
		var best Hold
		var found bool
		if p.Combined() {
			best, found = p.combined(rules, s)
		} else {
			best, found = p.single(rules, s)
		}
		if found {
			out = append(out, best)
		}
	}
	return out
}

func (p *Power) single(rules []rbacv1.PolicyRule, s Scope) (best Hold, found bool) {
	for i := range rules {
		if p.whole == nil && isEverything(&rules[i]) {
			continue
		}
		if h, ok := p.in(&rules[i], s); ok && (!found || h.Severity > best.Severity) {
			h.Rule = i
			best, found = h, true
		}
	}
	return best, found
}

// in looks for the power in one rule; the hold is the most severe one.
func (p *Power) in(rule *rbacv1.PolicyRule, s Scope) (best Hold, found bool) {
	if p.whole != nil {
		req := authz.Request{Verb: "*", Group: "*", Resource: "*", Namespace: s.Namespace}
		return Hold{Power: p, Severity: p.severity(s, false), Request: req}, p.whole(rule)
	}
	for i := range p.Any {
		t := &p.Any[i]
		req, named, ok := t.in(rule, s)
		if !ok {
			continue
		}
		severity := p.worth(t, s, named)
		if !found || severity > best.Severity {
			best, found = Hold{Power: p, Severity: severity, Request: req, Named: named || t.Most != checks.SeverityUnset}, true
		}
		if !best.Named {
			break
		}
	}
	return best, found
}

// worth is the severity of one of the power's patterns.
func (p *Power) worth(t *Pattern, s Scope, named bool) checks.Severity {
	out := p.severity(s, named)
	if t.Most != checks.SeverityUnset {
		out = min(out, t.Most)
	}
	return out
}

// combined looks for a power whose patterns may be spread over the rules.
func (p *Power) combined(rules []rbacv1.PolicyRule, s Scope) (Hold, bool) {
	h := Hold{Power: p}
	for i := range p.All {
		req, rule, named, ok := among(p.All[i], rules, s)
		if !ok {
			return Hold{}, false
		}
		if i == 0 {
			h.Rule, h.Request = rule, req
		}
		h.Named = h.Named || named
	}
	h.Severity = p.severity(s, h.Named)
	return h, true
}

// among looks for a permission of one of the patterns in several rules, one that
// resourceNames do not limit if there is such.
func among(list []Pattern, rules []rbacv1.PolicyRule, s Scope) (best authz.Request, at int, limited, found bool) {
	for i := range rules {
		if isEverything(&rules[i]) {
			continue
		}
		for j := range list {
			req, named, ok := list[j].in(&rules[i], s)
			if ok && !named {
				return req, i, false, true
			}
			if ok && !found {
				best, at, limited, found = req, i, true, true
			}
		}
	}
	return best, at, limited, found
}

// in looks for one of the pattern's permissions in a rule: an example, and
// whether resourceNames limit it to objects that the pattern does not name.
func (t *Pattern) in(rule *rbacv1.PolicyRule, s Scope) (authz.Request, bool, bool) {
	var first authz.Request
	named, found := false, false
	t.each(rule, s, func(req authz.Request, limited bool) bool {
		first, named, found = req, limited, true
		return false
	})
	return first, named, found
}

// each calls visit with the pattern's permissions that a rule gives in a scope,
// and whether resourceNames limit them, until it returns false.
func (t *Pattern) each(rule *rbacv1.PolicyRule, s Scope, visit func(req authz.Request, named bool) bool) {
	if s.Namespace != "" && (t.ClusterOnly || t.Namespace != "" && s.Namespace != t.Namespace) || t.Inside && s.Namespace != t.Namespace {
		return
	}
	if len(t.Paths) > 0 {
		t.eachPath(rule, s, visit)
		return
	}
	// Most rules are about other groups: that is cheap to see.
	if len(rule.Resources) == 0 || !meets(rule.APIGroups, t.Groups, rbacv1.APIGroupAll) {
		return
	}
	rule = asGranted(rule)
	if !meets(rule.Verbs, t.Verbs, rbacv1.VerbAll) {
		return
	}
	for _, verb := range t.Verbs {
		for _, group := range t.Groups {
			for _, resource := range t.Resources {
				if req, named, ok := t.allowed(rule, verb, group, resource); ok {
					req.Namespace = s.Namespace
					if !visit(req, named) {
						return
					}
				}
			}
		}
	}
}

// eachPath is each for URLs, which only hold in the whole cluster.
func (t *Pattern) eachPath(rule *rbacv1.PolicyRule, s Scope, visit func(req authz.Request, named bool) bool) {
	if s.Namespace != "" || len(rule.NonResourceURLs) == 0 {
		return
	}
	for _, verb := range t.Verbs {
		for _, path := range t.Paths {
			if found, ok := grantedPath(rule.NonResourceURLs, path); ok && authz.Allows(rule, authz.Request{Verb: verb, Path: found}) {
				if !visit(authz.Request{Verb: verb, Path: found}, false) {
					return
				}
			}
		}
	}
}

// allowed asks one question of a rule. A rule with resourceNames is asked for
// its own names: those of the pattern are worth all of the power. It says
// nothing to requests that carry no name, except that list, watch and
// deletecollection carry one when a field selector names it.
func (t *Pattern) allowed(rule *rbacv1.PolicyRule, verb, group, resource string) (authz.Request, bool, bool) {
	req := authz.Request{Verb: verb, Group: group}
	req.Resource, req.Subresource = split(resource)
	if req.Subresource == "*" {
		req.Subresource = anySubresource(rule.Resources, req.Resource)
	}
	if len(rule.ResourceNames) == 0 {
		if len(t.Names) > 0 {
			req.Name = t.Names[0]
		}
		return req, false, authz.Allows(rule, req)
	}
	if verb == "create" && req.Subresource == "" {
		return req, false, false
	}
	req.Name = rule.ResourceNames[0]
	if !authz.Allows(rule, req) {
		return req, false, false
	}
	for _, name := range rule.ResourceNames {
		if matchesName(t.Names, name) && !slices.Contains(t.Except, name) {
			req.Name = name
			return req, false, true
		}
	}
	return req, true, len(t.Names) == 0
}
