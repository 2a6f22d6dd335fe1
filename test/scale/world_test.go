// SPDX-License-Identifier: Apache-2.0

package scale

import (
	"context"
	"fmt"
	"io"
	"net/http"
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
	"github.com/gatehouse-sh/gatehouse/test/program"
)

// own is the namespace of the programs.
const own = "gatehouse-system"

// patience is for what has no limit of its own.
const patience = 20 * time.Minute

// site is where the API server and our programs run.
type site interface {
	// Kubeconfig is the file of an administrator.
	Kubeconfig() string
	// RESTConfig is the same as a configuration, which the caller may change.
	RESTConfig() *rest.Config
	// KubectlInput runs kubectl as the administrator.
	KubectlInput(ctx context.Context, stdin io.Reader, args ...string) (stdout, stderr string, err error)
	// written is what etcd says of itself, in Prometheus' format.
	written(t *testing.T) string
	// reviews is the same of the webhook's replicas, one after the other.
	reviews(t *testing.T) string
	// peak is how many KiB the program has held at most, of several replicas the one that held most.
	peak(t *testing.T, program string) int
	// control starts the controller, and returns when it is ready.
	control(t *testing.T)
	// objects are those of the cluster: what everything else is in, and the rest.
	objects() (first, rest []client.Object)
	// kwok are flags of kwok: which nodes are its own.
	kwok() []string
	// keepsNodes tells that nodes need their kwok after their Pods run.
	keepsNodes() bool
}

// world is the cluster.
type world struct {
	site
	api client.Client
}

func newWorld(t *testing.T, s site) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	config := s.RESTConfig()
	config.QPS, config.WarningHandler = -1, rest.NoWarnings{}
	api, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return &world{s, api}
}

// must is kubectl that succeeds.
func must(t *testing.T, s site, stdin string, args ...string) string {
	t.Helper()
	out, errOut, err := s.KubectlInput(t.Context(), strings.NewReader(stdin), args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, out, errOut)
	}
	return out
}

// start runs a program of this project, or kwok, as an administrator of the cluster. It
// finds no settings in the home folder.
func start(t *testing.T, s site, name string, args ...string) *program.Process {
	t.Helper()
	return program.Start(t, "", syscall.SIGTERM, "env", append([]string{"KUBECONFIG=" + s.Kubeconfig(), "HOME=" + t.TempDir(), name}, args...)...)
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
	const name = "\netcd_mvcc_put_bytes "
	_, after, found := strings.Cut(strings.Replace(w.written(t), "\netcd_debugging_mvcc_total_put_size_in_bytes ", name, 1), name)
	number, _, _ := strings.Cut(after, "\n")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !found || err != nil {
		t.Fatalf("etcd does not say how much it was given: %v", err)
	}
	return n
}
