// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/graph"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

var graphOutputs = []string{"svg", "mermaid", "dot"}

func (a *app) networkGraphCommand() *cobra.Command {
	var f togetherFlags
	cmd := &cobra.Command{
		Use:   "graph -f PATH|--cluster",
		Short: "Draw the connections that manifests declare, and what policies make of them",
		Long: "Draw which workload connects to which, by namespace. Marked are connections from outside of the\n" +
			"cluster (exposed), those that any pod of the cluster could open as well (unguarded), and those that\n" +
			"the policies refuse (blocked). What every workload of a namespace connects to,\n" +
			"such as the name servers, stands in the box of the namespace.\n\n" +
			"Where there are too many workloads or lines for a picture, each namespace is one box, and --namespace\n" +
			"draws the workloads of some. DOT, which other programs read, has everything.",
		Example: a.examples("  gatehouse network graph -f k8s/ > network.svg\n" +
			"  gatehouse network graph -f k8s/ -o mermaid\n" +
			"  gatehouse network graph --cluster -n shop -n payments > network.svg\n" +
			"  gatehouse generate k8s/ --to policies.yaml && gatehouse network graph -f k8s/ -f policies.yaml > guarded.svg"),
		Args: between(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.networkGraph(cmd.Context(), &f) },
	}
	f.add(cmd, graphOutputs...)
	cmd.Flags().StringSliceVarP(&f.model.namespaces, "namespace", "n", nil, "draw the workloads of these namespaces; others are one box each, where these have connections with them")
	return cmd
}

func (a *app) networkGraph(ctx context.Context, f *togetherFlags) error {
	set, read, err := a.together(ctx, f)
	if err != nil {
		return err
	}
	if !f.model.quiet {
		for _, text := range generator.Told(read.problems) {
			a.say("note: not drawn: %s", text)
		}
	}
	var compiled *verify.Set
	if len(set.policies) > 0 {
		if compiled, err = verify.Compile(set.policies, read.model, read.profile.Verify()); err != nil {
			return fmt.Errorf("read the policies: %w", sayRanges(err))
		}
	}
	bar := a.progress("drawing lines", manyLines)
	defer bar.stop()
	bound := map[string]graph.Bound{"svg": graph.ForSVG, "mermaid": graph.ForMermaid}[f.output]
	g, err := graph.Build(read.model, compiled, graph.Options{Namespaces: f.model.namespaces, Bound: bound, Progress: bar.set})
	if errors.As(err, new(*graph.TooLargeError)) {
		return fmt.Errorf("%w: --namespace chooses what is drawn, and -o dot has everything", err)
	}
	if err != nil {
		return err
	}
	if g.Folded() && !f.model.quiet {
		a.say("note: there are more than %d workloads or %d lines, so that each namespace is one box: --namespace draws the workloads of some", bound.Boxes, bound.Lines)
	}
	var text string
	switch f.output {
	case "svg":
		text = g.SVG("Who connects to whom")
	case "mermaid":
		text = g.Mermaid()
	case "dot":
		text = g.DOT()
	default:
		return oneOf("--output", f.output, graphOutputs)
	}
	bar.stop()
	_, err = fmt.Fprint(a.Out, text)
	return err
}
