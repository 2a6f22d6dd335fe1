// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Bounds of the start and of the end. A start takes 20 seconds on two cores.
const (
	startLimit = 5 * time.Minute
	endLimit   = 30 * time.Second
)

// ready is the line that the processes inside write when the node runs Pods.
const ready = "ready"

// wiredFolders are paths that kubelet, containerd, runc, Cilium and the CNI plugins
// have in their code. Inside, each is an empty file system of its own.
func wiredFolders() []string {
	return []string{"/run/containerd", "/run/runc", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods", "/usr/libexec/kubernetes", "/etc/cni", "/run/cilium"}
}

// outside brings the node up, runs the command, or waits, and takes the node down.
func (s *settings) outside(ctx context.Context, command []string) (err error) {
	if os.Getuid() != 0 {
		return errors.New("a node needs root: it makes namespaces, mounts and a network link")
	}
	if _, err := s.archives(); err != nil {
		return err
	}
	lock, err := s.open()
	if err != nil {
		return err
	}
	defer lock.Close() //nolint:errcheck // nothing was written
	made, err := makeFolders(wiredFolders())
	defer func() { err = errors.Join(err, removeEmpty(made)) }()
	if err != nil {
		return err
	}
	cgroups, err := makeCgroups()
	defer func() { err = errors.Join(err, cgroups.remove()) }()
	if err != nil {
		return err
	}
	box, err := s.start() //nolint:contextcheck // the node is asked to end before it is made to
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, box.stop(), unlink(), s.clear()) }()
	if err := box.ready(ctx); err != nil {
		return err
	}
	kubeconfig := s.in("control", "admin.kubeconfig")
	fmt.Fprintf(os.Stderr, "node: ready, KUBECONFIG=%s\n", kubeconfig)
	if len(command) == 0 {
		select {
		case <-ctx.Done():
			return nil
		case <-box.gone:
			return box.failure()
		}
	}
	return box.beside(ctx, command, kubeconfig)
}

// open takes the folder for itself and empties it.
func (s *settings) open() (*os.File, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("create folder of the node: %w", err)
	}
	lock, err := os.Open(s.dir)
	if err != nil {
		return nil, fmt.Errorf("lock folder of the node: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("folder %s belongs to another running node", s.dir)
	}
	return lock, errors.Join(s.clear(), os.MkdirAll(s.in("log"), 0o700))
}

// clear removes all but the logs.
func (s *settings) clear() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("empty folder of the node: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if e.Name() != "log" {
			errs = append(errs, os.RemoveAll(s.in(e.Name())))
		}
	}
	return errors.Join(errs...)
}

// box is the pid 1 of the namespaces.
type box struct {
	cmd  *exec.Cmd
	in   io.WriteCloser // its end asks the node to end
	out  *bufio.Reader
	gone chan struct{}
	err  error // valid after gone
	log  string
}

// start makes the namespaces, and the link into them.
func (s *settings) start() (*box, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	b := &box{gone: make(chan struct{}), log: s.in("log", "node.log")}
	// Not the context of the command: the node is asked to end first.
	b.cmd = exec.CommandContext(context.Background(), self, append([]string{initName}, s.flags()...)...) //nolint:gosec // this program
	b.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL, Setpgid: true,
	}
	log, err := os.Create(b.log)
	if err != nil {
		return nil, fmt.Errorf("create log of the node: %w", err)
	}
	defer log.Close() //nolint:errcheck // the child has its own descriptor
	b.cmd.Stderr = log
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("listen to the node: %w", err)
	}
	b.out = bufio.NewReader(out)
	if b.in, err = b.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("talk to the node: %w", err)
	}
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("make namespaces: %w", err)
	}
	go func() {
		defer close(b.gone)
		b.err = b.cmd.Wait()
	}()
	if err := os.WriteFile(s.in("pid"), []byte(strconv.Itoa(b.cmd.Process.Pid)), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write pid of the node: %w", err), b.stop())
	}
	if err := linkOutside(b.cmd.Process.Pid); err != nil {
		return nil, errors.Join(err, b.stop())
	}
	if _, err := io.WriteString(b.in, "linked\n"); err != nil {
		return nil, errors.Join(fmt.Errorf("talk to the node: %w", err), b.stop())
	}
	return b, nil
}

// ready waits until the node runs Pods.
func (b *box) ready(ctx context.Context) error {
	said := make(chan string, 1)
	go func() {
		line, _ := b.out.ReadString('\n') // "" is that it ended
		said <- line
	}()
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case line := <-said:
		if strings.TrimSpace(line) == ready {
			return nil
		}
		<-b.gone
		return b.failure()
	case <-limit.C:
		return fmt.Errorf("start node: not ready within %s%s", startLimit, tail(b.log))
	case <-ctx.Done():
		return fmt.Errorf("start node: %w", context.Cause(ctx))
	}
}

func (b *box) failure() error { return fmt.Errorf("the node ended: %w%s", b.err, tail(b.log)) }

// beside runs a command on this side of the link.
func (b *box) beside(ctx context.Context, command []string, kubeconfig string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // what the caller asks for
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = endLimit
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", command[0], err)
	}
	waited := make(chan error, 1)
	go func() { waited <- cmd.Wait() }()
	select {
	case err := <-waited:
		return ended(err)
	case <-b.gone:
		cancel()
		return errors.Join(b.failure(), <-waited)
	}
}

// stop asks the node to end, and sees to it.
func (b *box) stop() error {
	_ = b.in.Close() // it may be gone already
	limit := time.NewTimer(endLimit)
	defer limit.Stop()
	select {
	case <-b.gone:
		return nil
	case <-limit.C:
	}
	if err := b.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end node: %w", err)
	}
	<-b.gone
	return nil
}

// enter runs a command inside the namespaces.
func (s *settings) enter(ctx context.Context, command []string) error {
	pid, err := os.ReadFile(s.in("pid"))
	if err != nil {
		return fmt.Errorf("find running node: %w", err)
	}
	if len(command) == 0 {
		return errors.New("exec: no command")
	}
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"-t", strings.TrimSpace(string(pid)), "-m", "-p", "-n", "--"}, command...)...) //nolint:gosec // what the caller asks for
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "PATH="+s.bin+":"+os.Getenv("PATH"), "CONTAINERD_ADDRESS="+s.in("containerd", "socket"), "CONTAINERD_NAMESPACE=k8s.io")
	return ended(cmd.Run())
}

// makeFolders creates folders and returns those that were not there, the outermost
// first.
func makeFolders(paths []string) ([]string, error) {
	var made []string
	for _, path := range paths {
		var missing []string
		for p := path; p != "/"; p = filepath.Dir(p) {
			if _, err := os.Stat(p); err == nil {
				break
			}
			missing = append([]string{p}, missing...)
		}
		for _, p := range missing {
			if err := os.Mkdir(p, 0o755); err != nil { //nolint:gosec // as the distribution would
				return made, fmt.Errorf("create %s: %w", p, err)
			}
			made = append(made, p)
		}
	}
	return made, nil
}

// removeEmpty removes folders, the last one first.
func removeEmpty(paths []string) error {
	var errs []error
	for _, path := range slices.Backward(paths) {
		errs = append(errs, os.Remove(path))
	}
	return errors.Join(errs...)
}

// tail is the end of a log, for an error.
func tail(path string) string {
	content, err := os.ReadFile(path) //nolint:gosec // a log of ours
	if err != nil {
		return fmt.Sprintf(" (read its log: %v)", err)
	}
	const lines = 30
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return "\n" + strings.Join(all[max(0, len(all)-lines):], "\n")
}
