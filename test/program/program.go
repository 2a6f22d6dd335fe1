// SPDX-License-Identifier: Apache-2.0

// Package program runs programs for tests: the gateway's own, and those of others that
// Debian has packages of. All of them are asked on loopback only.
package program

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// root is the folder of the module.
func root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the place of this file is not known")
	}
	return filepath.Join(filepath.Dir(file), "../..")
}

// missing is the exit code of the script when a program is not there and cannot be
// installed.
const missing = 77

// Need sees to it that a program is there, given as hack/packages.sh has it: PROGRAM or
// PROGRAM=PACKAGE. Where it is not the test is skipped, or fails where CI is set.
func Need(t testing.TB, program string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(root(t), "hack/packages.sh"), program).CombinedOutput() //nolint:gosec // a script of ours
	if err == nil {
		return
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == missing && os.Getenv("CI") == "" {
		t.Skipf("what needs %s is not tested: %s", program, out)
	}
	t.Fatalf("%s: %v: %s", program, err, out)
}

// Free is an address of loopback that nobody listened on a moment ago.
func Free(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

// Port is the port of such an address.
func Port(t testing.TB) int {
	t.Helper()
	_, text, err := net.SplitHostPort(Free(t))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

var building sync.Mutex

// Gateway builds gatehouse-gateway as the Makefile does, which what it holds depends on,
// and returns where it is.
func Gateway(t testing.TB) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	file := filepath.Join(t.TempDir(), "gatehouse-gateway")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-tags", "grpcnotrace,kustomize_disable_go_plugin_support", "-ldflags", "-s -w", "-o", file, "./cmd/gatehouse-gateway") //nolint:gosec // to a folder of the test
	cmd.Dir, cmd.Env = root(t), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// Process is a program that runs.
type Process struct {
	name string
	cmd  *exec.Cmd
	said text
	over chan struct{} // closed when it has ended
}

// Start runs a program until the test ends, and returns when it listens on an address
// ("" for one that does not listen). Then it gets a signal, and ten seconds.
func Start(t testing.TB, address string, stop syscall.Signal, name string, args ...string) *Process {
	t.Helper()
	p := &Process{name: name, over: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), name, args...) //nolint:gosec // it is for tests
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its state says it
		close(p.over)
	}()
	t.Cleanup(func() { p.end(stop) })
	for deadline := time.Now().Add(time.Minute); address != ""; {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = c.Close() // it was only a question
			return p
		}
		select {
		case <-p.over:
			t.Fatalf("%s ended: %s", name, p.Said())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen at %s: %s", name, address, p.Said())
		}
	}
	return p
}

func (p *Process) end(stop syscall.Signal) {
	_ = p.cmd.Process.Signal(stop) // it may have ended
	select {
	case <-p.over:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill() // as before
		<-p.over
	}
}

// Over is closed when the program has ended.
func (p *Process) Over() <-chan struct{} { return p.over }

// Pid is the number of the process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Kill ends the program at once, as an accident would, and returns when it has ended.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.over
}

// Said is all that it wrote so far.
func (p *Process) Said() string { return p.said.String() }

// text may be read while it is written.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

// String returns what was written so far.
func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(t.b.String(), "?")
}
