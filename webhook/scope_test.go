// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/internal/fixture"
)

// TestALabelOfANamespaceIsJudged: the API server names a Namespace as its own
// namespace, which need not have opted in for what its new labels do to be told.
func TestALabelOfANamespaceIsJudged(t *testing.T) {
	t.Parallel()
	cases, err := fixture.Load(filepath.Join("..", "checks", "blast", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	ran := map[bool]int{}
	for _, fc := range cases {
		if fc.Check != "XR-007" {
			continue
		}
		ran[fc.Refuses()]++
		for namespace, judged := range map[string]bool{"shop": true, "kube-system": false} {
			t.Run(fc.Name+" in "+namespace, func(t *testing.T) {
				t.Parallel()
				e := engine(t, append(slices.Clone(fc.Context), fc.Old)...)
				now, err := json.Marshal(fc.Object)
				if err != nil {
					t.Fatal(err)
				}
				old, err := json.Marshal(fc.Old)
				if err != nil {
					t.Fatal(err)
				}
				body := review("UPDATE", "", "v1", "Namespace", "namespaces", string(now), string(old))
				body = []byte(strings.Replace(string(body), `"namespace":"shop","operation"`, `"namespace":"`+namespace+`","operation"`, 1))
				_, got := handler(t, Validator{e}).answer(t.Context(), body)
				if told := strings.Contains(strings.Join(got.Warnings, "\n"), "XR-007"); !got.Allowed || told != (judged && fc.Refuses()) {
					t.Errorf("allowed %v, warnings %q", got.Allowed, got.Warnings)
				}
			})
		}
	}
	if ran[true] == 0 || ran[false] == 0 {
		t.Errorf("ran %v", ran)
	}
}

// TestANamespaceIsNotInItself: what the API server names as the namespace of a
// review is that of the object, but for a Namespace.
func TestANamespaceIsNotInItself(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"Namespace": "", "Service": "shop"} {
		object := `{"metadata":{"name":"shop"}}`
		r, err := DecodeReview(review("UPDATE", "", "v1", kind, strings.ToLower(kind)+"s", object, object))
		if err != nil {
			t.Fatal(err)
		}
		current, old, err := r.decode()
		if err != nil {
			t.Fatal(err)
		}
		if current.GetNamespace() != want || old.GetNamespace() != want {
			t.Errorf("%s: in %q, before in %q, want %q", kind, current.GetNamespace(), old.GetNamespace(), want)
		}
	}
}
