// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// errPortTaken marks a component that found its port in use.
var errPortTaken = errors.New("a port is in use")

// How many lines of a log an error shows: of its end, and from a panic on, whose cause
// stands before the stacks of all goroutines.
const (
	tailLines  = 20
	panicLines = 10
)

// thread starts processes from one operating system thread that lives until
// close. The kernel sends the parent death signal when the thread that started
// a process ends, not when its process does, so an ordinary goroutine, which
// moves between threads that come and go, will not do. See prctl(2),
// PR_SET_PDEATHSIG.
type thread struct {
	work chan func()
	done chan struct{}
}

func newThread() *thread {
	t := &thread{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(t.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for f := range t.work {
			f()
		}
	}()
	return t
}

// close ends the thread. The processes must have ended before.
func (t *thread) close() {
	close(t.work)
	<-t.done
}

// process is one running component.
type process struct {
	name    string
	logPath string
	cmd     *exec.Cmd
	exited  chan struct{} // closed when the component is gone and reaped
	err     error         // why it ended; valid after exited

	reported bool // its end has been returned as an error already
}

// launch starts a component. It keeps running when ctx ends; stop ends it. Its
// environment is empty but for what programs need to find their way, so that
// no variable of the caller (ETCD_*, proxies, GODEBUG) changes its behaviour.
func (t *thread) launch(ctx context.Context, name, path string, flags []string, dir *folder) (*process, error) {
	p := &process{name: name, logPath: dir.file(name + ".log"), exited: make(chan struct{})}
	log, err := os.Create(p.logPath)
	if err != nil {
		return nil, fmt.Errorf("create log of %s: %w", name, err)
	}
	defer log.Close()                                                       //nolint:errcheck // the component has its own descriptor
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), path, flags...) //nolint:gosec // the caller chooses the binary
	p.cmd.Dir = dir.path
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir.path, "TMPDIR=" + dir.path}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = ownGroup()
	started := make(chan error)
	t.work <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.exited)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// stop ends the component at once: its data is thrown away, or of a form that
// survives a crash, so there is nothing to wait for.
func (p *process) stop() error {
	if p.ended() {
		if p.reported {
			return nil
		}
		return p.failure()
	}
	err := p.cmd.Process.Kill()
	<-p.exited
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	return nil
}

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// failure describes a component that ended on its own.
func (p *process) failure() error {
	tail := p.tail()
	if strings.Contains(tail, "address already in use") {
		return fmt.Errorf("%s ended: %w: %w%s", p.name, errPortTaken, p.reason(), tail)
	}
	return fmt.Errorf("%s ended: %w%s", p.name, p.reason(), tail)
}

func (p *process) reason() error {
	if p.err == nil {
		return errors.New("exit status 0")
	}
	return p.err
}

// tail is the end of the log, for an error.
func (p *process) tail() string {
	content, err := os.ReadFile(p.logPath)
	if err != nil {
		return fmt.Sprintf(" (read its log: %v)", err)
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	end := max(0, len(lines)-tailLines)
	text := fmt.Sprintf("\nend of %s:\n%s", p.logPath, bytes.Join(lines[end:], []byte("\n")))
	if first := slices.IndexFunc(lines[:end], beginsPanic); first >= 0 {
		cause := lines[first:min(first+panicLines, end)]
		text = fmt.Sprintf("\npanic in %s:\n%s%s", p.logPath, bytes.Join(cause, []byte("\n")), text)
	}
	return text
}

// beginsPanic reports whether a line of a log is the first that the Go runtime or a logger
// (zap: "level":"panic", or fatal) writes of a panic.
func beginsPanic(line []byte) bool {
	for _, start := range []string{"panic: ", "fatal error: "} {
		if bytes.HasPrefix(line, []byte(start)) {
			return true
		}
	}
	return bytes.HasPrefix(line, []byte(`{"level":"panic"`)) || bytes.HasPrefix(line, []byte(`{"level":"fatal"`))
}
