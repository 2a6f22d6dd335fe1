// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/internal/controller/networkplan"
)

// TestTemplatesOfAMountedConfigMap: a volume of a ConfigMap holds links to a hidden
// folder, and the templates in it can be named beside those that come along.
func TestTemplatesOfAMountedConfigMap(t *testing.T) {
	t.Parallel()
	mounted := t.TempDir()
	own := filepath.Join(mounted, "..2026_11_22", "ledger")
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "policy-templates", "same-namespace", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	renamed := strings.Replace(string(text), "name: same-namespace", "name: ledger", 1)
	if err := os.WriteFile(filepath.Join(own, "template.yaml"), []byte(renamed), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"..data": "..2026_11_22", "ledger": filepath.Join("..data", "ledger")} {
		if err := os.Symlink(to, filepath.Join(mounted, link)); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		args []string
		want string // of the error
	}{
		"none":                {nil, ""},
		"a mounted ConfigMap": {[]string{"--templates", mounted, "--gateway-service", "edge/gw"}, ""},
		"no folder":           {[]string{"--templates", filepath.Join(mounted, "no-such")}, "not a folder"},
		"one name twice":      {[]string{"--templates", mounted, "--templates=" + mounted}, `there is another template "ledger"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var o networkplan.Options
			flags := flag.NewFlagSet("", flag.ContinueOnError)
			folders := followFlags(flags, &o)
			if err := flags.Parse(tc.args); err != nil {
				t.Fatal(err)
			}
			err := folders.load(&o)
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if o.Network.Templates.Template("same-namespace") == nil || (o.Network.Templates.Template("ledger") != nil) != (len(tc.args) > 0) || len(o.Network.Gateways) != len(tc.args)/4 {
				t.Errorf("%d templates, gateways %q", len(o.Network.Templates.Templates()), o.Network.Gateways)
			}
		})
	}
}
