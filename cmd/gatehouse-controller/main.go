// SPDX-License-Identifier: Apache-2.0

// Command gatehouse-controller judges what is in the cluster already, reports
// it, watches over the webhook, and keeps the network policies of namespaces that
// were opted in.
package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gatehouse-sh/gatehouse/internal/controller/serve"
	"github.com/gatehouse-sh/gatehouse/internal/daemon"
	"github.com/gatehouse-sh/gatehouse/internal/version"
)

func main() {
	var o serve.Options
	flag.StringVar(&o.Metrics, "metrics", ":8080", "address to serve metrics on, 0 for none")
	flag.StringVar(&o.Probes, "probes", ":8081", "address to serve /healthz and /readyz on, 0 for none")
	flag.StringVar(&o.Namespace, "namespace", "gatehouse-system", "namespace in which Gatehouse runs; only what protects Gatehouse itself is judged there")
	flag.StringVar(&o.Service, "webhook", "gatehouse-webhook", "name of the webhook's Service and Deployment")
	flag.StringVar(&o.URL, "webhook-url", "", "base URL by which the webhook is registered, if not by its Service")
	flag.BoolVar(&o.FailOpen, "fail-open", false, "the webhook is registered to let requests through while it is down")
	flag.StringVar(&o.Canary, "canary-namespace", "gatehouse-canary", "enforced namespace in which a dry-run must be refused every minute, empty for none")
	flag.DurationVar(&o.CompareRBAC, "compare-rbac-every", 24*time.Hour, "how often roles and bindings are compared with what they were, 0 for never")
	flag.IntVar(&o.Workers, "workers", 2, "how many objects are judged at once")
	sources := networkFlags(flag.CommandLine, &o.Plans)
	own := followFlags(flag.CommandLine, &o.Plans)
	program := daemon.Program{
		Name: "gatehouse-controller", Verbose: "every pass of the scan",
		About: "judges what is in a cluster already, reports it, watches over the webhook, and keeps network policies",
		Run: func(ctx context.Context, cfg *rest.Config, log logr.Logger) error {
			log.Info("starting", "version", version.Get().Version)
			if err := errors.Join(sources.load(&o.Plans), own.load(&o.Plans)); err != nil {
				return err
			}
			var err error
			if o.Flows, err = sources.relay.Options(); err != nil {
				return err
			}
			return serve.Run(ctx, cfg, o, log)
		},
	}
	os.Exit(program.Main(ctrl.SetupSignalHandler(), flag.CommandLine, os.Args[1:]))
}
