// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// approving is an engine at noon whose policy names approvers.
func approving(t *testing.T, groups ...v1alpha1.UserGroup) Engine {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Compile(set, &v1alpha1.CheckPolicySpec{Exemptions: v1alpha1.ExemptionRules{Approvers: groups, MaxDuration: &metav1.Duration{Duration: 48 * time.Hour}}})
	if err != nil {
		t.Fatal(err)
	}
	e := engine(t)
	e.Policy, e.Clock = func() *policy.Policy { return p }, func() time.Time { return noon }
	return e
}

const exemption = `{"apiVersion":"gatehouse.sh/v1alpha1","kind":"Exemption","metadata":{"name":"e","namespace":"NS"},"spec":{` +
	`"checks":["node-port"],"objects":[{"kinds":["Service"]}],"reason":"r","owner":"o","expiresAt":"2026-11-02T12:00:00Z"}}`

// TestWhoMayWriteAnExemption is SELF-002, in pairs.
func TestWhoMayWriteAnExemption(t *testing.T) {
	t.Parallel()
	change := func(old, replacement string) string { return strings.ReplaceAll(exemption, old, replacement) }
	for name, tc := range map[string]struct {
		namespace, object, old string
		groups                 []v1alpha1.UserGroup
		group                  string
		allowed                bool
		says                   string
	}{
		"an approver may":                          {"shop", exemption, "", []v1alpha1.UserGroup{"security"}, "security", true, ""},
		"another may not":                          {"shop", exemption, "", []v1alpha1.UserGroup{"security"}, "dev", false, "SELF-002 exemption: an Exemption in namespace shop needs approval, which ann may not give"},
		"a group with a longer name may not":       {"shop", exemption, "", []v1alpha1.UserGroup{"security"}, "security2", false, "SELF-002"},
		"nobody may while no group is named":       {"shop", exemption, "", nil, "system:masters", false, "names nobody who may give it"},
		"anybody may in our namespace":             {"gatehouse-system", exemption, "", nil, "dev", true, ""},
		"an update of the spec needs approval":     {"shop", change(`"r"`, `"s"`), exemption, []v1alpha1.UserGroup{"security"}, "dev", false, "SELF-002"},
		"an approver may update":                   {"shop", change(`"r"`, `"s"`), exemption, []v1alpha1.UserGroup{"security"}, "security", true, ""},
		"an update of labels needs none":           {"shop", change(`"name":"e"`, `"name":"e","labels":{"a":"b"}`), exemption, []v1alpha1.UserGroup{"security"}, "dev", true, ""},
		"an object that says it is elsewhere":      {"shop", change("NS", "gatehouse-system"), "", []v1alpha1.UserGroup{"security"}, "dev", false, "SELF-002"},
		"about another namespace":                  {"shop", change(`"kinds":["Service"]`, `"namespaces":["bank"]`), "", []v1alpha1.UserGroup{"security"}, "security", false, "cannot be about others"},
		"about its own":                            {"shop", change(`"kinds":["Service"]`, `"namespaces":["shop"]`), "", []v1alpha1.UserGroup{"security"}, "security", true, ""},
		"about any, in our namespace":              {"gatehouse-system", change(`"kinds":["Service"]`, `"namespaces":["*"]`), "", nil, "dev", true, ""},
		"an unknown check":                         {"gatehouse-system", change("node-port", "no-such-check"), "", nil, "dev", false, "no-such-check"},
		"one that ends too late":                   {"gatehouse-system", change("2026-11-02T12:00:00Z", "2026-11-03T12:00:01Z"), "", nil, "dev", false, "set it to 2026-11-03 12:00 UTC at the latest"},
		"one that ends as late as it may":          {"gatehouse-system", change("2026-11-02T12:00:00Z", "2026-11-03T12:00:00Z"), "", nil, "dev", true, ""},
		"one that has ended is no harm":            {"gatehouse-system", change("2026-11-02T12:00:00Z", "2026-11-01T12:00:00Z"), "", nil, "dev", true, ""},
		"one whose name is generated":              {"gatehouse-system", change(`"name":"e"`, `"generateName":"e-"`), "", nil, "dev", true, ""},
		"one that cannot be decoded":               {"gatehouse-system", change(`["node-port"]`, `7`), "", nil, "dev", false, "cannot judge"},
		"an older self that cannot be decoded":     {"shop", exemption, change(`["node-port"]`, `7`), []v1alpha1.UserGroup{"security"}, "dev", false, "SELF-002"},
		"a name that would move a cursor is plain": {"gatehouse-system", change(`"node-port"`, `"\u001b[2J"`), "", nil, "dev", false, "SELF-002"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			operation := "CREATE"
			if tc.old != "" {
				operation = "UPDATE"
			}
			body := string(review(operation, "gatehouse.sh", "v1alpha1", "Exemption", "exemptions", strings.ReplaceAll(tc.object, "NS", tc.namespace), strings.ReplaceAll(tc.old, "NS", tc.namespace)))
			body = strings.ReplaceAll(body, `"groups":["dev"]`, fmt.Sprintf(`"groups":[%q]`, tc.group))
			body = strings.ReplaceAll(body, `"namespace":"shop","operation"`, fmt.Sprintf(`"namespace":%q,"operation"`, tc.namespace))
			r, got := handler(t, ExemptionGuard{approving(t, tc.groups...)}).answer(t.Context(), []byte(body))
			if r.Namespace != tc.namespace {
				t.Fatalf("the review is about namespace %q", r.Namespace)
			}
			if got.Allowed != tc.allowed || !strings.Contains(got.Message, tc.says) {
				t.Errorf("allowed %v: %s", got.Allowed, got.Message)
			}
			if strings.ContainsAny(got.Message+strings.Join(got.Warnings, ""), "\x1b") {
				t.Errorf("a control character in %q", got.Message)
			}
		})
	}
}

// TestAnExemptFindingIsRecorded: it refuses nothing, warns of nothing, and stands
// in the audit annotation with the name of the exemption; from its end on it is
// refused.
func TestAnExemptFindingIsRecorded(t *testing.T) {
	t.Parallel()
	set := exempt.NewSet(exempt.Exemption{
		Namespace: "gatehouse-system", Name: "appliance", Reach: exempt.Everywhere, Checks: []string{"EXP-001"},
		Objects: []exempt.Selector{{Kinds: []string{"Service"}, Names: []string{"web"}}}, ExpiresAt: noon,
	})
	for name, tc := range map[string]struct {
		at      time.Time
		allowed bool
		audit   string
	}{
		"before its end": {noon.Add(-1), true, "audit EXP-001 type (exemption gatehouse-system/appliance)"},
		"at its end":     {noon, false, "deny EXP-001 type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := engine(t)
			e.Exemptions, e.Clock = func() *exempt.Set { return set }, func() time.Time { return tc.at }
			_, got := handler(t, Validator{e}).answer(t.Context(), review("CREATE", "", "v1", "Service", "services", nodePort, ""))
			if got.Allowed != tc.allowed || !strings.Contains(got.Annotations["findings"], tc.audit) {
				t.Errorf("allowed %v, audit %q: %s", got.Allowed, got.Annotations["findings"], got.Message)
			}
			for _, w := range got.Warnings {
				if strings.Contains(w, "EXP-001") {
					t.Errorf("warned: %s", w)
				}
			}
		})
	}
}
