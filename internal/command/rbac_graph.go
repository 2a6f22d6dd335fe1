// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/graph"
)

func (a *app) graphCommand() *cobra.Command {
	var f rbacFlags
	var least string
	var subjects []string
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "Draw who has which dangerous power by which binding and role",
		Example: a.examples("  gatehouse rbac graph > rbac.svg\n" +
			"  gatehouse rbac graph -o mermaid --subject shop/web\n" +
			"  gatehouse rbac graph -o dot --least critical | dot -Tpdf > rbac.pdf"),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.graph(cmd.Context(), f, least, subjects) },
	}
	f.add(cmd, "svg", "mermaid", "dot")
	cmd.Flags().StringVar(&least, "least", "medium", "leave out powers less severe than this")
	cmd.Flags().StringSliceVar(&subjects, "subject", nil, "draw only these subjects and the groups that they are in")
	complete(cmd, "least", fixed("info", "low", "medium", "high", "critical"))
	return cmd
}

func (a *app) graph(ctx context.Context, f rbacFlags, least string, subjects []string) error {
	severity, known := checks.ParseSeverity(least)
	if !known {
		return fmt.Errorf("--least %q is not one of info, low, medium, high, critical", least)
	}
	o := graph.Options{Least: severity}
	if len(subjects) > 0 {
		var wanted []authz.Subject
		for _, text := range subjects {
			s, err := parseSubject(text)
			if err != nil {
				return fmt.Errorf("--subject: %w", err)
			}
			wanted = append(wanted, asking(s, nil))
		}
		o.Keep = func(s rbacv1.Subject) bool {
			return slices.ContainsFunc(wanted, func(w authz.Subject) bool { return w.Names(&s, s.Namespace) })
		}
	}
	v, err := f.view(ctx, a)
	if err != nil {
		return err
	}
	g := graph.Build(v.View, o)
	if len(g.Nodes) == 0 {
		whom := "anybody"
		if len(subjects) > 0 {
			whom = "them"
		}
		a.say("note: no binding gives %s a power of severity %s or above", whom, least)
	}
	var text string
	switch f.output {
	case "svg":
		text = g.SVG("Who may do what harm")
	case "mermaid":
		text = g.Mermaid()
	case "dot":
		text = g.DOT()
	default:
		return fmt.Errorf("--output %q is not one of svg, mermaid, dot", f.output)
	}
	_, err = fmt.Fprint(a.Out, text)
	return err
}
