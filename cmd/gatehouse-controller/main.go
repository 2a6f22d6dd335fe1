// SPDX-License-Identifier: Apache-2.0

// Command gatehouse-controller judges what is in the cluster already, reports
// it, and watches over the webhook.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gatehouse-sh/gatehouse/internal/controller/serve"
	"github.com/gatehouse-sh/gatehouse/internal/version"
)

func main() { os.Exit(run()) }

func run() int {
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
	verbose := flag.Bool("verbose", false, "log every pass of the scan")
	showVersion := flag.Bool("version", false, "print the version and exit")
	flag.Usage = usage
	flag.Parse()
	if *showVersion {
		if _, err := fmt.Fprintln(os.Stdout, "gatehouse-controller", version.Get().Version); err != nil {
			return 1
		}
		return 0
	}
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "gatehouse-controller: unexpected argument %q\n", flag.Arg(0))
		return 2
	}
	log := logger(*verbose)
	cfg, err := ctrl.GetConfig()
	if err != nil {
		fmt.Fprintf(os.Stderr, "gatehouse-controller: find the cluster: %v\n", err)
		return 1
	}
	log.Info("starting", "version", version.Get().Version)
	if err := serve.Run(ctrl.SetupSignalHandler(), cfg, o, log); err != nil {
		log.Error(err, "stopped")
		return 1
	}
	return 0
}

func usage() {
	fmt.Fprint(os.Stderr, "gatehouse-controller judges what is in a cluster already, reports it, and watches over the webhook.\n\nUsage: gatehouse-controller [flags]\n\n")
	flag.PrintDefaults()
}

// logger writes JSON lines. Level 0 is for operators, 1 for details.
func logger(verbose bool) logr.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.Level(-1)
	}
	return logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
