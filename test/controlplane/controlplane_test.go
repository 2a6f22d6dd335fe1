// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// crashVariable makes the test binary the helper of the crash test.
const crashVariable = "GATEHOUSE_CONTROLPLANE_CRASH"

func TestMain(m *testing.M) {
	if os.Getenv(crashVariable) != "" {
		startAndHang()
	}
	Main(m)
}

// startAndHang starts a control plane, prints its folder and waits to be killed.
func startAndHang() {
	cp, err := Start(context.Background(), Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(cp.Dir())
	select {}
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
	eventually(t, "ServiceAccount default", func() bool {
		_, err := clients.CoreV1().ServiceAccounts(namespace).Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil
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

func TestKilledParentLeavesNothingBehind(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	helper := exec.CommandContext(t.Context(), executable)
	helper.Env = append(os.Environ(), crashVariable+"=1")
	helper.Stderr = os.Stderr
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(errors.Join(err, helper.Wait()))
	}
	dir := strings.TrimSpace(line)
	if got := processesOf(t, dir); len(got) != 2 {
		t.Errorf("%d processes run before the crash, want 2: %v", len(got), got)
	}
	if err := sweep(os.TempDir()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the folder of a living control plane was swept: %v", err)
	}
	if err := helper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = helper.Wait() // the error is that it was killed
	eventually(t, "end of every component", func() bool { return len(processesOf(t, dir)) == 0 })
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("the crash was to leave the folder for the next start: %v", err)
	}
	if err := sweep(os.TempDir()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder left: %v", err)
	}
}

func TestComponentThatFailsIsNamedWithItsLog(t *testing.T) {
	began := time.Now()
	_, err := Start(t.Context(), Options{APIServerFlags: []string{"--no-such-flag=1"}})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{"kube-apiserver ended: exit status", "unknown flag: --no-such-flag"} {
		if got := strings.Count(err.Error(), want); got != 1 {
			t.Errorf("%q occurs %d times in the error, want once:\n%v", want, got, err)
		}
	}
	if took := time.Since(began); took > startLimit/2 {
		t.Errorf("the failure was noticed after %s", took)
	}
}

func TestComponentThatDiesMeanwhileFailsStop(t *testing.T) {
	cp, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	etcd := cp.processes[0]
	if err := etcd.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-etcd.exited
	if err := cp.Stop(); err == nil || !strings.Contains(err.Error(), "etcd ended: signal: killed") {
		t.Errorf("got error %v, want one that names etcd", err)
	}
	if got := processesOf(t, cp.Dir()); len(got) != 0 {
		t.Errorf("processes left: %v", got)
	}
}

func TestTakenPortIsRecognised(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var log strings.Builder
	taken := "--secure-port=" + strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	_, err = Start(t.Context(), Options{APIServerFlags: []string{taken}, Log: &log})
	if !errors.Is(err, errPortTaken) {
		t.Errorf("got error %v, want one for a port that is taken", err)
	}
	if got, want := strings.Count(log.String(), "starting again"), maxAttempts-1; got != want {
		t.Errorf("started again %d times, want %d:\n%s", got, want, log.String())
	}
}

func TestEndedContextEndsTheStart(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := Start(ctx, Options{}); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("got error %v, want the cause", err)
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

// eventually fails the test if the condition does not come true in 20 s.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("no %s after 20 s", what)
		case <-tick.C:
		}
	}
}
