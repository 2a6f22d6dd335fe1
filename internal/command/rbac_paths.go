// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"context"
	"fmt"
	"maps"
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
		Args: between(0, 1),
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
	s := asking(named, groups)
	doubts := v.doubts(s, nil)
	effect := effectOf(power.Effective(v.View, s), authz.Named(named))
	if f.output != "text" {
		err = a.write(f.output, effect)
	} else {
		err = a.tellEffect(effect, len(doubts) > 0)
	}
	if err == nil && len(doubts) > 0 {
		return a.undecided("it may have more power", doubts)
	}
	return err
}

func (a *app) tellEffect(e effectLine, doubtful bool) error {
	var b strings.Builder
	switch {
	case len(e.Powers) == 0 && doubtful:
		return line(a.Out, "%s has no dangerous power by the roles that were read.", e.Subject)
	case len(e.Powers) == 0:
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
func (a *app) allPaths(ctx context.Context, v rbacRead, output string) error {
	accounts := map[rbacv1.Subject]bool{}
	for e := range v.Inventory().Entries(inventory.ServiceAccountKind, "") {
		accounts[rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: e.Key.Namespace, Name: e.Key.Name}] = true
	}
	for b := range bindingsOf(v.View) {
		for _, s := range b.Subjects {
			if s.Kind == rbacv1.ServiceAccountKind && cmp.Or(s.Namespace, b.Key.Namespace) != "" {
				accounts[rbacv1.Subject{Kind: s.Kind, Namespace: cmp.Or(s.Namespace, b.Key.Namespace), Name: s.Name}] = true
			}
		}
	}
	type ranked struct {
		severity checks.Severity
		line     effectLine
	}
	var list []ranked
	doubts := map[inventory.Key]authz.Grant{} // by binding
	for s := range accounts {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, g := range v.doubts(asking(s, nil), nil) {
			doubts[g.Binding] = g
		}
		if e := power.Effective(v.View, asking(s, nil)); e.Severity > checks.SeverityUnset {
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
	var err error
	switch {
	case output != "text":
		err = a.write(output, lines)
	case len(rows) > 0:
		plainTable(a.Out, []string{"SEVERITY", "SUBJECT", "WORST"}, rows)
	case len(doubts) > 0:
		err = line(a.Out, "None of %s has a dangerous power by the roles that were read.", count(len(accounts), "ServiceAccount"))
	default:
		err = line(a.Out, "None of %s has a dangerous power.", count(len(accounts), "ServiceAccount"))
	}
	if err == nil && len(doubts) > 0 {
		ordered := slices.SortedFunc(maps.Values(doubts), func(x, y authz.Grant) int { return x.Binding.Compare(y.Binding) })
		return a.undecided("some may have more power", ordered)
	}
	return err
}
