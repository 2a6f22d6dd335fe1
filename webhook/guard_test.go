// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestNobodyTakesANamespaceOutOfAdmission(t *testing.T) {
	t.Parallel()
	ns := func(labels, annotations string) string {
		return fmt.Sprintf(`{"metadata":{"name":"shop","labels":{%s},"annotations":{%s}}}`, labels, annotations)
	}
	const (
		enforce = `"gatehouse.sh/admission":"enforce"`
		warn    = `"gatehouse.sh/admission":"warn"`
		strict  = `,"gatehouse.sh/profile":"strict"`
		reason  = `"gatehouse.sh/opt-out-reason":"incident 7"`
	)
	for name, tc := range map[string]struct {
		old, object string
		group       string
		allowed     bool
		says        string
	}{
		"removing the label":                  {ns(enforce, ""), ns("", ""), "dev", false, "SELF-001"},
		"weakening it":                        {ns(enforce, ""), ns(warn, ""), "dev", false, "SELF-001"},
		"dropping the strict profile":         {ns(enforce+strict, ""), ns(enforce, ""), "dev", false, "SELF-001"},
		"opting in":                           {ns("", ""), ns(enforce, ""), "dev", true, ""},
		"tightening":                          {ns(warn, ""), ns(enforce, ""), "dev", true, ""},
		"changing another label":              {ns(enforce, ""), ns(enforce+`,"team":"a"`, ""), "dev", true, ""},
		"a typing mistake still enforces":     {ns(enforce, ""), ns(`"gatehouse.sh/admission":"enforced"`, ""), "dev", true, ""},
		"a privileged group without a reason": {ns(enforce, ""), ns("", ""), "system:masters", false, "opt-out-reason"},
		"a privileged group with a reason":    {ns(enforce, ""), ns("", reason), "system:masters", true, ""},
		"a reason that writes on terminals":   {ns(enforce, ""), ns("", `"gatehouse.sh/opt-out-reason":"a\u001b[2J\nb"`), "system:masters", true, ""},
		"a reason without the group":          {ns(enforce, ""), ns("", reason), "dev", false, "SELF-001"},
		"an object that cannot be decoded":    {ns(enforce, ""), `{"metadata":{"labels":7}}`, "system:masters", false, "cannot judge"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.ReplaceAll(string(review("UPDATE", "", "v1", "Namespace", "namespaces", tc.object, tc.old)), `"groups":["dev"]`, `"groups":["`+tc.group+`"]`)
			g := Guard{Engine: engine(t), Groups: []string{"system:masters"}}
			_, got := handler(t, g).answer(t.Context(), []byte(body))
			if got.Allowed != tc.allowed || !strings.Contains(got.Message, tc.says) {
				t.Errorf("allowed %v: %s", got.Allowed, got.Message)
			}
			if said := strings.Join(got.Warnings, ""); strings.ContainsAny(said, "\x1b\n") {
				t.Errorf("a control character in %q", said)
			}
		})
	}
}

// TestOptingInTellsWhatIsThere shows that opting in is allowed and says what
// breaks the rules already, that raising the profile does, and that a namespace
// in order hears nothing.
func TestOptingInTellsWhatIsThere(t *testing.T) {
	t.Parallel()
	bad, err := inventory.Decode(schema.GroupVersionKind{Version: "v1", Kind: "Service"}, []byte(nodePort))
	if err != nil {
		t.Fatal(err)
	}
	good, err := inventory.Decode(schema.GroupVersionKind{Version: "v1", Kind: "Service"}, []byte(clusterIP))
	if err != nil {
		t.Fatal(err)
	}
	before, after := `{"metadata":{"name":"shop"}}`, `{"metadata":{"name":"shop","labels":{"gatehouse.sh/admission":"enforce"}}}`
	for name, tc := range map[string]struct {
		there     inventory.Object
		old, now  string
		says      string
		wantLines int
	}{
		"a node port is there": {bad, before, after, "1 of 1 objects in namespace shop break rules that gatehouse.sh/admission=enforce is about: EXP-001 once", 1},
		"nothing bad is there": {good, before, after, "", 0},
		"nothing changes":      {bad, after, after, "", 0},
		"a label with a typo":  {good, before, strings.Replace(after, "enforce", "enforec", 1), `"enforec", not one of`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := Guard{Engine: engine(t, tc.there)}
			_, got := handler(t, g).answer(t.Context(), review("UPDATE", "", "v1", "Namespace", "namespaces", tc.now, tc.old))
			if !got.Allowed || len(got.Warnings) != tc.wantLines || !strings.Contains(strings.Join(got.Warnings, ""), tc.says) {
				t.Errorf("allowed %v, warnings %q", got.Allowed, got.Warnings)
			}
		})
	}
}
