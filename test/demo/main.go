// SPDX-License-Identifier: Apache-2.0

// Command demo shows Gatehouse at work on a real API server that it builds and
// starts itself: `make demo`. It prints what it does as a person would type it,
// and fails when a verdict is not the expected one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	// The webhook dies with the thread that started it (Pdeathsig): stay on one.
	runtime.LockOSThread()
	// A set of its own: a library adds flags to the common one.
	flags := flag.NewFlagSet("make demo ARGS=", flag.ContinueOnError)
	keep := flags.Bool("keep", false, "stay up afterwards, for playing with kubectl")
	verbose := flags.Bool("verbose", false, "show what the control plane and the webhook log")
	switch err := flags.Parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // the flag set has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d := &demo{ctx: ctx, out: os.Stdout, verbose: *verbose, colour: terminal(os.Stdout)}
	if err := d.play(*keep); err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		return 1
	}
	return 0
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
}
