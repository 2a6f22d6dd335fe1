// SPDX-License-Identifier: Apache-2.0

// Command benchgateway compares the gateway with HAProxy, nginx and
// httputil.ReverseProxy, layer by layer, in one run. Whoever is measured has processor
// 0, the load (wrk) and the backend have processor 1; rounds alternate. A contestant
// that answers wrongly is not measured. It needs wrk, haproxy and nginx (Debian's
// packages), taskset, and bin/gatehouse-gateway.
//
// Tokens in turn begin at any of them in each round, so that those of a large population
// are partly known from the rounds before.
//
//	go run ./hack/benchgateway [-rounds 5] [-seconds 5] [-layers L0,L1] [-only gatehouse,haproxy]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// layer is what a contestant does beside forwarding.
type layer struct {
	name   string
	what   string
	tls    bool
	limit  bool // by address, which nobody reaches
	tokens *population
}

// layers are in the order of their cost. Each contestant writes its configuration for
// each of them, or says that it cannot.
var layers = []layer{
	{name: "L0", what: "forward in clear"},
	{name: "L1", what: "and TLS 1.3 with clients (ECDSA P-256, AES-128-GCM)", tls: true},
	{name: "L2", what: "and a rate limit by address", tls: true, limit: true},
	{name: "L3-RS256-1", what: "and a token: signature (RS256), issuer, audience, end and scope; always the same token", tls: true, limit: true, tokens: &population{algorithm: "RS256", live: 1}},
	{name: "L3-RS256-1k", what: "L3 with 1,000 tokens in turn", tls: true, limit: true, tokens: &population{algorithm: "RS256", live: 1000}},
	{name: "L3-ES256-1k", what: "L3 with 1,000 tokens in turn, ES256", tls: true, limit: true, tokens: &population{algorithm: "ES256", live: 1000}},
	{name: "L3-ES256-100k", what: "L3 with 100,000 tokens in turn, ES256", tls: true, limit: true, tokens: &population{algorithm: "ES256", live: 100_000}},
	{name: "L3-ES256-cold", what: "L3 with tokens that were never sent before, ES256", tls: true, limit: true, tokens: &population{algorithm: "ES256", live: 300_000, once: true}},
	{name: "L3-forged", what: "L3 with 1,000 tokens in turn whose signatures (RS256) do not hold, all refused", tls: true, limit: true, tokens: &population{algorithm: "RS256", live: 1000, forged: true}},
}

type options struct {
	rounds  int
	seconds int
	conns   int
	layers  string
	only    string
	gateway string
	half    bool
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "of each contestant; 0 measures nothing, and asks whether all answer rightly")
	flag.IntVar(&o.seconds, "seconds", 5, "of each measurement")
	flag.IntVar(&o.conns, "connections", 32, "of the load")
	flag.StringVar(&o.layers, "layers", "", "that are measured; all")
	flag.StringVar(&o.only, "only", "", "contestants that are measured; all")
	flag.StringVar(&o.gateway, "gateway", "bin/gatehouse-gateway", "the program")
	flag.BoolVar(&o.half, "half", false, "also measure how late answers are at half of the gateway's rate")
	serve := flag.String("serve", "", "what this process is: backend, reverse or load")
	rate := flag.Int("rate", 0, "of load, requests a second")
	address := flag.String("address", "", "where it listens")
	backend := flag.String("backend", "", "where reverse forwards to")
	folder := flag.String("folder", "", "of the certificate; \"\": no TLS")
	keys := flag.String("keys", "", "by which reverse verifies tokens; or the tokens of load")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	switch *serve {
	case "backend":
		err = serveBackend(*address)
	case "reverse":
		err = serveReverse(*address, *backend, *folder, *keys)
	case "load":
		var late lateness
		if late, err = (&steady{url: *address, tokens: *keys, rate: *rate, seconds: o.seconds, conns: o.conns}).load(ctx); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(late)
		}
	default:
		err = run(ctx, &o, os.Stdout)
	}
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "benchgateway:", err) // nobody else is told
		os.Exit(1)
	}
}

// chosen tells whether a name is in a comma-separated list, or the list is empty.
func chosen(list, name string) bool {
	return list == "" || slices.Contains(strings.Split(list, ","), name)
}

func run(ctx context.Context, o *options, out io.Writer) error {
	for _, tool := range []string{"wrk", "taskset"} {
		if _, err := exec.LookPath(tool); err != nil {
			return err
		}
	}
	folder, err := os.MkdirTemp("", "benchgateway")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary one
	if err := certificate(folder); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	backend, err := free(ctx)
	if err != nil {
		return err
	}
	stop, _, err := start(ctx, "1", filepath.Join(folder, "backend.log"), backend, self, "-serve", "backend", "-address", backend)
	if err != nil {
		return err
	}
	defer stop()
	measured := 0
	for _, l := range layers {
		if !chosen(o.layers, l.name) {
			continue
		}
		n, err := o.layer(ctx, out, l, folder, self, backend)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		measured += n
	}
	if measured == 0 {
		return errors.New("nothing was measured")
	}
	return nil
}

// layer measures all contestants at one layer.
func (o *options) layer(ctx context.Context, out io.Writer, l layer, folder, self, backend string) (int, error) {
	var all []*runner
	population := filepath.Join(folder, l.name)
	if l.tokens != nil {
		if err := os.Mkdir(population, 0o700); err != nil {
			return 0, err
		}
		if err := l.tokens.files(population); err != nil {
			return 0, err
		}
	}
	for _, c := range contestants {
		if !chosen(o.only, c.name) {
			continue
		}
		s := setting{layer: l, folder: folder, population: population, self: self, gateway: o.gateway, backend: backend}
		if l.limit && l.tokens == nil {
			s.allowed = 1
			if err := c.limits(ctx, s); err != nil {
				return 0, fmt.Errorf("%s with a limit of 1: %w", c.name, err)
			}
		}
		s.allowed = 100_000_000
		r, stop, err := c.begin(ctx, s)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", c.name, err)
		}
		if r == nil {
			continue // it cannot
		}
		defer stop()
		if err := l.correct(ctx, r.url, population); err != nil {
			return 0, fmt.Errorf("%s answers wrongly: %w", c.name, err)
		}
		all = append(all, r)
	}
	if o.rounds == 0 {
		_, err := fmt.Fprintf(out, "%s: %d contestants answer rightly\n", l.name, len(all))
		return len(all), err
	}
	for round := range o.rounds {
		for i := range all {
			r := all[(i+round)%len(all)]
			if err := r.measure(ctx, o); err != nil {
				return 0, fmt.Errorf("%s: %w", r.name, err)
			}
		}
	}
	if err := table(out, l, o, all); err != nil || !o.half {
		return len(all), err
	}
	return len(all), o.halfLoad(ctx, out, l, all, self, backend, population)
}

// start runs a command on one processor and waits until it listens.
func start(ctx context.Context, cpu, log, address string, args ...string) (stop func(), pid int, err error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, 0, err
	}
	cmd := exec.CommandContext(ctx, "taskset", append([]string{"-c", cpu}, args...)...) //nolint:gosec // what is measured
	cmd.Stdout, cmd.Stderr = file, file
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		_ = file.Close()
		close(ended)
	}()
	stop = func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
	}
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); {
		if listens(ctx, address) {
			return stop, cmd.Process.Pid, nil // taskset becomes the command
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(log)
			return nil, 0, fmt.Errorf("%s ended: %s", args[0], text)
		case <-time.After(20 * time.Millisecond):
		}
	}
	stop()
	return nil, 0, fmt.Errorf("%s does not listen", args[0])
}
