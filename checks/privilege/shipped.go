// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	_ "embed" // the lists of what Kubernetes and kubeadm ship
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The roles and bindings that every cluster has from the start, one on each line
// and below it, indented, what it holds:
//
//	rule VERBS GROUPS RESOURCES [NAMES]    lists with commas; "core" is the core group
//	path VERBS PATHS
//	from SELECTOR                          aggregationRule
//	label KEY                              by which other roles collect it
//	to KIND [NAMESPACE/]NAME               subject of a binding
//
// shipped.txt is written by hack/shippedroles from the sources of Kubernetes 1.31,
// 1.34 and 1.36 (plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata), kubeadm.txt
// by hand from those of kubeadm 1.36 (cmd/kubeadm/app/phases).
//
//go:embed shipped.txt
var shippedText string

//go:embed kubeadm.txt
var kubeadmText string

// shippedObject is what is known of one of them.
type shippedObject struct {
	rules     []rbacv1.PolicyRule
	selectors []string
	labels    []string
	role      string   // "ClusterRole cluster-admin", of a binding
	subjects  []string // "Group system:masters"
	kubeadm   bool     // made by kubeadm, not by the API server
}

// shipped returns everything that is shipped. The error is nil; a test says so.
var shipped = sync.OnceValues(func() (map[inventory.Key]*shippedObject, error) {
	out := map[inventory.Key]*shippedObject{}
	if err := parseShipped(shippedText, out); err != nil {
		return nil, fmt.Errorf("shipped.txt: %w", err)
	}
	known := maps.Clone(out)
	if err := parseShipped(kubeadmText, out); err != nil {
		return nil, fmt.Errorf("kubeadm.txt: %w", err)
	}
	for k, o := range out {
		o.kubeadm = known[k] == nil
		aggregate(o, out)
	}
	return out, nil
})

// aggregate adds to a role what it collects of the others. Those that collect in
// turn are followed, not read, so that the order does not matter.
func aggregate(o *shippedObject, all map[inventory.Key]*shippedObject) {
	own := len(o.rules)
	var visit func(selectors []string, depth int)
	visit = func(selectors []string, depth int) {
		for _, s := range selectors {
			key, _, _ := strings.Cut(s, "=")
			for _, source := range all {
				if source != o && depth < len(all) && slices.Contains(source.labels, key) {
					if len(source.selectors) == 0 {
						o.rules = append(o.rules, source.rules...)
					}
					visit(source.selectors, depth+1)
				}
			}
		}
	}
	visit(o.selectors, 0)
	slices.SortStableFunc(o.rules[own:], func(a, b rbacv1.PolicyRule) int { return strings.Compare(a.String(), b.String()) })
}

func parseShipped(text string, into map[inventory.Key]*shippedObject) error {
	var at *shippedObject
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) < 2:
			return fmt.Errorf("line %d has no two words", n+1)
		case !strings.HasPrefix(line, " "):
			key, ok := shippedKey(words)
			if !ok {
				return fmt.Errorf("line %d names no object", n+1)
			}
			at = &shippedObject{role: strings.Join(words[2:], " ")}
			into[key] = at
		case at == nil || !at.read(words):
			return fmt.Errorf("line %d cannot be read", n+1)
		}
	}
	return nil
}

func shippedKey(words []string) (inventory.Key, bool) {
	namespace, name, nested := strings.Cut(words[1], "/")
	if !nested {
		namespace, name = "", words[1]
	}
	for _, k := range []inventory.Key{{Kind: inventory.RoleKind}, {Kind: inventory.ClusterRoleKind}, {Kind: inventory.RoleBindingKind}, {Kind: inventory.ClusterBindingKind}} {
		if k.Kind.Kind == words[0] {
			return inventory.Key{Kind: k.Kind, Namespace: namespace, Name: name}, true
		}
	}
	return inventory.Key{}, false
}

