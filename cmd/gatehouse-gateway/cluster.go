// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"math"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gatehouse-sh/gatehouse/gateway/kube"
)

// cluster are the flags of serving what a cluster says.
type cluster struct {
	kubeconfig string
	controller string
	addresses  string
	offset     uint
	metrics    string
	handOver   handOver
}

func (c *cluster) flags(flags *flag.FlagSet) {
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "with --kubernetes: file that says which cluster; empty: $KUBECONFIG, or the one in which this runs")
	flags.StringVar(&c.controller, "controller", kube.DefaultController, "with --kubernetes: the controllerName of the GatewayClasses that are served")
	flags.StringVar(&c.addresses, "addresses", "", "with --kubernetes: comma-separated addresses, ranges A-B and networks A/N of this machine, of which each Gateway gets one; empty: all Gateways share all addresses, and have to have ports of their own")
	flags.StringVar(&c.metrics, "metrics", "", "with --kubernetes or --control: address:port where Prometheus, and probes of health (/healthz) and readiness (/readyz), are answered; empty: nowhere")
	flags.UintVar(&c.offset, "port-offset", 0, "with --kubernetes: added to the port of each listener, for processes that may not listen below 1024")
	c.handOver.flags(flags)
}

// run serves until ctx ends. It returns the exit code.
func (c *cluster) run(ctx context.Context, drain time.Duration, log logr.Logger, out, errs io.Writer) int {
	pool, err := kube.ParsePool(c.addresses)
	if err != nil {
		say(errs, "gatehouse-gateway: --addresses: %v\n", err)
		return 2
	}
	if c.offset > math.MaxUint16 {
		say(errs, "gatehouse-gateway: --port-offset: %d is more than %d\n", c.offset, math.MaxUint16)
		return 2
	}
	if _, _, err := c.handOver.read(); err != nil {
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
	shared := kube.NewLocal(kube.LocalOptions{Pool: pool, PortOffset: uint16(c.offset), Drain: drain, Log: log, Stdout: out})
	var plane plane = shared
	if c.handOver.address != "" {
		if plane, err = c.handOver.start(ctx, config, shared, log); err != nil {
			say(errs, "gatehouse-gateway: --hand-over: %v\n", err)
			return 1
		}
	}
	controller, err := kube.New(config, kube.Options{Controller: c.controller, Plane: plane, Log: log})
	if err != nil {
		say(errs, "gatehouse-gateway: %v\n", err)
		return 1
	}
	if c.metrics != "" {
		if err := c.tell(ctx, controller, plane, log); err != nil {
			say(errs, "gatehouse-gateway: --metrics: %v\n", err)
			return 1
		}
	}
	err = controller.Run(ctx)
	log.Info("ending", "drain", drain.String())
	plane.Close() //nolint:contextcheck // ctx has ended
	if err != nil {
		say(errs, "gatehouse-gateway: %v\n", err)
		return 1
	}
	return 0
}

// plane serves Gateways, and says so to monitoring.
type plane interface {
	kube.Plane
	prometheus.Gatherer
	Close()
}

// errNotReady is why no requests should be sent here.
var errNotReady = errors.New("what the cluster says is not known yet")

// tell answers monitoring until ctx ends.
func (c *cluster) tell(ctx context.Context, controller *kube.Controller, plane plane, log logr.Logger) error {
	metrics, err := controller.Metrics(plane)
	if err != nil {
		return err
	}
	ready := func() error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case !controller.Ready():
			return errNotReady
		}
		return nil
	}
	return monitor(ctx, c.metrics, metrics, ready, log)
}
