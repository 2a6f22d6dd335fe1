// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"strings"
	"testing"
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
		})
	}
}
