// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// mine is the label of every object that the test writes.
const mine = "differential.gatehouse.sh/test"

// patience bounds a wait for the controllers and caches of the API server,
// which take well under a second.
const patience = time.Minute

// sentinel begins the names of the objects of waitUntilSeen.
const sentinel = "sentinel-"

// cluster holds one random universe at a time.
type cluster struct {
	api      kubernetes.Interface
	installs int
}

func newCluster(t *testing.T, cfg *rest.Config) *cluster {
	t.Helper()
	cfg.QPS = -1
	cfg.ContentType = runtime.ContentTypeProtobuf
	cfg.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	api, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range namespaces {
		_, err := api.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	return &cluster{api: api}
}

// allows asks the API server.
func (c *cluster) allows(t *testing.T, q question) bool {
	t.Helper()
	answer, err := c.api.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), q.review(), metav1.CreateOptions{})
	if err != nil {
		t.Errorf("ask the API server: %v\n%s", err, q.yaml(t))
		return false
	}
	if answer.Status.EvaluationError != "" {
		t.Errorf("ask the API server: %s\n%s", answer.Status.EvaluationError, q.yaml(t))
	}
	return answer.Status.Allowed
}

// install replaces the universe of the cluster and returns all its RBAC objects
// once the controllers have aggregated and the authorizer has seen everything. The
// error says what the API server does not store.
func (c *cluster) install(t *testing.T, u *universe) (*universe, error) {
	t.Helper()
	c.clear(t)
	if err := c.write(t, u); err != nil {
		return nil, err
	}
	return c.settled(t), nil
}

// settled returns all RBAC objects of the cluster once the controllers have
// aggregated and the authorizer has seen everything.
func (c *cluster) settled(t *testing.T) *universe {
	t.Helper()
	c.waitUntilSettled(t)
	c.waitUntilSeen(t)
	return c.list(t)
}

func (c *cluster) clear(t *testing.T) {
	t.Helper()
	ours := metav1.ListOptions{LabelSelector: mine}
	api := c.api.RbacV1()
	for _, namespace := range namespaces {
		must(t, api.RoleBindings(namespace).DeleteCollection(t.Context(), metav1.DeleteOptions{}, ours))
		must(t, api.Roles(namespace).DeleteCollection(t.Context(), metav1.DeleteOptions{}, ours))
	}
	must(t, api.ClusterRoleBindings().DeleteCollection(t.Context(), metav1.DeleteOptions{}, ours))
	must(t, api.ClusterRoles().DeleteCollection(t.Context(), metav1.DeleteOptions{}, ours))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) write(t *testing.T, u *universe) error {
	t.Helper()
	u, api := u.clone(), c.api.RbacV1()
	for _, o := range u.objects() {
		labels := o.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[mine] = ""
		o.SetLabels(labels)
	}
	for _, o := range u.clusterRoles {
		if _, err := api.ClusterRoles().Create(t.Context(), o, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for _, o := range u.roles {
		if _, err := api.Roles(o.Namespace).Create(t.Context(), o, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for _, o := range u.clusterRoleBindings {
		if _, err := api.ClusterRoleBindings().Create(t.Context(), o, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for _, o := range u.roleBindings {
		if _, err := api.RoleBindings(o.Namespace).Create(t.Context(), o, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// list returns every RBAC object of the cluster.
func (c *cluster) list(t *testing.T) *universe {
	t.Helper()
	api, all := c.api.RbacV1(), metav1.ListOptions{}
	roles, err := api.Roles("").List(t.Context(), all)
	must(t, err)
	clusterRoles, err := api.ClusterRoles().List(t.Context(), all)
	must(t, err)
	roleBindings, err := api.RoleBindings("").List(t.Context(), all)
	must(t, err)
	clusterRoleBindings, err := api.ClusterRoleBindings().List(t.Context(), all)
	must(t, err)
	return &universe{pointers(roles.Items), pointers(clusterRoles.Items), pointers(roleBindings.Items), pointers(clusterRoleBindings.Items)}
}

func pointers[T any](list []T) []*T {
	out := make([]*T, 0, len(list))
	for i := range list {
		out = append(out, &list[i])
	}
	return out
}

// waitUntilSettled returns when every aggregated role of the cluster holds what
// settle says.
func (c *cluster) waitUntilSettled(t *testing.T) {
	t.Helper()
	controlplane.Eventually(t, patience, "the aggregation controller arrives where settle does", func() error {
		listed := c.list(t)
		want := settle(t, listed)
		for i, r := range listed.clusterRoles {
			if got, want := ruleSet(r.Rules), ruleSet(want.clusterRoles[i].Rules); !slices.Equal(got, want) {
				return fmt.Errorf("ClusterRole %s holds\n%v, want\n%v", r.Name, got, want)
			}
		}
		return nil
	})
}

// waitUntilSeen writes one more object of each kind and returns when the
// authorizer knows them all. It watches each kind in order, so it knows what was
// written before.
func (c *cluster) waitUntilSeen(t *testing.T) {
	t.Helper()
	c.installs++
	meta := metav1.ObjectMeta{Name: sentinel + strconv.Itoa(c.installs)}
	local := metav1.ObjectMeta{Name: meta.Name, Namespace: namespaces[0]}
	rules := []rbacv1.PolicyRule{{Verbs: []string{"see"}, APIGroups: []string{""}, Resources: []string{"sentinels"}}}
	subjects := func(name string) []rbacv1.Subject {
		return []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: name}}
	}
	must(t, c.write(t, &universe{
		roles:        []*rbacv1.Role{{ObjectMeta: local, Rules: rules}},
		clusterRoles: []*rbacv1.ClusterRole{{ObjectMeta: meta, Rules: rules}},
		roleBindings: []*rbacv1.RoleBinding{{
			ObjectMeta: local, Subjects: subjects("local-" + meta.Name),
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
		}},
		clusterRoleBindings: []*rbacv1.ClusterRoleBinding{{
			ObjectMeta: meta, Subjects: subjects("everywhere-" + meta.Name),
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: meta.Name},
		}},
	}))
	controlplane.Eventually(t, patience, "the authorizer knows the sentinels", func() error {
		for _, user := range []string{"local-", "everywhere-"} {
			q := question{identity{name: user + meta.Name}, authz.Request{Verb: "see", Resource: "sentinels", Namespace: namespaces[0]}}
			if !c.allows(t, q) {
				return fmt.Errorf("user %s is refused", q.name)
			}
		}
		return nil
	})
}
