// SPDX-License-Identifier: Apache-2.0

// Package daemon is what the programs that run in a cluster have in common: the
// flags -verbose and -version, the log, and how they begin and end. The main
// packages of gatehouse-webhook and gatehouse-controller call it; the command
// line that people use is internal/command.
package daemon

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gatehouse-sh/gatehouse/internal/version"
)

// Program is one of them.
type Program struct {
	Name    string
	About   string // what it does, as -help says after the name: "answers admission reviews"
	Verbose string // what -verbose logs: "details of single requests"

	// Run works until ctx ends. The flags have been read when it is called.
	Run func(ctx context.Context, cfg *rest.Config, log logr.Logger) error
}

// Main reads the arguments by flags, the program's own, to which it adds the flags
// of this package. It runs the program until ctx ends and returns the exit code: 2
// when an argument is wrong, 1 when the program cannot run or stops with an error.
func (p Program) Main(ctx context.Context, flags *flag.FlagSet, args []string) int {
	verbose := flags.Bool("verbose", false, "log "+p.Verbose)
	showVersion := flags.Bool("version", false, "print the version and exit")
	flags.Usage = func() {
		fmt.Fprintf(os.Stderr, "%s %s.\n\nUsage: %s [flags]\n\n", p.Name, p.About, p.Name)
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); { // it tells what is wrong
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if *showVersion {
		if _, err := fmt.Fprintln(os.Stdout, p.Name, version.Get().Version); err != nil {
			return 1
		}
		return 0
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "%s: unexpected argument %q\n", p.Name, flags.Arg(0))
		return 2
	}
	log := logger(*verbose)
	cfg, err := ctrl.GetConfig()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: find the cluster: %v\n", p.Name, err)
		return 1
	}
	if err := p.Run(ctx, cfg, log); err != nil {
		log.Error(err, "stopped")
		return 1
	}
	return 0
}

// logger writes JSON lines. Level 0 is for operators, 1 for details.
func logger(verbose bool) logr.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.Level(-1)
	}
	return logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
