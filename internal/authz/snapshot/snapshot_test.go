// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
)

func role(namespace, name string, verbs, resources string) Role {
	r := Role{Name: Name{namespace, name}, Rules: []rbacv1.PolicyRule{}}
	if verbs != "" {
		r.Rules = append(r.Rules, rbacv1.PolicyRule{Verbs: strings.Fields(verbs), APIGroups: []string{""}, Resources: strings.Fields(resources)})
	}
	return r
}

func bound(namespace, name, role string, subjects ...string) Binding {
	b := Binding{Name: Name{namespace, name}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: role}, Subjects: []rbacv1.Subject{}}
	for _, s := range subjects {
		ns, n, account := strings.Cut(s, "/")
		if account {
			b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: "ServiceAccount", Namespace: ns, Name: n})
		} else {
			b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: "User", Name: s})
		}
	}
	return b
}

func snap(parts ...any) *Snapshot {
	s := &Snapshot{APIVersion: APIVersion, Kind: Kind, Roles: []Role{}, Bindings: []Binding{}, Accounts: []Name{}}
	for _, p := range parts {
		switch p := p.(type) {
		case Role:
			s.Roles = append(s.Roles, p)
		case Binding:
			s.Bindings = append(s.Bindings, p)
		case Name:
			s.Accounts = append(s.Accounts, p)
		}
	}
	s.sort()
	return s
}

// render puts a change on one line.
func render(list []Change) []string {
	var out []string
	for _, c := range list {
		line := c.Sort.String() + " " + c.Severity.String() + " " + c.Role.String()
		if c.Binding.Name != "" {
			line += " by " + c.Binding.String()
		}
		if c.Subject.Name != "" {
			line += " to " + subjectName(c.Subject)
		}
		if c.Missing.Name != "" {
			line += " missing " + c.Missing.String()
		}
		out = append(out, line)
	}
	return out
}

func TestDiffNamesWhoGainedWhat(t *testing.T) {
	t.Parallel()
	web := Name{"shop", "web"}
	for name, tc := range map[string]struct {
		before, after *Snapshot
		want          []string
	}{
		"nothing": {
			snap(role("", "r", "get", "secrets"), bound("shop", "b", "r", "shop/web"), web),
			snap(role("", "r", "get", "secrets"), bound("shop", "b", "r", "shop/web"), web), nil,
		},
		"a new grant": {
			snap(role("", "r", "get", "secrets"), web),
			snap(role("", "r", "get", "secrets"), bound("shop", "b", "r", "shop/web"), web),
			[]string{"granted high ClusterRole r by RoleBinding shop/b to ServiceAccount shop/web"},
		},
		"a renamed binding is none": {
			snap(role("", "r", "get", "secrets"), bound("shop", "b", "r", "shop/web"), web),
			snap(role("", "r", "get", "secrets"), bound("shop", "c", "r", "shop/web"), web), nil,
		},
		"another spelling of the account is none": {
			snap(role("", "r", "get", "secrets"), bound("shop", "b", "r", "shop/web"), web),
			snap(role("", "r", "get", "secrets"), bound("shop", "b", "r", "system:serviceaccount:shop:web"), web), nil,
		},
		"a widened role": {
			snap(role("", "r", "get", "configmaps")), snap(role("", "r", "get", "configmaps secrets")),
			[]string{"widened critical ClusterRole r"},
		},
		"a role said in other words is none": {
			snap(role("", "r", "get list", "configmaps secrets")),
			snap(Role{Name{"", "r"}, append(role("", "", "get list", "secrets").Rules, role("", "", "list get", "configmaps").Rules...)}), nil,
		},
		"a narrowed role": {
			snap(role("", "r", "get list", "secrets")), snap(role("", "r", "get", "secrets")),
			[]string{"narrowed critical ClusterRole r"},
		},
		"a revoked grant": {
			snap(role("", "r", "get", "configmaps"), bound("", "b", "r", "alice")), snap(role("", "r", "get", "configmaps")),
			[]string{"revoked unset ClusterRole r by ClusterRoleBinding b to User /alice"},
		},
		"a binding to a role that is missing": {
			snap(), snap(bound("", "b", "gone", "alice")),
			[]string{"dangling unset ClusterRole gone by ClusterRoleBinding b missing ClusterRole gone"},
		},
		"a binding to a role that is missing still": {
			snap(bound("", "b", "gone", "alice")), snap(bound("", "b", "gone", "alice")), nil,
		},
		"a binding to another role that is missing": {
			snap(bound("", "b", "gone", "alice")), snap(bound("", "b", "lost", "alice")),
			[]string{
				"dangling unset ClusterRole lost by ClusterRoleBinding b missing ClusterRole lost",
				"revoked unset ClusterRole gone by ClusterRoleBinding b to User /alice",
			},
		},
		"a role that was deleted under its binding": {
			snap(role("", "r", "get", "secrets"), bound("", "b", "r", "alice")), snap(bound("", "b", "r", "alice")),
			[]string{"dangling unset ClusterRole r by ClusterRoleBinding b missing ClusterRole r"},
		},
		"a role that came back under a binding of another name": {
			snap(bound("", "b", "r", "alice")), snap(bound("", "c", "r", "alice"), role("", "r", "get", "secrets")),
			[]string{"granted critical ClusterRole r by ClusterRoleBinding c to User /alice"},
		},
		"an account that is bound and deleted": {
			snap(role("", "r", "get", "secrets"), bound("shop", "b", "r", "shop/web"), web),
			snap(role("", "r", "get", "secrets"), bound("shop", "b", "r", "shop/web")),
			[]string{"dangling high ClusterRole r by RoleBinding shop/b to ServiceAccount shop/web missing ServiceAccount shop/web"},
		},
		"a role that came back": {
			snap(bound("", "b", "r", "alice")), snap(bound("", "b", "r", "alice"), role("", "r", "get", "secrets")),
			[]string{"revived critical ClusterRole r by ClusterRoleBinding b missing ClusterRole r"},
		},
		"an account that came back": {
			snap(role("", "r", "get", "secrets"), bound("shop", "b", "r", "shop/web")),
			snap(role("", "r", "get", "secrets"), bound("shop", "b", "r", "shop/web"), web),
			[]string{"revived high ClusterRole r by RoleBinding shop/b to ServiceAccount shop/web missing ServiceAccount shop/web"},
		},
		"an account that is still missing": {
			snap(role("", "r", "get", "secrets"), bound("shop", "b", "r", "shop/web")),
			snap(role("", "r", "get", "secrets"), bound("shop", "b", "r", "shop/web")), nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tc.want, render(Diff(tc.before, tc.after))); d != "" {
				t.Errorf("(want -, got +):\n%s", d)
			}
		})
	}
}

func TestASnapshotIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	want := snap(role("", "r", "get", "secrets"), role("shop", "r", "", ""), bound("shop", "b", "r", "shop/web"), Name{"shop", "web"})
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(want -, got +):\n%s", d)
	}
	if d := cmp.Diff(want, Take(got.View())); d != "" {
		t.Errorf("taken again of what it shows (want -, got +):\n%s", d)
	}
}

func TestAFaultySnapshotIsRefused(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"empty":                  ``,
		"another kind":           `{"apiVersion":"v1","kind":"List","roles":[],"bindings":[],"serviceAccounts":[]}`,
		"a list that is missing": `{"apiVersion":"gatehouse.sh/v1alpha1","kind":"RBACSnapshot","roles":[],"bindings":[]}`,
		"an unknown field":       `{"apiVersion":"gatehouse.sh/v1alpha1","kind":"RBACSnapshot","roles":[],"bindings":[],"serviceAccounts":[],"more":1}`,
		"cut":                    `{"apiVersion":"gatehouse.sh/v1alpha1","kind":"RBACSnapshot","roles":[`,
		"two of them":            `{"apiVersion":"gatehouse.sh/v1alpha1","kind":"RBACSnapshot","roles":[],"bindings":[],"serviceAccounts":[]}{}`,
		"a role that is there twice": `{"apiVersion":"gatehouse.sh/v1alpha1","kind":"RBACSnapshot","bindings":[],"serviceAccounts":[],
			"roles":[{"name":"r","rules":[]},{"name":"r","rules":[]}]}`,
		"an account without a name": `{"apiVersion":"gatehouse.sh/v1alpha1","kind":"RBACSnapshot","roles":[],"bindings":[],"serviceAccounts":[{"namespace":"shop"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse([]byte(data)); err == nil {
				t.Error("was read")
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"apiVersion":"gatehouse.sh/v1alpha1","kind":"RBACSnapshot","roles":[{"name":"r","rules":[{"verbs":["*"],"apiGroups":null,"resources":["*"]}]}],"bindings":[{"name":"b","roleRef":{"kind":"Role","name":"r","apiGroup":""},"subjects":null}],"serviceAccounts":[{"name":"a"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			return
		}
		for _, c := range Diff(s, s) {
			t.Errorf("a snapshot differs from itself: %v", c)
		}
	})
}
