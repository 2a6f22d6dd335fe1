// SPDX-License-Identifier: Apache-2.0

// Package redistest runs a real redis-server for tests.
package redistest

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
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is a redis-server on loopback.
type Server struct {
	Address string

	t    testing.TB
	args []string
	port string
	cmd  *exec.Cmd
	log  *log
	over chan struct{} // closed when cmd has ended
}

// missing is the exit code of the script when there is no redis-server.
const missing = 77

// Start runs a server until the test ends. If there is none the test is skipped,
// or fails where CI is set.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Address: address, t: t, args: args, port: port}
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// Restart runs a server that was killed again, empty, and waits until it listens.
func (s *Server) Restart() {
	s.t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		s.t.Fatal("the place of this file is not known")
	}
	script := filepath.Join(filepath.Dir(file), "../../../../hack/redis-server.sh")
	s.log = &log{}
	s.cmd = exec.CommandContext(context.WithoutCancel(s.t.Context()), script, append([]string{s.port}, s.args...)...) //nolint:gosec // a script of ours
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.Env = append(os.Environ(), "TMPDIR="+s.t.TempDir())
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.over = make(chan struct{})
	go func(cmd *exec.Cmd, over chan struct{}) {
		_ = cmd.Wait() // it is killed
		close(over)
	}(s.cmd, s.over)
	for deadline := time.Now().Add(2 * time.Minute); ; {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(s.t.Context(), "tcp", s.Address)
		if err == nil {
			_ = c.Close() // it was only a question
			return
		}
		select {
		case <-s.over:
			if s.cmd.ProcessState.ExitCode() == missing && os.Getenv("CI") == "" {
				s.t.Skip("no redis-server, so nothing of it is tested: " + s.log.String())
			}
			s.t.Fatalf("redis-server ended: %s", s.log)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("redis-server does not listen: %s", s.log)
		}
	}
}

// Kill ends the server at once, with all that it knows.
func (s *Server) Kill() {
	s.signal(syscall.SIGKILL)
	<-s.over
}

// Pause stops the server: connections stay open, and nothing is answered.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(what syscall.Signal) {
	if err := s.cmd.Process.Signal(what); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("signal redis-server %s: %v", strconv.Itoa(int(what)), err)
	}
}

// log may be read while it is written.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns what was written so far.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
