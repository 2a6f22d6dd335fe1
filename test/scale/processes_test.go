// SPDX-License-Identifier: Apache-2.0

package scale

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/program"
	"github.com/gatehouse-sh/gatehouse/test/registered"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
)

// processes is a cluster whose programs are processes of this machine: no node, no
// scheduler, no controllers but ours.
type processes struct {
	*controlplane.ControlPlane
	metrics string // address of the webhook's
	running map[string]*program.Process
}

func newProcesses(t *testing.T) *processes {
	t.Helper()
	cp, err := controlplane.Start(t.Context(), controlplane.Options{Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	p := &processes{cp, program.Free(t), map[string]*program.Process{}}
	must(t, p, "", "apply", "--server-side", "-k", "../../manifests/crd")
	must(t, p, "", "wait", "--for=condition=Established", "--timeout=120s", "crd", "--all")
	port, probes := program.Free(t), program.Free(t)
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	must(t, p, registered.Documents(t, set, registration.Options{Namespace: own, Service: webhookName, URL: "https://" + port}), "apply", "-f", "-")
	_, number, _ := strings.Cut(port, ":")
	p.run(t, webhookName, probes, "--host=127.0.0.1", "--port="+number, "--metrics="+p.metrics, "--names=127.0.0.1")
	return p
}

// run starts a program and waits until it says that it is ready.
func (p *processes) run(t *testing.T, name, probes string, args ...string) {
	t.Helper()
	process := start(t, p, build(t, name), append(args, "--probes="+probes)...)
	p.running[name] = process
	controlplane.Eventually(t, patience, "the program is ready", func() error {
		select {
		case <-process.Over():
			t.Fatalf("it ended: %s", process.Said())
		default:
		}
		_, err := get(t.Context(), "http://"+probes+"/readyz")
		return err
	})
}

func (p *processes) control(t *testing.T) {
	p.run(t, controllerName, program.Free(t), "--metrics=0", "--canary-namespace=")
}

func (p *processes) written(t *testing.T) string { return p.ask(t, p.Etcd()+"/metrics") }

func (p *processes) reviews(t *testing.T) string { return p.ask(t, "http://"+p.metrics+"/metrics") }

func (*processes) ask(t *testing.T, url string) string {
	t.Helper()
	text, err := get(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *processes) peak(t *testing.T, name string) int {
	t.Helper()
	return program.Peak(t, p.running[name].Pid())
}

func (*processes) objects() (first, rest []client.Object) { return objects(replicas) }

func (*processes) kwok() []string { return []string{"--manage-all-nodes=true"} }

func (*processes) keepsNodes() bool { return false }

// build builds a program as the Makefile does.
func build(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-tags", "grpcnotrace,kustomize_disable_go_plugin_support", "-ldflags", "-s -w", "-o", file, "./cmd/"+name)
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}
