// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
)

// validity says which objects a universe may hold.
type validity uint8

const (
	storable validity = iota // what an API server accepts
	anything                 // also what only a file can hold, and the authorizer still answers for
)

// shape bounds a universe.
type shape struct{ namespaces, roles, clusterRoles, roleBindings, clusterRoleBindings int }

var (
	small = shape{3, 3, 5, 4, 3}
	large = shape{3, 60, 80, 120, 60}
)

// generator makes one universe.
type generator struct {
	dice
	valid      validity
	namespaces []string
	out        universe
}

// generate makes a universe of at most the shape's size. Its aggregated roles
// have no rules of their own: the controller would remove them.
func generate(d dice, valid validity, most shape) *universe {
	g := &generator{dice: d, valid: valid, namespaces: namespaces[:d.between(1, most.namespaces)]}
	for i := range g.between(1, most.clusterRoles) {
		g.out.clusterRoles = append(g.out.clusterRoles, g.clusterRole(i))
	}
	for i := range g.between(0, most.roles) {
		g.out.roles = append(g.out.roles, &rbacv1.Role{ObjectMeta: g.meta(i), Rules: g.rules("")})
	}
	slices.SortFunc(g.out.roles, func(a, b *rbacv1.Role) int { return compareMeta(&a.ObjectMeta, &b.ObjectMeta) })
	g.out.roles = slices.CompactFunc(g.out.roles, func(a, b *rbacv1.Role) bool { return compareMeta(&a.ObjectMeta, &b.ObjectMeta) == 0 })
	for i := range g.between(0, most.roleBindings) {
		g.out.roleBindings = append(g.out.roleBindings, g.roleBinding(i))
	}
	for i := range g.between(0, most.clusterRoleBindings) {
		g.out.clusterRoleBindings = append(g.out.clusterRoleBindings, g.clusterRoleBinding(i))
	}
	return &g.out
}

func compareMeta(a, b *metav1.ObjectMeta) int {
	if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

// meta names the i-th Role. Roles of all namespaces and ClusterRoles share names.
func (g *generator) meta(i int) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: pick(g.dice, g.namespaces), Name: fmt.Sprintf("r%d", i/2)}
}

func (g *generator) clusterRole(i int) *rbacv1.ClusterRole {
	r := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("r%d", i)}}
	for _, key := range labelKeys {
		if g.chance(60) {
			metav1.SetMetaDataLabel(&r.ObjectMeta, key, pick(g.dice, labelValues))
		}
	}
	if g.chance(35) {
		r.AggregationRule = &rbacv1.AggregationRule{}
		for range g.between(1, 2) {
			r.AggregationRule.ClusterRoleSelectors = append(r.AggregationRule.ClusterRoleSelectors, g.selector())
		}
		if g.valid == anything && g.chance(10) {
			r.AggregationRule.ClusterRoleSelectors = nil
		}
		return r
	}
	if g.chance(10) {
		metav1.SetMetaDataLabel(&r.ObjectMeta, aggregateToView, "true")
	}
	r.Rules = g.rules("ClusterRole")
	return r
}

func (g *generator) selector() metav1.LabelSelector {
	var s metav1.LabelSelector
	if g.chance(50) {
		s.MatchLabels = map[string]string{}
		for _, key := range some(g.dice, labelKeys, 2) {
			s.MatchLabels[key] = pick(g.dice, labelValues)
		}
	}
	if s.MatchLabels == nil || g.chance(40) {
		s.MatchExpressions = append(s.MatchExpressions, g.requirement())
	}
	if g.valid == storable { // on its own, "not in" would select cluster-admin of a real cluster
		s.MatchExpressions = append(s.MatchExpressions, metav1.LabelSelectorRequirement{Key: pick(g.dice, labelKeys), Operator: metav1.LabelSelectorOpExists})
	}
	if g.valid == anything && g.chance(5) {
		return metav1.LabelSelector{} // everything, cluster-admin of a real cluster included
	}
	return s
}

