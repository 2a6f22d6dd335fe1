// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/background"
	"github.com/gatehouse-sh/gatehouse/internal/background/openreports"
	"github.com/gatehouse-sh/gatehouse/internal/backstop"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/webhook"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
)

var update = flag.Bool("update", false, "rewrite the golden files in the scripts")

// TestMain lets the scripts run the command line in a process of this binary,
// with a clock that stands still.
func TestMain(m *testing.M) {
	run := func() {
		env := Environment{
			In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Program: os.Args[0], Getenv: os.Getenv,
			Now: func() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) },
		}
		os.Exit(Run(context.Background(), env, os.Args[1:]))
	}
	testscript.Main(m, map[string]func(){"gatehouse": run, "kubectl-gatehouse": run})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	testscript.Run(t, testscript.Params{
		Files:               scripts,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(e *testscript.Env) error {
			// No cluster of the machine that runs the tests is within reach.
			e.Setenv("KUBECONFIG", filepath.Join(e.WorkDir, "no-kubeconfig"))
			e.Setenv("KUBERNETES_SERVICE_HOST", "")
			e.Setenv("NO_COLOR", "")
			return nil
		},
	})
}

// exits runs a program and compares its exit code: exits 2 gatehouse check ...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [argument...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// The command line does not link the webhook, so it repeats these.
func TestNamesAreThoseOfTheWebhook(t *testing.T) {
	t.Parallel()
	if registrationName != registration.Name {
		t.Errorf("uninstall deletes %q, the registration is named %q", registrationName, registration.Name)
	}
	for key, value := range background.ManagedBy() {
		if writtenByScan != key+"="+value {
			t.Errorf("uninstall deletes reports labelled %s, they are labelled %s=%s", writtenByScan, key, value)
		}
	}
	if want := partOf + "," + backstop.ComponentLabel + "=" + backstop.Component; ofBackstop != want {
		t.Errorf("uninstall deletes policies labelled %s, they are labelled %s", ofBackstop, want)
	}
	if reports[0].Group != openreports.Group || reports[0].Version != openreports.Version {
		t.Errorf("uninstall deletes reports of %v, they are of %s/%s", reports[0].GroupVersion(), openreports.Group, openreports.Version)
	}
	if len(systemNamespaces) != len(webhook.SystemNamespaces) {
		t.Fatalf("got %v, want %v", systemNamespaces, webhook.SystemNamespaces)
	}
	for i, ns := range webhook.SystemNamespaces {
		if systemNamespaces[i] != ns {
			t.Errorf("got %q, want %q", systemNamespaces[i], ns)
		}
	}
}

// TestExamplesOfTheDocumentation reads the blocks of docs/cli.md.
func TestExamplesOfTheDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]string{}
	for i, part := range strings.Split(string(text), "```") {
		if kind, body, found := strings.Cut(part, "\n"); i%2 == 1 && found {
			blocks[kind] = body
		}
	}
	if e, err := exempt.Parse([]byte(blocks["yaml"]), set, exempt.Place{Install: installNamespace}); err != nil || len(e.All()) != 1 {
		t.Errorf("the exemption: got %v, %v", e.All(), err)
	}
	if r, err := report.ReadBaseline([]byte(blocks["json"])); err != nil || len(r.Findings) != 1 {
		t.Errorf("the report: got %v, %v", r, err)
	}
	for _, flag := range []string{"output", "fail-on", "baseline", "write-baseline", "checks", "profile", "policy", "exemptions", "respect-labels", "namespace", "live", "quiet", "color"} {
		if !strings.Contains(string(text), "`--"+flag) {
			t.Errorf("--%s is not documented", flag)
		}
	}
}

// TestThePageOfExemptions reads every example of docs/exemptions.md, and runs the
// commands on its console with the exemptions that it shows.
func TestThePageOfExemptions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/exemptions.md")
	if err != nil {
		t.Fatal(err)
	}
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	var exemptions, console []string
	policies := 0
	for i, part := range strings.Split(string(text), "```") {
		kind, body, _ := strings.Cut(part, "\n")
		switch {
		case i%2 == 0:
		case kind == "yaml" && strings.Contains(body, "kind: Exemption"):
			exemptions = append(exemptions, body)
		case kind == "yaml":
			if _, err := policy.Load(set, "docs/exemptions.md", strings.NewReader(body)); err != nil {
				t.Error(err)
			}
			policies++
		case kind == "console":
			console = append(console, strings.Split(body, "$ ")[1:]...)
		default:
			t.Errorf("a block of kind %q is not tested", kind)
		}
	}
	if len(exemptions) != 2 || policies == 0 || len(console) == 0 {
		t.Fatalf("%d exemptions, %d policies, %d commands", len(exemptions), policies, len(console))
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "exemptions.yaml"), []byte(strings.Join(exemptions, "---\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, block := range console {
		line, want, _ := strings.Cut(block, "\n")
		args := strings.Fields(strings.ReplaceAll(line, "exemptions.yaml", filepath.Join(dir, "exemptions.yaml")))[1:]
		var out, errOut bytes.Buffer
		env := Environment{Out: &out, Err: &errOut, Program: "gatehouse", Getenv: os.Getenv, Now: func() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }}
		if code := Run(t.Context(), env, args); code != ExitClean {
			t.Errorf("%s: exit %d: %s", line, code, errOut.String())
		}
		if diff := cmp.Diff(want, strings.ReplaceAll(out.String(), dir+string(filepath.Separator), "")); diff != "" {
			t.Errorf("%s (want -, got +):\n%s", line, diff)
		}
	}
}

// TestThePageOfRBAC runs the commands on the console of docs/rbac.md over the
// objects that it shows.
func TestThePageOfRBAC(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/rbac.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	event := `{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"ResponseComplete","verb":"%s","user":{"username":"system:serviceaccount:build:ci"},` +
		`"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"ops"%s},"responseStatus":{"code":200}}` + "\n"
	files := map[string]string{"audit.log": fmt.Sprintf(event, "list", "") + fmt.Sprintf(event, "patch", `,"name":"shop"`)}
	var console []string
	for i, part := range strings.Split(string(text), "```") {
		if kind, body, _ := strings.Cut(part, "\n"); i%2 == 1 && kind == "yaml" {
			files["rbac.yaml"] += body
		} else if i%2 == 1 {
			console = append(console, strings.Split(body, "$ ")[1:]...)
		}
	}
	for name, body := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(console) == 0 {
		t.Fatal("no commands")
	}
	for _, block := range console {
		line, want, _ := strings.Cut(block, "\n")
		args := strings.Fields(strings.NewReplacer("rbac.yaml", filepath.Join(dir, "rbac.yaml"), "audit.log", filepath.Join(dir, "audit.log")).Replace(line))[1:]
		var out, errOut bytes.Buffer
		if code := Run(t.Context(), Environment{Out: &out, Err: &errOut, Program: "gatehouse", Getenv: os.Getenv, Now: time.Now}, args); code != ExitClean {
			t.Errorf("%s: exit %d: %s", line, code, errOut.String())
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("%s (want -, got +):\n%s", line, diff)
		}
	}
}

func TestProgramName(t *testing.T) {
	t.Parallel()
	for argv0, want := range map[string]string{
		"/usr/local/bin/gatehouse":         "gatehouse",
		"/usr/local/bin/kubectl-gatehouse": "kubectl gatehouse",
		"kubectl-gatehouse.exe":            "kubectl gatehouse",
		"command.test":                     "gatehouse",
		"":                                 "gatehouse",
	} {
		if got := programName(argv0); got != want {
			t.Errorf("%q: got %q, want %q", argv0, got, want)
		}
	}
}
