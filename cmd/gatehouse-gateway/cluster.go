// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gatehouse-sh/gatehouse/gateway/kube"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// cluster are the flags of serving what a cluster says.
type cluster struct {
	kubeconfig string
	controller string
	addresses  string
	told       string
	offset     uint
	metrics    string
	handOver   handOver
}

func (c *cluster) flags(flags *flag.FlagSet) {
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "with --kubernetes: file that says which cluster; empty: $KUBECONFIG, or the one in which this runs")
	flags.StringVar(&c.controller, "controller", kube.DefaultController, "with --kubernetes: the controllerName of the GatewayClasses that are served")
	flags.StringVar(&c.addresses, "addresses", "", "with --kubernetes: comma-separated addresses, ranges A-B and networks A/N of this machine, of which each Gateway gets one; empty: all Gateways share all addresses, and have to have ports of their own")
	flags.StringVar(&c.told, "status-addresses", "", "with --kubernetes and without --addresses: comma-separated addresses and names of hosts, 16 at most, by which clients reach what this process serves, for statuses of Gateways and Ingresses; empty: the addresses of this machine")
	flags.StringVar(&c.metrics, "metrics", "", "with --kubernetes or --control: address:port where Prometheus, and probes of health (/healthz) and readiness (/readyz), are answered; empty: nowhere")
	flags.UintVar(&c.offset, "port-offset", 0, "with --kubernetes: added to the port of each listener, for processes that may not listen below 1024")
	c.handOver.flags(flags)
}

// run serves until ctx ends. It returns the exit code.
func (c *cluster) run(ctx context.Context, end ending, log logr.Logger, out, errs io.Writer) int {
	pool, err := kube.ParsePool(c.addresses)
	if err != nil {
		say(errs, "gatehouse-gateway: --addresses: %v\n", err)
		return 2
	}
	told, err := kube.ParseTold(c.told)
	if err == nil && !told.Empty() && !pool.Empty() {
		err = errors.New("it goes without --addresses, by which Gateways have addresses of their own")
	}
	if err != nil {
		say(errs, "gatehouse-gateway: --status-addresses: %v\n", err)
		return 2
	}
	if c.offset > math.MaxUint16 {
		say(errs, "gatehouse-gateway: --port-offset: %d is more than %d\n", c.offset, math.MaxUint16)
		return 2
	}
	_, _, lease, err := c.handOver.read()
	if err != nil {
		say(errs, "gatehouse-gateway: %v\n", err)
		return 2
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		say(errs, "gatehouse-gateway: find the cluster: %v\n", err)
		return 1
	}
	job := &controlling{cluster: c, config: config, options: kube.LocalOptions{Pool: pool, Told: told, PortOffset: uint16(c.offset), Reserved: reserved(c.metrics, c.handOver.address), Drain: end.drain, Log: log, Stdout: out}, end: end, log: log}
	if c.metrics != "" {
		if err := monitor(ctx, c.metrics, job, func() error { return job.ready(ctx) }, log); err != nil {
			say(errs, "gatehouse-gateway: --metrics: %v\n", err)
			return 1
		}
	}
	if err := job.run(ctx, lease); err != nil {
		say(errs, "gatehouse-gateway: %v\n", err)
		return 1
	}
	return 0
}

// reserved are the addresses of flags that say where this process listens itself, those that
// are names being everywhere.
func reserved(flags ...string) []netip.AddrPort {
	var out []netip.AddrPort
	for _, f := range flags {
		host, port, err := net.SplitHostPort(f)
		if err != nil {
			continue // it is empty, or will be refused
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			continue
		}
		at, err := netip.ParseAddr(host)
		if err != nil {
			at = netip.IPv6Unspecified()
		}
		out = append(out, netip.AddrPortFrom(at, uint16(number)))
	}
	return out
}

// self is what a Lease calls this process.
func self() string {
	host, err := os.Hostname()
	if err != nil {
		host = "gatehouse-gateway"
	}
	return host + "_" + rand.Text()
}

// controlling reads the cluster and has it served. Where data planes serve a part of it, each
// of several processes serves the rest, and one at a time makes data planes, hands over to
// them and writes statuses.
type controlling struct {
	cluster *cluster
	config  *rest.Config
	options kube.LocalOptions
	end     ending
	log     logr.Logger

	controller atomic.Pointer[kube.Controller] // nil until it runs
	metrics    atomic.Pointer[http.Handler]
}

// run serves until ctx ends.
func (j *controlling) run(ctx context.Context, lease translate.Name) error {
	shared := kube.NewLocal(j.options)
	var plane plane = shared
	var control *controlPlane
	if h := &j.cluster.handOver; h.address != "" {
		var err error
		if control, err = h.make(j.config, shared, j.cluster.controller, j.log); err != nil {
			return fmt.Errorf("--hand-over: %w", err)
		}
		plane = control.split
	}
	controller, err := kube.New(j.config, kube.Options{Controller: j.cluster.controller, Plane: plane, Log: j.log, Standby: control != nil})
	if err != nil {
		return err
	}
	metrics, err := controller.Metrics(plane)
	if err != nil {
		return err
	}
	j.metrics.Store(&metrics)
	j.controller.Store(controller)
	if control == nil {
		err = controller.Run(ctx)
	} else {
		err = j.both(ctx, controller, control, lease)
	}
	j.end.begin(j.log)
	plane.Close()
	return err
}

// both serves what is served here, and leads whenever it holds the Lease. Who has lost it
// serves on, and asks for it again: an API server that is away takes the Lease, not the traffic.
func (j *controlling) both(ctx context.Context, controller *kube.Controller, control *controlPlane, lease translate.Name) error {
	ctx, stop := context.WithCancel(ctx)
	led := make(chan error, 1)
	go func() {
		defer stop()
		led <- kube.Lead(ctx, j.config, lease, self(), j.log, func(leading context.Context) error { return control.lead(leading, controller) })
	}()
	err := controller.Run(ctx)
	stop()
	return errors.Join(err, <-led)
}

// ready tells whether what the cluster says is served.
func (j *controlling) ready(ctx context.Context) error {
	controller := j.controller.Load()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case controller == nil || !controller.Ready():
		return errNotReady
	}
	return nil
}

// ServeHTTP answers Prometheus; nothing before there is something to say.
func (j *controlling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if metrics := j.metrics.Load(); metrics != nil {
		(*metrics).ServeHTTP(w, r)
	}
}

// plane serves Gateways, and says so to monitoring.
type plane interface {
	kube.Plane
	prometheus.Gatherer
	Close()
}

// errNotReady is why no requests should be sent here.
var errNotReady = errors.New("what the cluster says is not known yet")
