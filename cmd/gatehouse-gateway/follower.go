// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/gatehouse-sh/gatehouse/gateway/admin"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/handover"
	"github.com/gatehouse-sh/gatehouse/gateway/server"
)

// follower are the flags of serving what a control plane hands over.
type follower struct {
	control string
	ca      string
	token   string
	keep    string
}

func (f *follower) flags(flags *flag.FlagSet) {
	flags.StringVar(&f.control, "control", "", "host:port of a control plane (--kubernetes --hand-over) whose snapshots are served, in place of a file")
	flags.StringVar(&f.ca, "ca", "", "with --control: file of the authorities that sign for the control plane")
	flags.StringVar(&f.token, "token", "", "with --control: file of the token of a ServiceAccount, which decides what is handed over")
	flags.StringVar(&f.keep, "keep", "", "with --control: folder for what is served, keys of certificates and all, with which the next process begins while the control plane is away; empty: none")
}

// incomplete tells whether the flags of one another are missing.
func (f *follower) incomplete() bool {
	if f.control == "" {
		return f.ca != "" || f.token != "" || f.keep != ""
	}
	_, _, err := net.SplitHostPort(f.control)
	return err != nil || f.ca == "" || f.token == ""
}

// run serves until ctx ends. It returns the exit code.
func (f *follower) run(ctx context.Context, metrics string, end ending, log logr.Logger, out, errs io.Writer) int {
	s := &taker{drain: end.drain, log: log, out: out}
	follow := handover.NewFollower(handover.FollowOptions{Address: f.control, CA: f.ca, Token: f.token, Keep: f.keep, Kept: f.spare(debug.SetMemoryLimit(-1)), Apply: s.apply, Log: log})
	if metrics != "" {
		ready := func() error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case !follow.Ready():
				return errNothing
			}
			return nil
		}
		if err := monitor(ctx, metrics, promhttp.HandlerFor(s, promhttp.HandlerOpts{}), ready, log); err != nil {
			say(errs, "gatehouse-gateway: --metrics: %v\n", err)
			return 1
		}
	}
	follow.Run(ctx)
	end.begin(log)
	s.close() //nolint:contextcheck // ctx has ended
	return 0
}

// spare returns what leaves the size of what is kept out of GOMEMLIMIT, and once more for
// while it is replaced: the folder is meant to be in memory, which is the Pod's too. Half of
// the limit stays in any case.
func (f *follower) spare(limit int64) func(size int) {
	if limit == math.MaxInt64 {
		return nil // there is none
	}
	return func(size int) { debug.SetMemoryLimit(max(limit-2*int64(size), limit/2)) }
}

// errNothing is why no requests should be sent here.
var errNothing = errors.New("nothing was handed over yet")

// taker serves snapshots that come and go.
type taker struct {
	drain time.Duration
	log   logr.Logger
	out   io.Writer

	mu     sync.Mutex
	server *server.Server // nil: nothing is listened for
	ending sync.WaitGroup
}

// apply is handover.FollowOptions.Apply.
func (s *taker) apply(ctx context.Context, snapshot *config.Snapshot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if snapshot == nil {
		s.leave() //nolint:contextcheck // what ends outlives the call
		return nil
	}
	own := s.server
	if own == nil {
		own = server.New(s.log, s.out)
	}
	if err := own.Apply(ctx, snapshot); err != nil {
		own.Refused(err)
		return err
	}
	s.server = own
	return nil
}

// leave ends what is served.
func (s *taker) leave() {
	own := s.server
	if own == nil {
		return
	}
	s.server = nil
	s.ending.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.drain)
		defer cancel()
		own.Close(ctx)
	})
}

// close ends all, and returns when requests under way have had their time.
func (s *taker) close() {
	s.mu.Lock()
	s.leave()
	s.mu.Unlock()
	s.ending.Wait()
}

// Gather implements prometheus.Gatherer.
func (s *taker) Gather() ([]*dto.MetricFamily, error) {
	s.mu.Lock()
	var now prometheus.Gatherer = prometheus.Gatherers{}
	if s.server != nil {
		now = s.server.Metrics()
	}
	s.mu.Unlock()
	return now.Gather()
}

// monitor answers monitoring at an address until the process ends.
func monitor(ctx context.Context, address string, metrics http.Handler, ready func() error, log logr.Logger) error {
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: admin.Public(metrics, ready), ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	go func() {
		if err := s.Serve(socket); err != nil {
			log.Error(err, "answer monitoring") // until the process ends
		}
	}()
	return nil
}
