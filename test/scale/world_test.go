// SPDX-License-Identifier: Apache-2.0

package scale

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/program"
	"github.com/gatehouse-sh/gatehouse/test/registered"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
)

// own is the namespace that the programs believe they run in.
const own = "gatehouse-system"

// patience is for what has no limit of its own.
const patience = 10 * time.Minute

// world is the cluster.
type world struct {
	*controlplane.ControlPlane
	api client.Client
}

func newWorld(t *testing.T) *world {
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
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	config := cp.RESTConfig()
	config.QPS, config.WarningHandler = -1, rest.NoWarnings{}
	api, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{cp, api}
	w.must(t, "", "apply", "--server-side", "-k", "../../manifests/crd")
	w.must(t, "", "wait", "--for=condition=Established", "--timeout=120s", "crd", "--all")
	return w
}

func (w *world) must(t *testing.T, stdin string, args ...string) {
	t.Helper()
	if out, errOut, err := w.KubectlInput(t.Context(), strings.NewReader(stdin), args...); err != nil {
		t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, out, errOut)
	}
}

// start runs a program of this project, or kwok, as an administrator of the cluster. It
// finds no settings in the home folder.
func (w *world) start(t *testing.T, name string, args ...string) *program.Process {
	t.Helper()
	return program.Start(t, "", syscall.SIGTERM, "env", append([]string{"KUBECONFIG=" + w.Kubeconfig(), "HOME=" + t.TempDir(), name}, args...)...)
}

// stages are the flags that tell kwok what becomes of nodes and Pods: they are ready, and
// run, at once.
func stages(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok")
	cmd.Dir = "kwok"
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var flags []string
	for _, of := range []string{"node", "pod"} {
		files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "kustomize", "stage", of, "fast", of+"-*.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("kwok has no stages of a %s: %v", of, err)
		}
		for _, file := range files {
			flags = append(flags, "--config="+file)
		}
	}
	return flags
}

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

// register tells the API server of a webhook.
func (w *world) register(t *testing.T, url string) {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	w.must(t, registered.Documents(t, set, registration.Options{Namespace: own, Service: "gatehouse-webhook", URL: url}), "apply", "-f", "-")
}

// ready waits until a program says that it is.
func ready(t *testing.T, p *program.Process, probes string) {
	t.Helper()
	controlplane.Eventually(t, patience, "the program is ready", func() error {
		select {
		case <-p.Over():
			t.Fatalf("it ended: %s", p.Said())
		default:
		}
		_, err := get(t.Context(), "http://"+probes+"/readyz")
		return err
	})
}

// get reads what a program answers.
func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %s", url, res.StatusCode, text)
	}
	return string(text), err
}

// put is how many bytes of keys and values etcd was given so far.
func (w *world) put(t *testing.T) float64 {
	t.Helper()
	text, err := get(t.Context(), w.Etcd()+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	const name = "\netcd_mvcc_put_bytes "
	_, after, found := strings.Cut(strings.Replace(text, "\netcd_debugging_mvcc_total_put_size_in_bytes ", name, 1), name)
	number, _, _ := strings.Cut(after, "\n")
	n, err := strconv.ParseFloat(number, 64)
	if !found || err != nil {
		t.Fatalf("etcd does not say how much it was given: %v", err)
	}
	return n
}