func (g *generator) requirement() metav1.LabelSelectorRequirement {
	r := metav1.LabelSelectorRequirement{Key: pick(g.dice, labelKeys)}
	r.Operator = pick(g.dice, []metav1.LabelSelectorOperator{
		metav1.LabelSelectorOpIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpDoesNotExist,
	})
	if r.Operator == metav1.LabelSelectorOpIn || r.Operator == metav1.LabelSelectorOpNotIn {
		r.Values = some(g.dice, labelValues, 2)
	}
	return r
}

func (g *generator) roleBinding(i int) *rbacv1.RoleBinding {
	b := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: pick(g.dice, g.namespaces), Name: fmt.Sprintf("b%d", i)}}
	b.RoleRef = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: pick(g.dice, g.out.clusterRoles).Name}
	switch {
	case g.chance(55) && len(g.out.roles) > 0:
		b.RoleRef.Kind, b.RoleRef.Name = "Role", pick(g.dice, g.out.roles).Name
	case g.chance(15):
		b.RoleRef.Name = pick(g.dice, builtInRoles)
	}
	g.spoilRef(&b.RoleRef, "Role")
	for range g.between(0, 3) {
		b.Subjects = append(b.Subjects, g.subject(b.Namespace))
	}
	return b
}

func (g *generator) clusterRoleBinding(i int) *rbacv1.ClusterRoleBinding {
	b := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("b%d", i)}}
	b.RoleRef = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: pick(g.dice, g.out.clusterRoles).Name}
	if g.chance(8) {
		b.RoleRef.Name = pick(g.dice, builtInRoles)
	}
	g.spoilRef(&b.RoleRef, "")
	for range g.between(0, 3) {
		b.Subjects = append(b.Subjects, g.subject(""))
	}
	return b
}

// spoilRef makes some references dangle, and where anything goes some mean
// nothing. other is a second kind that the binding may name.
func (g *generator) spoilRef(ref *rbacv1.RoleRef, other string) {
	if g.chance(6) {
		ref.Name = "missing"
	}
	if other != "" && g.chance(4) {
		ref.Kind = other
	}
	if g.valid == storable || !g.chance(10) {
		return
	}
	switch g.IntN(3) {
	case 0:
		ref.Kind = pick(g.dice, []string{"Role", "role", "clusterrole", "", "User"})
	case 1:
		ref.APIGroup = pick(g.dice, []string{"", "apps", "*"})
	case 2:
		ref.Name = pick(g.dice, []string{"", "*", "R0"})
	}
}

// subject names somebody. namespace is that of the binding, empty for a
// ClusterRoleBinding, whose ServiceAccounts must name theirs.
func (g *generator) subject(namespace string) rbacv1.Subject {
	var s rbacv1.Subject
	switch n := g.IntN(100); {
	case n < 40:
		s = rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: pick(g.dice, namespaces), Name: pick(g.dice, accounts)}
		if g.chance(40) && (namespace != "" || g.valid == anything) {
			s.Namespace = ""
		}
	case n < 60:
		s = rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: pick(g.dice, users)}
	case n < 70:
		s = rbacv1.Subject{
			Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName,
			Name: serviceaccount.MakeUsername(pick(g.dice, namespaces), pick(g.dice, accounts)),
		}
	default:
		s = rbacv1.Subject{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: pick(g.dice, groupSubjects)}
	}
	if s.Kind != rbacv1.ServiceAccountKind && g.chance(10) {
		s.APIGroup = "" // the API server fills it in
	}
	if g.valid == anything && g.chance(15) {
		g.spoilSubject(&s)
	}
	return s
}

func (g *generator) spoilSubject(s *rbacv1.Subject) {
	switch g.IntN(5) {
	case 0:
		s.APIGroup = pick(g.dice, []string{"", "apps", rbacv1.GroupName, "*"})
	case 1:
		s.Kind = pick(g.dice, []string{"", "user", "serviceaccount", "Role", "*"})
	case 2:
		s.Name = ""
	case 3: // of a user or group it means nothing
		s.Namespace = pick(g.dice, namespaces)
	case 4:
		// An account whose name holds colons is stored, and means the user of that name.
		s.Kind = pick(g.dice, []string{rbacv1.UserKind, rbacv1.GroupKind, rbacv1.ServiceAccountKind})
	}
}
