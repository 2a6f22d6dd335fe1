// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/command"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// check runs the command on the documents of a case and keeps what it says
// about the object.
func check(t *testing.T, fc fixture.Case) said {
	t.Helper()
	docs := string(fc.Section("context.yaml")) + "\n---\n" + string(fc.Section("object.yaml"))
	args := []string{"check", "-", "--output", "json", "--fail-on", "never"}
	if doc, has := ownPolicy(t, fc); has {
		path := filepath.Join(t.TempDir(), "policy.yaml")
		writeFile(t, path, doc)
		args = append(args, "--policy", path)
	}
	var out, errOut bytes.Buffer
	env := command.Environment{In: strings.NewReader(docs), Out: &out, Err: &errOut, Program: "gatehouse", Getenv: func(string) string { return "" }, Now: time.Now}
	if code := command.Run(t.Context(), env, args); code != 0 {
		t.Fatalf("%s/%s: exit %d: %s", fc.Check, fc.Name, code, errOut.String())
	}
	var r report.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%s/%s: %v\n%s", fc.Check, fc.Name, err, out.String())
	}
	key := inventory.KeyOf(fc.Object)
	got := said{}
	for _, f := range r.Findings {
		if f.Object.Kind != key.Kind.Kind || f.Object.Namespace != key.Namespace || f.Object.Name != key.Name {
			continue
		}
		action, known := checks.ParseAction(f.Action)
		if !known {
			t.Fatalf("action %q", f.Action)
		}
		if had, seen := got[f.Check]; action <= checks.Warn && (!seen || action < had) {
			got[f.Check] = action
		}
	}
	return got
}
