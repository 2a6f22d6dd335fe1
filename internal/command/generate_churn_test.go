// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLabelsOfOneReleaseAreTold: B1.19. By which labels pods would be lost with the
// next release is told of the workload, whether policies were written or not.
func TestLabelsOfOneReleaseAreTold(t *testing.T) {
	t.Parallel()
	const app = `apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop, %[2]s}}
    spec: {containers: [{name: c, image: i, ports: [{containerPort: 5432}], env: [{name: DB_URL, value: "%[3]s"}]}]}
---
`
	const db = "apiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: shop}\nspec: {selector: {app: shop, %s}, ports: [{port: 5432}]}\n"
	for name, tc := range map[string]struct {
		web, db string
		code    int
		says    []string
	}{
		"a label that stays": {"part: web", "part: db", ExitClean, []string{"0 problems"}},
		"a value of one release": {"build: 1.27.3", "build: 1.27.4", ExitFindings, []string{
			"problem: Deployment shop/web: policies select its pods by the label build=1.27.3", "problem: Deployment shop/db: policies select its pods by the label build=1.27.4",
		}},
		"a day":     {"part: web", "day: 2026-11-22", ExitFindings, []string{"problem: Deployment shop/db: policies select its pods by the label day=2026-11-22"}},
		"a version": {"version: v1", "version: v2", ExitFault, []string{"Deployment shop/db, Deployment shop/web have the same labels (others change from one pod or release to the next: version)"}},
		"a hash":    {"pod-template-hash: 5d4f", "pod-template-hash: 7c9b", ExitFault, []string{"(others change from one pod or release to the next: pod-template-hash)"}},
		"no label":  {`build: "a b"`, "part: db", ExitFindings, []string{`problem: Deployment shop/web: its pods cannot have the label "build"="a b"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "app.yaml")
			text := fmt.Sprintf(app, "web", tc.web, "postgres://db:5432/x") + fmt.Sprintf(app, "db", tc.db, "") + fmt.Sprintf(db, tc.db)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			code := Run(t.Context(), Environment{Out: &out, Err: &out, Program: "gatehouse", Getenv: os.Getenv, Now: time.Now}, []string{"generate", file, "--dns", "kube-system/k8s-app=kube-dns"})
			if code != tc.code {
				t.Errorf("exit %d, not %d:\n%s", code, tc.code, out.String())
			}
			for _, text := range tc.says {
				if !strings.Contains(out.String(), text) {
					t.Errorf("no word of %q:\n%s", text, out.String())
				}
			}
		})
	}
}
