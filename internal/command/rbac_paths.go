// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func (a *app) pathsCommand() *cobra.Command {
	var f rbacFlags
	var groups []string
	cmd := &cobra.Command{
		Use:   "paths [SUBJECT]",
		Short: "Show how a subject can become more than it is",
		Long: "Show what a subject can do in the end: its dangerous powers, whom it can become by them, and\n" +
			"the shortest way to the worst. Without a subject, list every ServiceAccount that has a\n" +
			"dangerous power, the most severe first.",
		Example: a.examples("  gatehouse rbac paths shop/web\n" +
			"  gatehouse rbac paths -f manifests/\n" +
			"  gatehouse rbac paths group:developers -o json"),
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.paths(cmd.Context(), f, groups, args) },
	}
	f.add(cmd, "text", "json", "yaml")
	cmd.Flags().StringSliceVar(&groups, "group", nil, "groups that the subject is a member of besides its own")
	return cmd
}

// effectLine is what a subject can do, in the machine forms.
type effectLine struct {
	Subject  string      `json:"subject"`
	Severity string      `json:"severity"` // "unset": nothing dangerous
	Everyone bool        `json:"everyone"` // it can become every ServiceAccount
	Becomes  []string    `json:"becomes"`  // namespaces whose ServiceAccounts it can become
	Powers   []powerLine `json:"powers"`
	Path     []string    `json:"path"`
}

type powerLine struct {
	Check     string `json:"check"`
	Severity  string `json:"severity"`
	Can       string `json:"can"`
	Namespace string `json:"namespace"` // empty: everywhere
	Example   string `json:"example"`
	Binding   string `json:"binding"`
	Role      string `json:"role"`
}

func effectOf(e *power.Effect, subject string) effectLine {
	out := effectLine{
		Subject: subject, Severity: e.Severity.String(), Everyone: e.Everyone,
		Becomes: append([]string{}, e.Reaches...), Powers: []powerLine{}, Path: append([]string{}, e.Path()...),
	}
	for _, h := range e.Direct {
		out.Powers = append(out.Powers, powerLine{
			h.Power.ID, h.Severity.String(), h.Power.Can, h.Grant.Namespace, h.Request.String(), h.Grant.Binding.String(), h.Grant.Role.String(),
		})
	}
	return out
}

func (a *app) paths(ctx context.Context, f rbacFlags, groups, args []string) error {
	var named rbacv1.Subject
	if len(args) > 0 {
		var err error
		if named, err = parseSubject(args[0]); err != nil {
			return err
		}
	}
	v, err := f.view(ctx, a)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return a.allPaths(ctx, v, f.output)
	}
	line := effectOf(power.Effective(v, asking(named, groups)), authz.Named(named))
	if f.output != "text" {
		return a.write(f.output, line)
	}
	return a.tellEffect(line)
}

func (a *app) tellEffect(e effectLine) error {
	var b strings.Builder
	if len(e.Powers) == 0 {
		return line(a.Out, "%s has no dangerous power.", e.Subject)
	}
	fmt.Fprintf(&b, "%s: %s\n\n", checks.Plain(e.Subject), e.Severity)
	rows := make([][]string, 0, len(e.Powers))
	for _, p := range e.Powers {
		rows = append(rows, []string{p.Severity, p.Check, p.Can, cmp.Or(p.Namespace, "everywhere"), p.Binding, p.Role})
	}
	plainTable(&b, []string{"SEVERITY", "CHECK", "MAY", "WHERE", "BINDING", "ROLE"}, rows)
	switch {
	case e.Everyone:
		b.WriteString("\nIt can become every ServiceAccount of the cluster.\n")
	case len(e.Becomes) > 0:
		fmt.Fprintf(&b, "\nIt can become the ServiceAccounts of: %s.\n", checks.Plain(strings.Join(e.Becomes, ", ")))
	}
	b.WriteString("\nThe worst, by the shortest way:\n")
	for i, step := range e.Path {
		fmt.Fprintf(&b, "  %s%s\n", strings.Repeat("  ", i), checks.Plain(step))
	}
	_, err := fmt.Fprint(a.Out, b.String())
	return err
}

// allPaths lists the accounts that exist or that bindings list.
func (a *app) allPaths(ctx context.Context, v authz.View, output string) error {
	accounts := map[rbacv1.Subject]bool{}
	for e := range v.Inventory().Entries(inventory.ServiceAccountKind, "") {
		accounts[rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: e.Key.Namespace, Name: e.Key.Name}] = true
	}
	for _, kind := range []inventory.Key{{Kind: inventory.ClusterBindingKind}, {Kind: inventory.RoleBindingKind}} {
		for e := range v.Inventory().Entries(kind.Kind, "") {
			b, _ := authz.BoundOf(e.Object)
			for _, s := range b.Subjects {
				if s.Kind == rbacv1.ServiceAccountKind && cmp.Or(s.Namespace, b.Key.Namespace) != "" {
					accounts[rbacv1.Subject{Kind: s.Kind, Namespace: cmp.Or(s.Namespace, b.Key.Namespace), Name: s.Name}] = true
				}
			}
		}
	}
	type ranked struct {
		severity checks.Severity
		line     effectLine
	}
	var list []ranked
	for s := range accounts {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e := power.Effective(v, asking(s, nil)); e.Severity > checks.SeverityUnset {
			list = append(list, ranked{e.Severity, effectOf(e, authz.Named(s))})
		}
	}
	slices.SortFunc(list, func(x, y ranked) int {
		return cmp.Or(cmp.Compare(y.severity, x.severity), cmp.Compare(x.line.Subject, y.line.Subject))
	})
	lines := make([]effectLine, 0, len(list))
	rows := make([][]string, 0, len(list))
	for _, r := range list {
		lines = append(lines, r.line)
		rows = append(rows, []string{r.line.Severity, r.line.Subject, strings.Join(r.line.Path[1:], " -> ")})
	}
	if output != "text" {
		return a.write(output, lines)
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintf(a.Out, "None of %s has a dangerous power.\n", count(len(accounts), "ServiceAccount"))
		return err
	}
	plainTable(a.Out, []string{"SEVERITY", "SUBJECT", "WORST"}, rows)
	return nil
}
