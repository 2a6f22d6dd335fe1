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
	"strconv"
	"strings"
	"testing"
	"time"
)

// crashVariable makes the test binary the child of the crash test.
const crashVariable = "GATEHOUSE_CONTROLPLANE_CRASH"

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

func TestKilledParentLeavesNothingBehind(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), executable)
	child.Env = append(os.Environ(), crashVariable+"=1")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(errors.Join(err, child.Wait()))
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
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // the error is that it was killed
	Eventually(t, 20*time.Second, "every component has ended", func() error {
		if left := processesOf(t, dir); len(left) > 0 {
			return fmt.Errorf("these run: %v", left)
		}
		return nil
	})
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
