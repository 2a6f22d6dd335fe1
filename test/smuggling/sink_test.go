// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink is a server of net/http that reports what it is asked: as a backend itself, or
// behind one that adds of which connection it speaks and how it understood the path.
type sink struct {
	address string
	behind  bool // of another server, whose word counts
	server  *http.Server

	mu   sync.Mutex
	list []report
}

func newSink(t *testing.T, behind bool) *sink {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{address: l.Addr().String(), behind: behind}
	s.server = &http.Server{Handler: s, MaxHeaderBytes: 1 << 20, ReadHeaderTimeout: 5 * time.Minute, DisableGeneralOptionsHandler: true}
	go s.server.Serve(l)
	t.Cleanup(func() { _ = s.server.Close() })
	return s
}

const seenPort, seenPath = "X-Seen-Port", "X-Seen-Path"

// ServeHTTP reports before it answers.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := report{Port: portOf(r.RemoteAddr), ID: r.Header.Get("X-Request-Id"), Method: r.Method, Target: r.RequestURI, Host: r.Host, Path: cleaned(r.URL.Path)}
	if s.behind {
		out.Port, _ = strconv.Atoi(r.Header.Get(seenPort)) // 0 is nobody's
		out.Path = strings.Trim(r.Header.Get(seenPath), "|")
	}
	for name, values := range r.Header {
		if s.behind && (name == seenPort || name == seenPath) {
			continue
		}
		for _, v := range values {
			out.Lines = append(out.Lines, [2]string{name, v})
		}
	}
	if out.Early = strings.HasPrefix(r.URL.Path, "/early"); !out.Early {
		body, err := io.ReadAll(r.Body)
		sum := sha256.Sum256(body)
		out.Length, out.Sum, out.Whole = int64(len(body)), hex.EncodeToString(sum[:]), err == nil
	}
	s.mu.Lock()
	s.list = append(s.list, out)
	s.mu.Unlock()
	if !out.Whole && !out.Early {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Saw", out.ID)
	_, _ = io.WriteString(w, out.ID+"\n") // to a client that may have gone
}

// cleaned is how a ServeMux finds a path.
func cleaned(p string) string {
	out := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && out != "/" {
		out += "/"
	}
	return out
}

// end waits for what is being answered.
func (s *sink) end() []report {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close() // it had its time
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list
}
