// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// written are the rows of a table of SECURITY.md, which begins with a line, by
// their first cells. Quotes of code are left out.
func written(t *testing.T, head string, key int) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	_, table, found := strings.Cut(string(file(t, filepath.Join("..", "SECURITY.md"))), head+"\n")
	if !found {
		t.Fatalf("SECURITY.md has no table %q", head)
	}
	for line := range strings.Lines(table) {
		if strings.TrimSpace(line) == "" {
			break
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), "`", "")
		}
		if strings.HasPrefix(cells[0], "---") {
			continue
		}
		if len(cells) <= key || slices.Contains(cells, "") {
			t.Fatalf("SECURITY.md: the row %q lacks a cell", line)
		}
		out[strings.Join(cells[:key], " ")] = cells[key:]
	}
	if len(out) == 0 {
		t.Fatalf("the table %q of SECURITY.md is empty", head)
	}
	return out
}

// TestOurAccountsCanDoNoMoreThanIsWritten is SELF-004: what each account can do in
// the end, with the roles and bindings that the API server and the manifests make
// and with whomever it could become.
func TestOurAccountsCanDoNoMoreThanIsWritten(t *testing.T) {
	cp := install(t)
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	out := kubectl(t, cp, "", "get", "clusterroles,clusterrolebindings,roles,rolebindings,serviceaccounts", "-A", "-o", "json")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	edit := inventory.New().Edit()
	ours := map[string]bool{}
	for _, raw := range list.Items {
		o, _, err := inventory.DecodeAny(raw)
		if err != nil {
			t.Fatal(err)
		}
		edit.Put(inventory.NewEntry(o))
		if k := inventory.KeyOf(o); k.Kind == inventory.ServiceAccountKind && (k.Namespace == installed || k.Namespace == "gatehouse-canary") {
			ours[k.Namespace+"/"+k.Name] = true
		}
	}
	view := authz.Over(edit.Inventory())
	if e := power.Effective(view, authz.User("somebody", authz.Masters)); e.Severity != checks.Critical {
		t.Fatalf("an administrator can do what is %s: the roles were not read", e.Severity)
	}
	limits := written(t, "| account | worst | what it is |", 1)
	for name := range limits {
		if !ours[name] {
			t.Errorf("SECURITY.md lists %s, which the manifests do not make", name)
		}
	}
	for name := range ours {
		namespace, account, _ := strings.Cut(name, "/")
		e := power.Effective(view, authz.ServiceAccount(namespace, account))
		worst := "none"
		if e.Severity != checks.SeverityUnset {
			worst = e.Severity.String()
		}
		row, listed := limits[name]
		switch {
		case !listed:
			t.Errorf("%s can do what is %s (%s), and SECURITY.md does not list it", name, worst, strings.Join(e.Path(), " -> "))
		case row[0] != worst:
			t.Errorf("%s can do what is %s (%s), SECURITY.md says %s", name, worst, strings.Join(e.Path(), " -> "), row[0])
		}
		if e.Everyone || slices.Contains(e.Reaches, "kube-system") {
			t.Errorf("%s can become others: %v", name, e.Reaches)
		}
	}
}
