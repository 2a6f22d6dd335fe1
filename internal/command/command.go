// SPDX-License-Identifier: Apache-2.0

// Package command is the command line of Gatehouse: it reads objects from
// files or a cluster, judges them with the same engine as the webhook, and
// hands the findings to internal/report.
//
// cmd/gatehouse calls Run. Nothing here is a library for other programs; what
// users may rely on is described in docs/cli.md.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
)

// The exit codes. They are documented in docs/cli.md and do not change.
const (
	ExitClean    = 0 // nothing that fails the run
	ExitFindings = 1 // at least one finding fails the run
	ExitFault    = 2 // something could not be judged or done; also usage errors
)

// Environment is what the process gives to the commands.
type Environment struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	// Program is the name by which the program was called (argv[0]).
	Program string

	// Getenv reads environment variables. Now is the clock by which exemptions
	// expire.
	Getenv func(string) string
	Now    func() time.Time
}

// failure ends a command with an exit code and without a message: what there
// was to say has been said.
type failure int

func (f failure) Error() string { return fmt.Sprintf("exit code %d", int(f)) }

// Run runs one command line and returns the exit code. It ends early when ctx
// does.
func Run(ctx context.Context, env Environment, args []string) int {
	set, err := catalog.Set()
	if err != nil {
		a := app{Environment: env}
		a.say("%s: %v", programName(env.Program), err)
		return ExitFault
	}
	a := &app{Environment: env, set: set, name: programName(env.Program)}
	root := a.root() //nolint:contextcheck // cobra hands the context to each command
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	var quiet failure
	switch {
	case err == nil:
		return ExitClean
	case errors.As(err, &quiet):
		return int(quiet)
	case ctx.Err() != nil:
		err = errors.New("interrupted")
	}
	a.sayError(err)
	return ExitFault
}

// programName is how messages call the program: kubectl runs its plugins as
// "kubectl-<name>".
func programName(argv0 string) string {
	base := strings.TrimSuffix(filepath.Base(argv0), ".exe")
	if plugin, is := strings.CutPrefix(base, "kubectl-"); is && plugin != "" {
		return "kubectl " + strings.ReplaceAll(plugin, "_", "-")
	}
	return "gatehouse"
}

// app is what every command shares.
type app struct {
	Environment
	set  *checks.Set
	name string
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "gatehouse",
		Short: "Keep what runs inside a Kubernetes cluster inside",
		Long: "Gatehouse finds what exposes the inside of a Kubernetes cluster: Services, routes, Pods and more.\n" +
			"It judges manifests and clusters with the same engine as its admission webhook.",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: a.name},
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          onlyCommands,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return hintedError{err, fmt.Sprintf("See '%s --help'", cmd.CommandPath())}
	})
	root.AddCommand(a.checkCommand(), a.fixCommand(), a.explainCommand(), a.checksCommand(), a.versionCommand(), a.uninstallCommand(), a.backstopCommand(), a.rbacCommand(), a.generateCommand(), a.networkCommand(), a.convertCommand(), a.exposureCommand())
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" { // by itself it would answer an unknown shell with its help, and success
			cmd.Args = onlyCommands
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	return root
}

// onlyCommands refuses an argument that is no command, and names those that
// were perhaps meant.
func onlyCommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2 // one letter too many and one too few
	hint := fmt.Sprintf("See '%s --help'", cmd.CommandPath())
	if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
		hint = fmt.Sprintf("Did you mean '%s %s'?", cmd.CommandPath(), strings.Join(meant, "' or '"+cmd.CommandPath()+" "))
	}
	return hintedError{fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath()), hint}
}

// between accepts so many arguments, and tells whoever gives others what they are.
func between(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return hintedError{errors.New("usage: " + cmd.UseLine()), fmt.Sprintf("See '%s --help'", cmd.CommandPath())}
		}
		return nil
	}
}

// count is a number of things: "1 finding", "2 findings".
func count[N int | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// isTerminal reports whether a stream is one, and its width in columns.
func isTerminal(stream any) (width int, yes bool) {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, true
	}
	return width, true
}

// colour decides about colours on the standard output: https://no-color.org.
func (a *app) colour(when string) (bool, error) {
	switch when {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		_, terminal := isTerminal(a.Out)
		return terminal && a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb", nil
	}
	return false, fmt.Errorf("--color %q is not one of auto, always, never", when)
}

// say writes one line to the standard error in visible characters: errors quote files
// and the answers of clusters, and a line break in a name must not begin what looks like
// another message. When that fails there is nowhere to say so.
func (a *app) say(format string, args ...any) { _ = line(a.Err, format, args...) }

// examples calls the program in its examples as it was called.
func (a *app) examples(text string) string { return strings.ReplaceAll(text, "gatehouse ", a.name+" ") }
