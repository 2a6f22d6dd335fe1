// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/program"
)

// report is what a backend says of one request.
type report struct {
	Port   int    // of the connection, at the other end
	ID     string // X-Request-Id
	Method string
	Target string
	Host   string
	Path   string // as the backend finds by it what is asked for: decoded, resolved
	Lines  [][2]string
	Length int64
	Sum    string // of the body, SHA-256
	Whole  bool   // the body ended as it should
	Early  bool   // it was answered before its body was read
	// Refused is why the backend took it for no request; nothing else is known then.
	Refused string
}

// backend is a running server.
type backend struct {
	address string
	end     func() []report // stops it
}

// backends are all that is asked. Their configurations change nothing about how they
// read requests.
var backends = []struct {
	name  string
	start func(t *testing.T) backend
}{
	{"net-http", startGo},
	{"node", startNode},
	{"nginx", startNginx},
	{"haproxy", startHAProxy},
}

func startGo(t *testing.T) backend {
	s := newSink(t, false)
	return backend{s.address, s.end}
}

func startNode(t *testing.T) backend {
	address, port := free(t)
	out := filepath.Join(t.TempDir(), "reports")
	script, err := filepath.Abs("testdata/backend.js")
	if err != nil {
		t.Fatal(err)
	}
	end := process(t, "node=nodejs", address, out, syscall.SIGTERM, script, port)
	return backend{address, func() (list []report) {
		end()
		for line := range strings.Lines(contents(t, out)) {
			var r report
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatalf("node: %v: %q", err, line)
			}
			for _, text := range []*string{&r.ID, &r.Method, &r.Target, &r.Host, &r.Path} {
				*text = latin1(*text)
			}
			for i := range r.Lines {
				r.Lines[i] = [2]string{latin1(r.Lines[i][0]), latin1(r.Lines[i][1])}
			}
			list = append(list, r)
		}
		return list
	}}
}

// latin1 makes a byte of each character.
func latin1(s string) string {
	out := make([]byte, 0, len(s))
	for _, c := range s {
		out = append(out, byte(c))
	}
	return string(out)
}

// startNginx has nginx pass on what it understood. It logs requests that it refused.
func startNginx(t *testing.T) backend {
	s, folder := newSink(t, true), t.TempDir()
	address, _ := free(t)
	file, log := filepath.Join(folder, "nginx.conf"), filepath.Join(folder, "access.log")
	write(t, file, fmt.Sprintf(`daemon off; master_process off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 4096; }
http {
  log_format lines '$remote_port $status $request';
  access_log %[1]s/access.log lines;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  large_client_header_buffers 8 128k; client_max_body_size 64m; keepalive_requests 1000000; keepalive_timeout 300s;
  upstream sink { server %[3]s; keepalive 64; keepalive_requests 1000000; }
  server {
    listen %[2]s;
    location / {
      proxy_pass http://sink; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_set_header X-Seen-Port $remote_port; proxy_set_header X-Seen-Path "|$uri|";
    }
  }
}
`, folder, address, s.address))
	end := process(t, "nginx=nginx-light", address, filepath.Join(folder, "out"), syscall.SIGQUIT, "-p", folder, "-c", file)
	return backend{address, func() []report {
		end()
		return append(s.end(), refusals(t, contents(t, log))...)
	}}
}

// startHAProxy has HAProxy do the same.
func startHAProxy(t *testing.T) backend {
	s, folder := newSink(t, true), t.TempDir()
	address, _ := free(t)
	file, out := filepath.Join(folder, "haproxy.cfg"), filepath.Join(folder, "out")
	write(t, file, fmt.Sprintf(`global
  log stdout format raw local0
  tune.bufsize 262144
  tune.http.maxhdr 256
  maxconn 1000
defaults
  mode http
  log global
  option dontlognull
  timeout connect 5s
  timeout client 300s
  timeout server 30s
  log-format "%%cp %%ST %%r"
frontend f
  bind %s
  http-request set-header X-Seen-Port %%[src_port]
  http-request set-header X-Seen-Path "|%%[path,url_dec]|"
  default_backend b
backend b
  server s %s
`, address, s.address))
	end := process(t, "haproxy=haproxy", address, out, syscall.SIGUSR1, "-db", "-f", file)
	return backend{address, func() []report {
		end()
		return append(s.end(), refusals(t, contents(t, out))...)
	}}
}

// refusals reads lines of a port, a status and a request, of which those that the
// server itself took for malformed are told.
func refusals(t *testing.T, lines string) (list []report) {
	t.Helper()
	for line := range strings.Lines(lines) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		port, err := strconv.Atoi(words[0])
		if err != nil || len(words) < 2 {
			continue // what the program says of itself
		}
		if words[1] == "400" || words[1] == "501" || words[1] == "505" {
			list = append(list, report{Port: port, Refused: line})
		}
	}
	return list
}

// process runs a program until the function that is returned is called. Its package is
// installed if it is missing.
func process(t *testing.T, wanted, address, out string, stop syscall.Signal, args ...string) (end func()) {
	t.Helper()
	program.Need(t, wanted)
	name, _, _ := strings.Cut(wanted, "=")
	to, err := os.OpenFile(out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = to, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is signalled
		close(over)
	}()
	end = sync.OnceFunc(func() {
		defer to.Close()
		_ = cmd.Process.Signal(stop)
		select {
		case <-over:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-over
		}
	})
	t.Cleanup(end)
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = c.Close() // it was only a question
			return end
		}
		select {
		case <-over:
			t.Fatalf("%s ended: %s %s", name, said.String(), contents(t, out))
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen at %s", name, address)
		}
	}
}

func free(t *testing.T) (address, port string) {
	t.Helper()
	address = program.Free(t)
	_, port, _ = net.SplitHostPort(address) // it has one
	return address, port
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// portOf is the port of an address.
func portOf(address string) int {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port) // 0 for what is no address
	return n
}
