// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGenerateForTheExampleApplications: each plan is proved, what is written is
// exactly what is wanted, and the one application whose addresses are in code is
// told that its policies would break it.
func TestGenerateForTheExampleApplications(t *testing.T) {
	t.Parallel()
	const apps = "../../test/fixtures/apps"
	surroundings := []string{
		"--gateway", "edge/app=proxy", "--gateway-class", "nginx,gatehouse", "--api-server", "192.0.2.1", "--node-cidr", "192.0.2.0/28",
		"--monitoring", "observability/app=prometheus", "--domains", "external",
	}
	for app, tc := range map[string]struct {
		code int
		says string
	}{
		"boutique":   {ExitClean, "and nothing else; 0 problems"},
		"socks":      {ExitFindings, "no manifest says who connects to"},
		"monitoring": {ExitFindings, "Service monitoring/grafana"},
		"records":    {ExitFindings, "comes from Secret records/admin, which was not given"},
		"stream":     {ExitFindings, "Service stream/rest-proxy"},
		"platform":   {ExitFindings, "and nothing else; "},
	} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			policies := filepath.Join(t.TempDir(), "policies.yaml")
			run := func(args ...string) (int, string) {
				var out bytes.Buffer
				code := Run(t.Context(), Environment{Out: &out, Err: &out, Program: "gatehouse", Getenv: os.Getenv, Now: time.Now}, append(args, surroundings...))
				return code, out.String()
			}
			code, said := run("generate", filepath.Join(apps, app), "--to", policies)
			if code != tc.code || !strings.Contains(said, tc.says) {
				t.Errorf("exit %d, want %d and %q:\n%s", code, tc.code, tc.says, said)
			}
			if code, said := run("network", "verify", policies, "--against", filepath.Join(apps, app)); code != ExitClean {
				t.Errorf("verify: exit %d:\n%s", code, said)
			}
		})
	}
}
