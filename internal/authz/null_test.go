// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"testing"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestWhatSaysNothingGrantsNothing: empty and null lists, and references to what is
// not there, end in no permission, and nowhere else.
func TestWhatSaysNothingGrantsNothing(t *testing.T) {
	t.Parallel()
	const (
		meta   = `"apiVersion":"rbac.authorization.k8s.io/v1"`
		role   = `{` + meta + `,"kind":"ClusterRole","metadata":{"name":"r"}`
		others = `,"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"r"}}`
		bound  = `{` + meta + `,"kind":"ClusterRoleBinding","metadata":{"name":"b"},"subjects":[{"kind":"ServiceAccount","namespace":"ops","name":"agent"}]` + others
		all    = `"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]}`
	)
	for name, tc := range map[string]struct {
		role, binding string
		allowed       bool
	}{
		"what says something":          {role + `,` + all, bound, true},
		"null rules":                   {role + `,"rules":null}`, bound, false},
		"no rules":                     {role + `}`, bound, false},
		"a null rule":                  {role + `,"rules":[null]}`, bound, false},
		"an empty rule":                {role + `,"rules":[{}]}`, bound, false},
		"null verbs":                   {role + `,"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":null}]}`, bound, false},
		"null groups and resources":    {role + `,"rules":[{"apiGroups":null,"resources":null,"verbs":["*"]}]}`, bound, false},
		"an aggregation of nothing":    {role + `,"aggregationRule":{"clusterRoleSelectors":null}}`, bound, false},
		"null subjects":                {role + `,` + all, `{` + meta + `,"kind":"ClusterRoleBinding","metadata":{"name":"b"},"subjects":null` + others, false},
		"a null subject":               {role + `,` + all, `{` + meta + `,"kind":"ClusterRoleBinding","metadata":{"name":"b"},"subjects":[null]` + others, false},
		"a binding to a missing role":  {`{` + meta + `,"kind":"ClusterRole","metadata":{"name":"other"},` + all, bound, false},
		"a binding that names no role": {role + `,` + all, `{` + meta + `,"kind":"ClusterRoleBinding","metadata":{"name":"b"},"subjects":[{"kind":"ServiceAccount","namespace":"ops","name":"agent"}],"roleRef":null}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var objects []inventory.Object
			for _, doc := range []string{tc.role, tc.binding} {
				o, _, err := inventory.DecodeAny([]byte(doc))
				if err != nil {
					t.Fatalf("%v: %s", err, doc)
				}
				objects = append(objects, o)
			}
			v := Over(inventory.New(objects...))
			if _, got := v.Allowed(ServiceAccount("ops", "agent"), Request{Verb: "get", Resource: "secrets"}); got != tc.allowed {
				t.Errorf("allowed: %v", got)
			}
			for range v.Holders(Request{Verb: "get", Resource: "secrets"}) {
				if !tc.allowed {
					t.Error("somebody holds it")
				}
			}
		})
	}
}
