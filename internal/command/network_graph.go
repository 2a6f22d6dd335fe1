// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/generator/graph"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

var graphOutputs = []string{"svg", "mermaid", "dot"}

func (a *app) networkGraphCommand() *cobra.Command {
	var f togetherFlags
	cmd := &cobra.Command{
		Use:   "graph -f PATH",
		Short: "Draw the connections that manifests declare, and what policies make of them",
		Long: "Draw which workload connects to which, by namespace. Marked are connections from outside of the\n" +
			"cluster (exposed), those that any pod of the cluster could open as well (unguarded), and those that\n" +
			"the NetworkPolicies of the files refuse (blocked). What every workload of a namespace connects to,\n" +
			"such as the name servers, stands in the box of the namespace.",
		Example: a.examples("  gatehouse network graph -f k8s/ > network.svg\n" +
			"  gatehouse network graph -f k8s/ -o mermaid\n" +
			"  gatehouse generate k8s/ --to policies.yaml && gatehouse network graph -f k8s/ -f policies.yaml > guarded.svg"),
		Args: between(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.networkGraph(cmd.Context(), &f) },
	}
	f.add(cmd, graphOutputs...)
	return cmd
}

func (a *app) networkGraph(ctx context.Context, f *togetherFlags) error {
	set, read, err := a.together(ctx, f)
	if err != nil {
		return err
	}
	if !f.model.quiet {
		for _, p := range read.problems {
			a.say("note: not drawn: %s", p)
		}
	}
	var compiled *verify.Set
	if len(set.policies) > 0 {
		if compiled, err = verify.Compile(set.policies, read.model, verify.Options{}); err != nil {
			return fmt.Errorf("read the policies: %w", err)
		}
	}
	g, err := graph.Build(read.model, compiled)
	if err != nil {
		return err
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
	_, err = fmt.Fprint(a.Out, text)
	return err
}
