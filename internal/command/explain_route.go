// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/internal/endpoint"
)

// routeFlags are the flags of `gatehouse explain route`.
type routeFlags struct {
	world   worldFlags
	paths   []string
	method  string
	headers []string
	port    int
	output  string
}

func (a *app) explainRouteCommand() *cobra.Command {
	var f routeFlags
	cmd := &cobra.Command{
		Use:   "route HOST PATH",
		Short: "Say what the gateway makes of a request",
		Long: "Say what becomes of a request at every listener of the gateway that it could come to: the form in which it\n" +
			"is judged, the rule that is taken and those that are not, with the reason, the policies that hold and where\n" +
			"they come from, and the backend. Nothing is sent: the code that routes requests is asked.\n\n" +
			"Exit codes: 0 a rule is for it, 1 the gateway answers by itself (404, 400) or has no such listener, 2 it could not be told.",
		Example: a.examples("  gatehouse explain route shop.example.com /orders/1 -f k8s/\n" +
			"  gatehouse explain route shop.example.com /orders --method POST --header 'X-Version: 2' -f k8s/ -o json\n" +
			"  gatehouse explain route shop.example.com '/orders?id=1' --port 443"),
		Args:              between(2, 2),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.explainRoute(cmd.Context(), &f, args[0], args[1])
		},
	}
	f.world.add(cmd)
	flags := cmd.Flags()
	flags.StringSliceVarP(&f.paths, "filename", "f", nil, "files or folders to read, or - for the standard input; default: the cluster")
	flags.StringVar(&f.method, "method", http.MethodGet, "method of the request")
	flags.StringArrayVar(&f.headers, "header", nil, "header line, as \"Name: value\"; may be given again")
	flags.IntVar(&f.port, "port", 0, "only the listeners of this port")
	addOutput(cmd, &f.output, networkOutputs)
	return cmd
}

func (a *app) explainRoute(ctx context.Context, f *routeFlags, host, target string) error {
	q := endpoint.Question{Method: f.method, Host: host, Target: target, Headers: http.Header{}, Port: f.port}
	for _, text := range f.headers {
		name, value, found := strings.Cut(text, ":")
		if !found || strings.TrimSpace(name) == "" {
			return errors.New("--header: a line is a name, a colon, and a value")
		}
		q.Headers.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if f.port < 0 || f.port > 65535 {
		return fmt.Errorf("--port %d is not between 1 and 65535", f.port)
	}
	w, err := a.world(ctx, &f.world, f.paths)
	if err != nil {
		return err
	}
	t, err := w.Explain(&q)
	if err != nil {
		return err
	}
	a.assumed(t.Assumed, f.world.judge.quiet)
	if f.output == "text" {
		err = t.Text(a.Out)
	} else {
		err = a.write(f.output, t)
	}
	if err != nil {
		return err
	}
	a.tell(w.faults)
	if len(t.Answers) == 0 {
		a.say("note: the gateway has no listener for it")
	}
	switch {
	case len(w.faults) > 0:
		return failure(ExitFault)
	case !t.Routed():
		return failure(ExitFindings)
	}
	return nil
}
