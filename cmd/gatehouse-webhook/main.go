// SPDX-License-Identifier: Apache-2.0

// Command gatehouse-webhook answers the API server's admission reviews.
package main

import (
	"context"
	"flag"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gatehouse-sh/gatehouse/internal/daemon"
	"github.com/gatehouse-sh/gatehouse/internal/version"
	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

func main() {
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
	program := daemon.Program{
		Name: "gatehouse-webhook", Verbose: "details of single requests",
		About: "answers the Kubernetes API server's admission reviews",
		Run: func(ctx context.Context, cfg *rest.Config, log logr.Logger) error {
			o.Names, o.GuardGroups = list(*names), list(*groups)
			log.Info("starting", "version", version.Get().Version, "port", o.Port)
			return serve.Run(ctx, cfg, o, log)
		},
	}
	os.Exit(program.Main(ctrl.SetupSignalHandler(), flag.CommandLine, os.Args[1:]))
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
