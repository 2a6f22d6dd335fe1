// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/internal/report"
)

// hostile is a name that Kubernetes takes: an escape sequence, a line break
// before a manifest, a mark that turns the writing, a control character of the
// second table, a character beyond four digits.
const hostile = "x\x1b]0;t\x07\r\n---\nkind: ClusterRoleBinding\n\u202e\u200b\u009b31m\x7f\U000e0001"

// hostileFiles writes a role, a binding and an audit log full of hostile names.
func hostileFiles(t *testing.T) (manifests, log string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, objects ...any) string {
		var text bytes.Buffer
		for _, o := range objects {
			var one bytes.Buffer
			if err := report.EncodeJSON(&one, o); err != nil {
				t.Fatal(err)
			}
			// One line each, as in an audit log.
			if err := json.Compact(&text, one.Bytes()); err != nil {
				t.Fatal(err)
			}
			text.WriteByte('\n')
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	version := rbacv1.SchemeGroupVersion.String()
	manifests = write("rbac.json", map[string]any{"apiVersion": "v1", "kind": "List", "items": []any{
		&rbacv1.ClusterRole{
			TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "ClusterRole"}, ObjectMeta: metav1.ObjectMeta{Name: hostile},
			Rules: []rbacv1.PolicyRule{
				{Verbs: []string{"get", hostile}, APIGroups: []string{"", hostile}, Resources: []string{"secrets", hostile}},
				{Verbs: []string{"get"}, NonResourceURLs: []string{"/" + hostile}},
			},
		},
		&rbacv1.ClusterRoleBinding{
			TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "ClusterRoleBinding"}, ObjectMeta: metav1.ObjectMeta{Name: hostile},
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: hostile},
			Subjects: []rbacv1.Subject{
				{APIGroup: rbacv1.GroupName, Kind: "User", Name: hostile},
				{Kind: "ServiceAccount", Namespace: "shop", Name: hostile},
			},
		},
		&rbacv1.ClusterRoleBinding{
			TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: "ClusterRoleBinding"}, ObjectMeta: metav1.ObjectMeta{Name: hostile + "gone"},
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: hostile + "gone"},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: hostile}},
		},
	}})
	event := func(kind string) map[string]any {
		return map[string]any{
			"kind": kind, "apiVersion": "audit.k8s.io/v1", "stage": "ResponseComplete", "verb": "get",
			"user": map[string]any{"username": hostile}, "responseStatus": map[string]any{"code": 200},
			"objectRef": map[string]any{"resource": "secrets", "namespace": hostile, "name": hostile},
		}
	}
	return manifests, write("audit.log", event("Event"), event(hostile))
}

func TestHostileNamesReachNoTerminal(t *testing.T) {
	t.Parallel()
	manifests, log := hostileFiles(t)
	user := "user:" + hostile
	for name, args := range map[string][]string{
		"who can":            {"who-can", "get", "secrets", "-f", manifests},
		"who can, as JSON":   {"who-can", "get", "secrets", "-f", manifests, "-o", "json"},
		"who can, as YAML":   {"who-can", "get", "secrets", "-f", manifests, "-o", "yaml"},
		"nobody can":         {"who-can", hostile, "nodes/" + hostile, "-f", manifests},
		"an odd resource":    {"who-can", "get", hostile, "-f", manifests},
		"can":                {"can", user, "-f", manifests},
		"can, as YAML":       {"can", user, "-f", manifests, "-o", "yaml"},
		"can do":             {"can", user, "get", "secrets", "-f", manifests},
		"can not do":         {"can", user, "get", "nodes", hostile, "-f", manifests},
		"can nothing":        {"can", user + "else", "-f", manifests},
		"paths":              {"paths", "-f", manifests},
		"paths of one":       {"paths", user, "-f", manifests},
		"paths, as JSON":     {"paths", user, "-f", manifests, "-o", "json"},
		"no paths":           {"paths", user + "else", "-f", manifests},
		"an odd subject":     {"paths", hostile, "-f", manifests},
		"an odd file":        {"paths", "-f", hostile},
		"an odd log":         {"suggest", "--audit-log", "\u009b31m"},
		"a graph":            {"graph", "-f", manifests},
		"a graph in DOT":     {"graph", "-f", manifests, "-o", "dot"},
		"a graph in Mermaid": {"graph", "-f", manifests, "-o", "mermaid"},
		"a snapshot":         {"snapshot", "-f", manifests},
		"a suggestion":       {"suggest", "--audit-log", log, "--all", "-f", manifests, "--names", "3"},
		"one, as JSON":       {"suggest", "--audit-log", log, "--all", "-f", manifests, "-o", "json"},
		"one of nobody":      {"suggest", "--audit-log", log, user + "else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, errOut := runRBAC(t, args...)
			if refused := strings.Contains(name, "odd") || name == "one of nobody"; refused != (out == "") {
				t.Fatalf("written is %q and %q", out, errOut)
			}
			for _, text := range []string{out, errOut} {
				if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }); i >= 0 {
					t.Errorf("a hidden character at %d of\n%q", i, text)
				}
				if strings.Contains(text, "\nkind: ClusterRoleBinding\n\\") || strings.Contains(text, "\n---\nkind") {
					t.Errorf("a name forges a line of\n%s", text)
				}
			}
		})
	}
}

func runRBAC(t *testing.T, args ...string) (out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	Run(t.Context(), Environment{Out: &o, Err: &e, Program: "gatehouse", Getenv: func(string) string { return "" }, Now: time.Now}, append([]string{"rbac"}, args...))
	return o.String(), e.String()
}

func TestADiffOfHostileNamesIsVisible(t *testing.T) {
	t.Parallel()
	manifests, _ := hostileFiles(t)
	taken, errOut := runRBAC(t, "snapshot", "-f", manifests)
	if taken == "" {
		t.Fatal(errOut)
	}
	dir := t.TempDir()
	full, empty := filepath.Join(dir, "full.json"), filepath.Join(dir, "empty.json")
	for path, text := range map[string]string{
		full:  taken,
		empty: `{"apiVersion":"gatehouse.sh/v1alpha1","kind":"RBACSnapshot","roles":[],"bindings":[],"serviceAccounts":[]}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, errOut := runRBAC(t, "diff", empty, full)
	if !strings.Contains(out, "granted") || strings.ContainsFunc(out+errOut, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }) {
		t.Errorf("got %q and %q", out, errOut)
	}
	same, errOut := runRBAC(t, "diff", full, full)
	if same != "Nothing has changed.\n" || !strings.HasPrefix(errOut, "note: ClusterRole x") || strings.Count(errOut, "\n") != 1 {
		t.Errorf("the snapshot does not say what it was taken of: %s%s", same, errOut)
	}
}

func TestPathsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	manifests, _ := hostileFiles(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errOut bytes.Buffer
	code := Run(ctx, Environment{Out: &out, Err: &errOut, Program: "gatehouse", Getenv: func(string) string { return "" }, Now: time.Now}, []string{"rbac", "paths", "-f", manifests})
	if code == ExitClean || out.Len() > 0 {
		t.Errorf("exit %d with %q", code, out.String())
	}
}
