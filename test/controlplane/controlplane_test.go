// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

func TestMain(m *testing.M) {
	if os.Getenv(crashVariable) != "" {
		startAndHang()
	}
	Main(m)
}

func TestSharedControlPlaneIsTheSameForEveryTest(t *testing.T) {
	first, second := Get(t), Get(t)
	if first != second {
		t.Error("two calls of Get returned two control planes")
	}
}

func TestGetWithoutMainIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := new(lazy).get(); err == nil || !strings.Contains(err.Error(), "TestMain") {
		t.Errorf("got error %v, want one that names TestMain", err)
	}
}

func TestClientAndKubectlSeeTheSameObjects(t *testing.T) {
	cp := Get(t)
	clients := kubernetes.NewForConfigOrDie(cp.RESTConfig())
	namespace := newNamespace(t, clients)
	manifest := strings.NewReader(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"ports":[{"port":80}]}}`)
	stdout, stderr, err := cp.KubectlInput(t.Context(), manifest, "apply", "-n", namespace, "-f", "-")
	if err != nil || !strings.Contains(stdout, "service/web created") {
		t.Fatalf("kubectl apply: %v, stdout %q, stderr %q", err, stdout, stderr)
	}
	service, err := clients.CoreV1().Services(namespace).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if service.Spec.ClusterIP == "" {
		t.Error("the API server gave the Service no cluster address")
	}
}

func TestKubectlReportsARefusal(t *testing.T) {
	_, stderr, err := Get(t).Kubectl(t.Context(), "get", "service", "absent")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(stderr, `"absent" not found`) {
		t.Errorf("got error %v and stderr %q, want an exit status and why", err, stderr)
	}
}

func TestPodNeedsNoServiceAccountWithoutControllers(t *testing.T) {
	clients := kubernetes.NewForConfigOrDie(Get(t).RESTConfig())
	namespace := newNamespace(t, clients)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "localhost/none"}}},
	}
	if _, err := clients.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
}

func TestStopLeavesNothingBehind(t *testing.T) {
	began := time.Now()
	cp, err := Start(t.Context(), Options{WithControllerManager: true, APIServerFlags: []string{"--max-requests-inflight=100"}})
	if err != nil {
		t.Fatal(err)
	}
	ready := time.Since(began)
	if got := processesOf(t, cp.Dir()); len(got) != 3 {
		t.Errorf("%d processes run, want 3: %v", len(got), got)
	}
	if !strings.Contains(strings.Join(processesOf(t, cp.Dir()), "\n"), "--max-requests-inflight=100") {
		t.Error("the extra flag did not reach kube-apiserver")
	}
	// The controllers work: "default" of a new namespace is made by one.
	clients := kubernetes.NewForConfigOrDie(cp.RESTConfig())
	namespace := newNamespace(t, clients)
	Eventually(t, 20*time.Second, "there is a ServiceAccount default", func() error {
		_, err := clients.CoreV1().ServiceAccounts(namespace).Get(t.Context(), "default", metav1.GetOptions{})
		return err
	})
	began = time.Now()
	if err := cp.Stop(); err != nil {
		t.Error(err)
	}
	t.Logf("ready after %s, stopped after %s", ready, time.Since(began))
	if got := processesOf(t, cp.Dir()); len(got) != 0 {
		t.Errorf("processes left: %v", got)
	}
	if _, err := os.Stat(cp.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder left: %v", err)
	}
}

func TestChosenFolderKeepsTheObjects(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	cp, err := Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another running control plane") {
		t.Errorf("a second control plane in the same folder: got error %v, want a refusal", err)
	}
	namespace := newNamespace(t, kubernetes.NewForConfigOrDie(cp.RESTConfig()))
	if err := cp.Stop(); err != nil {
		t.Fatal(err)
	}
	cp, err = Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, cp)
	clients := kubernetes.NewForConfigOrDie(cp.RESTConfig())
	if _, err := clients.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{}); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if _, err := clients.CoreV1().Namespaces().Get(t.Context(), "absent", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a namespace that was never made: got error %v, want not found", err)
	}
}

func newNamespace(t *testing.T, clients kubernetes.Interface) string {
	t.Helper()
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "controlplane-"}}
	made, err := clients.CoreV1().Namespaces().Create(t.Context(), object, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made.Name
}

func stop(t *testing.T, cp *ControlPlane) {
	t.Helper()
	if err := cp.Stop(); err != nil {
		t.Error(err)
	}
}

// processesOf returns the command lines of the running processes that name the
// folder.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("lists processes by /proc, which only Linux has")
	}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(files) == 0 {
		t.Fatalf("list processes: %d found, %v", len(files), err)
	}
	var found []string
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(content), dir) {
			found = append(found, strings.ReplaceAll(string(content), "\x00", " "))
		}
	}
	return found
}
