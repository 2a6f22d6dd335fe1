// SPDX-License-Identifier: Apache-2.0

// Command gatehouse judges manifests and clusters by the checks of the
// admission webhook. Called kubectl-gatehouse, it is a plugin of kubectl.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/command"
)

// patience is how long a command may take to end what it does when it is told to.
const patience = 10 * time.Second

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A proof over very many ports and blocks does not look at the context: the second
	// signal ends it at once, the first one after a while.
	context.AfterFunc(ctx, func() {
		stop()
		<-time.After(patience)
		os.Exit(128 + int(syscall.SIGTERM))
	})
	env := command.Environment{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Program: os.Args[0], Getenv: os.Getenv, Now: time.Now}
	return command.Run(ctx, env, os.Args[1:])
}
