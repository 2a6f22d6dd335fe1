// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// asProgram makes the test binary the program, with the arguments that follow it.
const asProgram = "GATEHOUSE_GATEWAY_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	m.Run()
}

// process is a gateway in a process of its own.
type process struct {
	address string
	log     *lines
	cmd     *exec.Cmd
	over    chan struct{} // closed when it has ended
	ending  sync.Once
}

// begin runs a gateway until the test ends, and returns when it listens. The text is
// its configuration, with ADDRESS for the address.
func begin(t *testing.T, address, text, drain string) *process {
	t.Helper()
	p := &process{address: address, log: &lines{}, over: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "--config", write(t, strings.Replace(text, "ADDRESS", address, 1)), "--drain", drain)
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stdout, p.cmd.Stderr = io.Discard, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its state says it
		close(p.over)
	}()
	t.Cleanup(func() { p.end(t); p.ended(t) })
	for deadline := time.Now().Add(time.Minute); ; {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = c.Close() // it was only a question
			return p
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not listen: %s", p.log)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// end tells the process to end, once.
func (p *process) end(t *testing.T) {
	p.ending.Do(func() {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
}

// ended waits until a process that was told to end has done so.
func (p *process) ended(t *testing.T) {
	<-p.over
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the gateway ended with %d: %s", code, p.log)
	}
}
