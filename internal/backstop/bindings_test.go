// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestBindingsAreJudgedAsByTheChecks compares, over random bindings and updates,
// what the policies say with what the checks say, where every role that is bound
// is unknown or holds nothing but what Kubernetes ships with it.
func TestBindingsAreJudgedAsByTheChecks(t *testing.T) {
	t.Parallel()
	set := catalogue(t)
	list, p := accessPolicies(t, set)
	random := rand.New(rand.NewPCG(3, 9))
	names := []string{
		"ann", "*", "system:masters", "system:authenticated", "system:unauthenticated", "system:anonymous", "system:serviceaccounts", "system:serviceaccounts:shop", "system:serviceaccounts:ops", "system:nodes",
		"system:serviceaccount:shop:default", "system:serviceaccount:ops:web", "system:serviceaccount:shop", "system:serviceaccount:a:b:c", "System:masters", "system:masters ", "ann\u200b", "\u00a0ann", "a b", "kubeadm:cluster-admins",
		"system:kube-controller-manager",
	}
	roles := []string{"cluster-admin", "admin", "edit", "view", "system:auth-delegator", "system:node-bootstrapper", "system:discovery", "system:public-info-viewer", "system:basic-user", "system:node", "system:controller:job-controller", "system:kube-controller-manager", "own", "kubeadm:get-nodes"}
	accounts, namespaces := []string{"default", "web"}, []string{"", "shop", "ops", "kube-system", "gatehouse-system"}
	subject := func(cluster bool) rbacv1.Subject {
		if random.IntN(2) == 0 {
			s := rbacv1.Subject{Kind: "ServiceAccount", Name: accounts[random.IntN(2)], Namespace: namespaces[random.IntN(len(namespaces))]}
			if cluster && s.Namespace == "" {
				s.Namespace = "shop" // the API server refuses it
			}
			return s
		}
		return rbacv1.Subject{Kind: []string{"User", "Group"}[random.IntN(2)], APIGroup: rbacv1.GroupName, Name: names[random.IntN(len(names))]}
	}
	bindings := []string{"app", "app", "cluster-admin", "system:basic-user", "kubeadm:cluster-admins", "system:kube-controller-manager"}
	judged := []string{"RBAC-015", "RBAC-060", "RBAC-061", "RBAC-062", "RBAC-063", "RBAC-064", "RBAC-067"}
	agreed, milder, missed := 0, 0, 0
	const each = 600
	for n := range each {
		cluster := n%2 == 0
		bind := func(name string, ref rbacv1.RoleRef, subjects []rbacv1.Subject) inventory.Object {
			if cluster {
				return &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: ref, Subjects: subjects}
			}
			return &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"}, RoleRef: ref, Subjects: subjects}
		}
		name, ref := bindings[random.IntN(len(bindings))], rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: roles[random.IntN(len(roles))]}
		if !cluster && random.IntN(5) == 0 {
			ref.Kind = "Role"
		}
		var subjects []rbacv1.Subject
		for range random.IntN(4) {
			subjects = append(subjects, subject(cluster))
		}
		in := checks.Input{Object: bind(name, ref, subjects), Inventory: inventory.New(), Request: checks.Request{Operation: checks.Create, User: "ann"}}
		if n%3 > 0 {
			in.Old, in.Request.Operation = in.Object, checks.Update
			in.Object = bind(name, ref, append(slices.Clone(subjects), subject(cluster)))
		}
		want, got := found(p, in), ask(t, list, in)
		for id, severity := range got.checks {
			if want[id] < severity {
				t.Errorf("%d: the policy says %s %s, the checks %v\nnow %+v\nold %+v\n%s", n, id, severity, want, in.Object, in.Old, strings.Join(got.texts, "\n"))
			}
		}
		for _, id := range judged {
			severity, is := want[id]
			switch {
			case !is:
			case got.checks[id] == severity:
				agreed++
			case got.checks[id] == checks.SeverityUnset && in.Old == nil:
				t.Errorf("%d: the checks say %s %s of a creation, the policy nothing\n%+v", n, id, severity, in.Object)
			case got.checks[id] == checks.SeverityUnset:
				missed++
			default:
				milder++
			}
		}
	}
	t.Logf("%d bindings: %d findings of both, %d milder, %d left to the webhook", each, agreed, milder, missed)
	if agreed < each/2 || missed*20 > agreed {
		t.Errorf("%d findings of both and %d left to the webhook: that is too little", agreed, missed)
	}
}

// TestOneWhoWritesManySubjectsIsAnswered: a binding of 2,000 subjects does not cost
// too much, created or changed.
func TestOneWhoWritesManySubjectsIsAnswered(t *testing.T) {
	t.Parallel()
	list, _ := accessPolicies(t, catalogue(t))
	var subjects []rbacv1.Subject
	for i := range 2000 {
		subjects = append(subjects, rbacv1.Subject{Kind: "ServiceAccount", Namespace: "ops", Name: "account-" + strings.Repeat("x", i%50)})
	}
	b := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "shop"}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "edit"}, Subjects: subjects}
	in := checks.Input{Object: b, Inventory: inventory.New(), Request: checks.Request{User: "ann"}}
	created := ask(t, list, in)
	in.Old = b.DeepCopy()
	b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: "User", Name: "ann"})
	updated := ask(t, list, in)
	t.Logf("creation %d units, update %d units", created.cost, updated.cost)
	if created.checks["RBAC-061"] != checks.Medium {
		t.Errorf("the creation is answered by %v", created.checks)
	}
}