func (o *shippedObject) read(words []string) bool {
	list := func(s string) []string { return strings.Split(s, ",") }
	switch {
	case words[0] == "from" && len(words) == 2:
		o.selectors = append(o.selectors, words[1])
	case words[0] == "label" && len(words) == 2:
		o.labels = append(o.labels, words[1])
	case words[0] == "to" && len(words) == 3:
		o.subjects = append(o.subjects, words[1]+" "+words[2])
	case words[0] == "path" && len(words) == 3:
		o.rules = append(o.rules, rbacv1.PolicyRule{Verbs: list(words[1]), NonResourceURLs: list(words[2])})
	case words[0] == "rule" && (len(words) == 4 || len(words) == 5):
		r := rbacv1.PolicyRule{Verbs: list(words[1]), Resources: list(words[3])}
		for _, g := range list(words[2]) {
			if g == "core" {
				g = ""
			}
			r.APIGroups = append(r.APIGroups, g)
		}
		if len(words) == 5 {
			r.ResourceNames = list(words[4])
		}
		o.rules = append(o.rules, r)
	default:
		return false
	}
	return true
}

// shippedAs returns what is shipped under the identity of an object; nil when
// nothing is, or when the lists cannot be read.
func shippedAs(k inventory.Key) *shippedObject {
	all, err := shipped()
	if err != nil {
		return nil
	}
	return all[k]
}

// shippedRules returns the rules that Kubernetes or kubeadm ships under the name
// of a role. A name proves nothing, so only these rules are taken for theirs.
func shippedRules(o inventory.Object) ([]rbacv1.PolicyRule, bool) {
	s := shippedAs(inventory.KeyOf(o))
	if s == nil {
		return nil, false
	}
	return s.rules, true
}

// shippedBinding reports whether a binding gives nothing but what Kubernetes or
// kubeadm ships under its name: the same role, to no other subjects.
func shippedBinding(b authz.Bound) bool {
	s := shippedAs(b.Key)
	if s == nil || s.role != b.RoleRef.Kind+" "+b.RoleRef.Name {
		return false
	}
	return !slices.ContainsFunc(b.Subjects, func(subject rbacv1.Subject) bool {
		return !slices.Contains(s.subjects, subject.Kind+" "+strings.TrimPrefix(subject.Namespace+"/"+subject.Name, "/"))
	})
}

// Ships reports whether a binding gives nothing but what Kubernetes or kubeadm ships
// under its name.
func Ships(b authz.Bound) bool { return shippedBinding(b) }

// collectsMore reports whether an aggregated role selects by anything that the
// shipped one does not.
func (o *shippedObject) collectsMore(rule *rbacv1.AggregationRule) bool {
	if rule == nil {
		return false
	}
	return slices.ContainsFunc(rule.ClusterRoleSelectors, func(l metav1.LabelSelector) bool {
		selector, err := metav1.LabelSelectorAsSelector(&l)
		return err == nil && !slices.ContainsFunc(o.selectors, func(known string) bool {
			parsed, err := labels.Parse(known)
			return err == nil && parsed.String() == selector.String()
		})
	})
}

// standIn is the resourceVersion of a role that ShippedRole made. What is read from
// files and clusters has none in an inventory, so that a role which merely stands in
// does not prove that everything of a cluster was read.
const standIn = "shipped"

// ShippedRole returns a role as Kubernetes or kubeadm ships it, for questions about
// what was read without it; nil when neither ships one of the name. An aggregated one has
// the rules that it collects of those that are shipped, and collects others by its
// selectors. The object is the caller's.
func ShippedRole(k inventory.Key) inventory.Object {
	s := shippedAs(k)
	if s == nil {
		return nil
	}
	meta := metav1.ObjectMeta{Namespace: k.Namespace, Name: k.Name, ResourceVersion: standIn}
	rules := make([]rbacv1.PolicyRule, 0, len(s.rules))
	for i := range s.rules {
		rules = append(rules, *s.rules[i].DeepCopy())
	}
	switch k.Kind {
	case inventory.RoleKind:
		return &rbacv1.Role{ObjectMeta: meta, Rules: rules}
	case inventory.ClusterRoleKind:
		role := &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules}
		for _, selector := range s.selectors {
			if parsed, err := metav1.ParseToLabelSelector(selector); err == nil {
				if role.AggregationRule == nil {
					role.AggregationRule = &rbacv1.AggregationRule{}
				}
				role.AggregationRule.ClusterRoleSelectors = append(role.AggregationRule.ClusterRoleSelectors, *parsed)
			}
		}
		return role
	}
	return nil
}
