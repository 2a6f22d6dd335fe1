// SPDX-License-Identifier: Apache-2.0

// Package accepted shows that the real API server takes what is converted. It is a package
// of its own because the other tests need no API server.
package accepted

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/gatehouse-sh/gatehouse/internal/command"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// definitions are the Gateway API's, with what is experimental (retries), and ours.
func definitions(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "config/crd/experimental/gateway.networking.k8s.io_*s.yaml"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d definitions: %v", len(files), err)
	}
	for _, kind := range []string{"accesspolicies", "trafficpolicies", "clientpolicies"} {
		files = append(files, "../../../manifests/crd/gatehouse.sh_"+kind+".yaml")
	}
	return files
}

func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, problems, err := controlplane.Get(t).Kubectl(t.Context(), args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, problems)
	}
	return out
}

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := command.Environment{In: strings.NewReader(""), Out: &out, Err: &errs, Program: "gatehouse", Now: time.Now, Getenv: func(string) string { return "" }}
	return command.Run(t.Context(), env, args), out.String(), errs.String()
}

// TestTheAPIServerTakesWhatIsWritten converts every case, as a file and out of a cluster
// that has its objects, and applies what comes out.
func TestTheAPIServerTakesWhatIsWritten(t *testing.T) {
	for _, file := range definitions(t) {
		kubectl(t, "apply", "--server-side", "-f", file)
	}
	kubectl(t, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
	for _, namespace := range []string{"shop", "people", "edge", "back", "calls"} {
		kubectl(t, "create", "namespace", namespace)
	}
	cases, err := filepath.Glob("../testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("there is no case", err)
	}
	for _, file := range cases {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			folder := t.TempDir()
			input, output := filepath.Join(folder, "input.yaml"), filepath.Join(folder, "output.yaml")
			if err := os.WriteFile(input, archive.Files[0].Data, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, more := range [][]string{nil, {"--allow-open"}, {"--gateway", "edge/web", "--certificate", "edge/all"}} {
				code, text, said := run(t, append([]string{"convert", input, "--to", output, "--report", "none"}, more...)...)
				if code == command.ExitFault || text != "" {
					t.Fatalf("%v: %d\n%s%s", more, code, text, said)
				}
				kubectl(t, "apply", "--server-side", "--dry-run=server", "-f", output)
			}
		})
	}
}

// TestAClusterIsConvertedAsItsFilesAre applies Ingresses of a case to a cluster.
func TestAClusterIsConvertedAsItsFilesAre(t *testing.T) {
	archive, err := txtar.ParseFile("../testdata/azure.txtar")
	if err != nil {
		t.Fatal(err)
	}
	input := filepath.Join(t.TempDir(), "input.yaml")
	if err := os.WriteFile(input, []byte(strings.NewReplacer("namespace: shop", "namespace: live", "namespace: back", "namespace: elsewhere").Replace(string(archive.Files[0].Data))), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "create", "namespace", "live")
	kubectl(t, "create", "namespace", "elsewhere")
	kubectl(t, "apply", "-f", input)
	code, live, said := run(t, "convert", "--cluster", "--kubeconfig", controlplane.Get(t).Kubeconfig(), "-n", "live", "--report", "none")
	if code != command.ExitClean {
		t.Fatalf("%d\n%s", code, said)
	}
	if _, files, _ := run(t, "convert", input, "-n", "live", "--report", "none"); files != live {
		t.Errorf("of the cluster\n%s\nof the file\n%s", live, files)
	}
}
