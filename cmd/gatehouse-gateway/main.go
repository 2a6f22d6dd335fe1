// SPDX-License-Identifier: Apache-2.0

// Command gatehouse-gateway is the door: it serves what a configuration file says, for
// which it needs no cluster, or what the Gateway API of a cluster says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/certs"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/server"
	"github.com/gatehouse-sh/gatehouse/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code) //nolint:gocritic // stop was called
}

// options are the flags.
type options struct {
	file  string
	check bool
	every time.Duration
	end   ending

	kubernetes bool
	cluster    cluster
	follower   follower
}

// run is the program. It returns the exit code: 2 when an argument is wrong, 1 when
// the configuration is, or when it cannot be served.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("gatehouse-gateway", flag.ContinueOnError)
	flags.SetOutput(errs)
	var o options
	flags.StringVar(&o.file, "config", "", "file to serve from; it is read again when it or a file that it names changes")
	flags.BoolVar(&o.check, "check", false, "read the configuration, say what is wrong with it, and exit")
	flags.DurationVar(&o.every, "poll", time.Second, "how often files are looked at for changes")
	flags.DurationVar(&o.end.drain, "drain", 30*time.Second, "how long requests under way may take when the program ends")
	flags.DurationVar(&o.end.linger, "linger", 0, "with --kubernetes or --control: how long connections are still taken as before when the program is told to end, for Services that send clients here until they know; probes say meanwhile that it is not ready")
	flags.BoolVar(&o.kubernetes, "kubernetes", false, "serve what the Gateway API of a cluster says, in place of a file")
	o.cluster.flags(flags)
	o.follower.flags(flags)
	verbose := flags.Bool("verbose", false, "log details of single connections")
	showVersion := flags.Bool("version", false, "print the version and exit")
	flags.Usage = func() {
		say(errs, "gatehouse-gateway lets in what a configuration allows, and forwards it.\n\nUsage: gatehouse-gateway --config FILE [flags]\n       gatehouse-gateway --kubernetes [flags]\n       gatehouse-gateway --control HOST:PORT --ca FILE --token FILE [flags]\n\n")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case *showVersion:
		say(out, "gatehouse-gateway %s\n", version.Get().Version)
		return 0
	case flags.NArg() > 0:
		say(errs, "gatehouse-gateway: unexpected argument %q\n", flags.Arg(0))
		return 2
	case o.kubernetes && (o.file != "" || o.check):
		say(errs, "gatehouse-gateway: --kubernetes goes with neither --config nor --check\n")
		return 2
	case o.follower.control != "" && (o.file != "" || o.check || o.kubernetes):
		say(errs, "gatehouse-gateway: --control goes with neither --config nor --check nor --kubernetes\n")
		return 2
	case o.follower.incomplete():
		say(errs, "gatehouse-gateway: --control HOST:PORT needs --ca and --token, and --keep needs it\n")
		return 2
	case !o.kubernetes && o.file == "" && o.follower.control == "":
		say(errs, "gatehouse-gateway: --config, --kubernetes or --control is missing\n")
		return 2
	case o.every <= 0 || o.end.drain < 0 || o.end.linger < 0:
		say(errs, "gatehouse-gateway: --poll, --drain and --linger are lengths of time\n")
		return 2
	case o.end.linger > 0 && o.file != "":
		say(errs, "gatehouse-gateway: --linger goes with --kubernetes or --control\n")
		return 2
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.Level(-1)
	}
	log := logr.FromSlogHandler(slog.NewJSONHandler(errs, &slog.HandlerOptions{Level: level}))
	switch {
	case o.follower.control != "":
		return o.follower.run(ctx, o.cluster.metrics, o.end, log, out, errs)
	case o.kubernetes:
		return o.cluster.run(ctx, o.end, log, out, errs)
	}
	return o.fromFile(ctx, log, out, errs)
}

// fromFile serves what a file says, or says what is wrong with it.
func (o *options) fromFile(ctx context.Context, log logr.Logger, out, errs io.Writer) int {
	loaded, err := config.Load(o.file)
	if err != nil {
		say(errs, "%v\n", err)
		return 1
	}
	debug.FreeOSMemory() // reading a file takes several times what is kept of it
	if o.check {
		s := loaded.Snapshot
		if _, _, err := certs.Load(s.Certificates, nil, time.Now()); err != nil {
			say(errs, "%v\n", err)
			return 1
		}
		for _, w := range loaded.Warnings {
			say(errs, "warning: %v\n", w)
		}
		say(out, "%s: in order (listeners: %d, routes: %d, backends: %d, certificates: %d)\n", o.file, len(s.Listeners), len(s.Routes), len(s.Backends), len(s.Certificates))
		return 0
	}
	if err := serve(ctx, o, loaded, log, out); err != nil {
		say(errs, "gatehouse-gateway: %v\n", err)
		return 1
	}
	return 0
}

// serve serves until ctx ends.
func serve(ctx context.Context, o *options, loaded config.Loaded, log logr.Logger, out io.Writer) error {
	s := server.New(log, out)
	if err := s.Apply(ctx, loaded.Snapshot); err != nil {
		return err
	}
	debug.FreeOSMemory()
	warn(log, loaded)
	apply := func(now config.Loaded) error {
		err := s.Apply(ctx, now.Snapshot)
		if err == nil {
			log.Info("configuration applied")
			warn(log, now)
		}
		debug.FreeOSMemory()
		return err
	}
	config.Watch(ctx, o.file, o.every, loaded, apply, s.Refused)
	o.end.begin(log)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.end.drain)
	defer cancel()
	s.Close(ending)
	return nil
}

// warn tells what a configuration has in vain.
func warn(log logr.Logger, loaded config.Loaded) {
	for _, w := range loaded.Warnings {
		log.Info("warning", "fault", w.Error())
	}
}

// say writes to where the answer is read, if it still is.
func say(to io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(to, format, args...)
}
