// SPDX-License-Identifier: Apache-2.0

// Command gatehouse-webhook answers the API server's admission reviews.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gatehouse-sh/gatehouse/internal/version"
	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

func main() { os.Exit(run()) }

func run() int {
	serve.TuneMemory()
	var o serve.Options
	flag.StringVar(&o.Host, "host", "", "address to serve reviews on; empty is every address")
	flag.IntVar(&o.Port, "port", 9443, "port to serve reviews on")
	flag.StringVar(&o.Metrics, "metrics", ":8080", "address to serve metrics on, 0 for none")
	flag.StringVar(&o.Probes, "probes", ":8081", "address to serve /healthz and /readyz on, 0 for none")
	flag.StringVar(&o.Namespace, "namespace", "gatehouse-system", "namespace in which Gatehouse runs; it is never judged")
	flag.StringVar(&o.Service, "service", "gatehouse-webhook", "name of the Service in front of the webhook")
	flag.StringVar(&o.CertDir, "cert-dir", "", "folder with tls.crt and tls.key made by cert-manager; empty: the webhook makes its own")
	flag.DurationVar(&o.CertInterval, "cert-interval", 10*time.Second, "how often certificates and registration are looked at")
	flag.DurationVar(&o.CertOverlap, "cert-overlap", 10*time.Minute, "how long an old and a new authority are trusted together")
	names := flag.String("names", "", "further comma-separated names and addresses by which the API server calls")
	groups := flag.String("guard-groups", "system:masters", "comma-separated groups whose members may take a namespace out of admission")
	verbose := flag.Bool("verbose", false, "log details of single requests")
	showVersion := flag.Bool("version", false, "print the version and exit")
	flag.Usage = usage
	flag.Parse()
	if *showVersion {
		if _, err := fmt.Fprintln(os.Stdout, "gatehouse-webhook", version.Get().Version); err != nil {
			return 1
		}
		return 0
	}
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "gatehouse-webhook: unexpected argument %q\n", flag.Arg(0))
		return 2
	}
	o.Names, o.GuardGroups = list(*names), list(*groups)
	log := logger(*verbose)
	cfg, err := ctrl.GetConfig()
	if err != nil {
		fmt.Fprintf(os.Stderr, "gatehouse-webhook: find the cluster: %v\n", err)
		return 1
	}
	log.Info("starting", "version", version.Get().Version, "port", o.Port)
	if err := serve.Run(ctrl.SetupSignalHandler(), cfg, o, log); err != nil {
		log.Error(err, "stopped")
		return 1
	}
	return 0
}

func usage() {
	fmt.Fprint(os.Stderr, "gatehouse-webhook answers the Kubernetes API server's admission reviews.\n\nUsage: gatehouse-webhook [flags]\n\n")
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

func list(s string) []string {
	var out []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}
