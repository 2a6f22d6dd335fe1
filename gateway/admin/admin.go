// SPDX-License-Identifier: Apache-2.0

// Package admin answers those who run a gateway, on addresses of their own:
// Public what monitoring asks, Local what only the machine itself may see.
package admin

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// Public answers /metrics, /healthz (the process answers) and /readyz (ready is
// nil; its error is told).
func Public(metrics http.Handler, ready func() error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			text(w, http.StatusServiceUnavailable, err.Error()+"\n")
			return
		}
		text(w, http.StatusOK, "ok\n")
	})
	return mux
}

// Local answers /configuration, the one in force without secrets, and
// /debug/pprof/NAME as Go's tools read it. A request that names another host than
// this machine is refused: a page in a browser could have sent it.
func Local(effective func() *config.Snapshot) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /configuration", func(w http.ResponseWriter, _ *http.Request) {
		snap := effective()
		if snap == nil {
			text(w, http.StatusServiceUnavailable, "no configuration was applied yet\n")
			return
		}
		written, err := yaml.Marshal(snap.Public())
		if err != nil {
			text(w, http.StatusInternalServerError, err.Error()+"\n")
			return
		}
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(written) // the reader may have gone
	})
	mux.HandleFunc("GET /debug/pprof/profile", profileCPU)
	mux.HandleFunc("GET /debug/pprof/{name}", profile)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			text(w, http.StatusMisdirectedRequest, "this is answered to the machine itself only\n")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && a.IsLoopback()
}

// maxProfile is the longest time that the processor is watched.
const maxProfile = 5 * time.Minute

func profileCPU(w http.ResponseWriter, r *http.Request) {
	seconds, err := strconv.Atoi(r.FormValue("seconds"))
	if err != nil || seconds <= 0 {
		seconds = 30
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := pprof.StartCPUProfile(w); err != nil {
		text(w, http.StatusConflict, err.Error()+"\n")
		return
	}
	defer pprof.StopCPUProfile()
	wait(r.Context(), min(time.Duration(seconds)*time.Second, maxProfile))
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func profile(w http.ResponseWriter, r *http.Request) {
	p := pprof.Lookup(r.PathValue("name"))
	if p == nil {
		text(w, http.StatusNotFound, "there is no such profile\n")
		return
	}
	debug, err := strconv.Atoi(r.FormValue("debug"))
	if err != nil {
		debug = 0
	}
	if debug == 0 {
		w.Header().Set("Content-Type", "application/octet-stream")
	}
	_ = p.WriteTo(w, debug) // the reader may have gone
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // the reader may have gone
}
