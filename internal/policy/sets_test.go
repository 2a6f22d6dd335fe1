// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// testCheck is a check that reports one finding of its own severity.
func testCheck(id, name string, s checks.Severity, a checks.Actions) checks.Check {
	return checks.Check{
		ID: id, Name: name, Severity: s, Actions: a, Kinds: []schema.GroupKind{inventory.ServiceKind},
		Doc: checks.Doc{Title: "t", Why: "w", Attack: "a", Fix: "f", Sources: []string{"https://example.com"}},
		Run: func(checks.Input) []checks.Finding { return []checks.Finding{{Subject: "s"}} },
	}
}

// testSet holds one check of each kind that matters to a policy.
func testSet(t testing.TB) *checks.Set {
	t.Helper()
	set, err := checks.NewSet(
		testCheck("TST-001", "deny-always", checks.Critical, checks.Actions{}),
		testCheck("TST-002", "warn-then-deny", checks.Medium, checks.Actions{Baseline: checks.Warn, Strict: checks.Deny}),
		testCheck("TST-003", "only-strict", checks.Medium, checks.Actions{Baseline: checks.Ignore, Strict: checks.Warn}),
		testCheck("TST-004", "record", checks.Low, checks.Actions{Baseline: checks.Audit, Strict: checks.Audit}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// compiled parses what stands below spec and compiles it.
func compiled(t testing.TB, set *checks.Set, spec string) *Policy {
	t.Helper()
	p, err := Compile(set, parsed(t, spec))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parsed(t testing.TB, spec string) *v1alpha1.CheckPolicySpec {
	t.Helper()
	doc, err := onlyDocument([]byte(spec))
	if err != nil {
		t.Fatal(err)
	}
	out := &v1alpha1.CheckPolicySpec{}
	if err := decode(doc, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func service() *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
}
