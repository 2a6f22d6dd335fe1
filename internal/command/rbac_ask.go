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

	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// question is what who-can and can are asked.
type question struct {
	rbacFlags
	namespace string
	groups    []string
}

// grantLine is one grant in the machine forms.
type grantLine struct {
	Subject   string `json:"subject"`
	Binding   string `json:"binding"`
	Role      string `json:"role"`
	Namespace string `json:"namespace"` // empty: everywhere
}

func lineOf(s rbacv1.Subject, g authz.Grant) grantLine {
	if s.Kind == rbacv1.ServiceAccountKind {
		s.Namespace = cmp.Or(s.Namespace, g.Binding.Namespace)
	}
	return grantLine{authz.Named(s), g.Binding.String(), g.Role.String(), g.Namespace}
}

func (a *app) whoCanCommand() *cobra.Command {
	var q question
	cmd := &cobra.Command{
		Use:   "who-can VERB RESOURCE [NAME]",
		Short: "List who may do something",
		Long: "List every subject that a binding allows a request, by which binding and role. Without\n" +
			"--namespace the request is about the whole cluster. Members of system:masters may do\n" +
			"everything and are in no binding.",
		Example: a.examples("  gatehouse rbac who-can get secrets -n shop\n" +
			"  gatehouse rbac who-can create pods/exec -n shop\n" +
			"  gatehouse rbac who-can '*' '*'\n" +
			"  gatehouse rbac who-can get /metrics"),
		Args: between(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error { return a.whoCan(cmd.Context(), q, args) },
	}
	q.add(cmd, "text", "json", "yaml")
	cmd.Flags().StringVarP(&q.namespace, "namespace", "n", "", "namespace of the request; none: the whole cluster")
	return cmd
}

func (a *app) whoCan(ctx context.Context, q question, args []string) error {
	r, err := a.request(q, args)
	if err != nil {
		return err
	}
	v, err := q.view(ctx, a)
	if err != nil {
		return err
	}
	lines := []grantLine{}
	rows := [][]string{}
	for _, h := range v.Holders(r) {
		l := lineOf(h.Subject, h.Grant)
		lines = append(lines, l)
		rows = append(rows, []string{l.Subject, l.Binding, l.Role, cmp.Or(l.Namespace, "everywhere")})
	}
	doubts := v.anyDoubts(r)
	switch {
	case q.output != "text":
		err = a.write(q.output, lines)
	case len(rows) > 0:
		plainTable(a.Out, []string{"SUBJECT", "BINDING", "ROLE", "WHERE"}, rows)
	case len(doubts) > 0:
		err = line(a.Out, "No binding that is understood allows anybody to %s.", r)
	default:
		err = line(a.Out, "No binding allows anybody to %s.", r)
	}
	if err == nil && len(doubts) > 0 {
		return a.undecided("others may be allowed it", doubts)
	}
	return err
}

func (a *app) canCommand() *cobra.Command {
	var q question
	cmd := &cobra.Command{
		Use:   "can SUBJECT [VERB RESOURCE [NAME]]",
		Short: "Say what a subject may do",
		Long: "With a verb and a resource, say whether the subject may do that, and by which binding: exit\n" +
			"code 0 yes, 1 no, 2 when a role was not read. Without, list everything that bindings allow it.",
		Example: a.examples("  gatehouse rbac can shop/web\n" +
			"  gatehouse rbac can shop/web create pods -n shop\n" +
			"  gatehouse rbac can user:alice list secrets --group developers"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 3 || len(args) == 4 {
				return nil
			}
			return fmt.Errorf("name a subject alone, or with a verb and a resource; there are %s", count(len(args), "argument"))
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.can(cmd.Context(), q, args) },
	}
	q.add(cmd, "text", "json", "yaml")
	cmd.Flags().StringVarP(&q.namespace, "namespace", "n", "", "namespace of the request; none: the whole cluster")
	cmd.Flags().StringSliceVar(&q.groups, "group", nil, "groups that the subject is a member of besides its own")
	return cmd
}

// permission is one rule of a subject in the machine forms.
type permission struct {
	grantLine
	Rule rbacv1.PolicyRule `json:"rule"`
}

func (a *app) can(ctx context.Context, q question, args []string) error {
	named, err := parseSubject(args[0])
	if err != nil {
		return err
	}
	s := asking(named, q.groups)
	if len(args) > 1 {
		return a.canDo(ctx, q, named, s, args[1:])
	}
	v, err := q.view(ctx, a)
	if err != nil {
		return err
	}
	list := []permission{}
	for g := range v.Grants(s) {
		for _, r := range g.Rules {
			list = append(list, permission{lineOf(g.Subject, g), r})
		}
	}
	slices.SortStableFunc(list, func(x, y permission) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Binding, y.Binding))
	})
	doubts := v.doubts(s, nil)
	if q.output != "text" {
		err = a.write(q.output, list)
	} else {
		err = a.tellPermissions(named, list, len(doubts) > 0)
	}
	if err == nil && len(doubts) > 0 {
		return a.undecided("it may be allowed more", doubts)
	}
	return err
}

func (a *app) tellPermissions(named rbacv1.Subject, list []permission, doubtful bool) error {
	switch {
	case len(list) == 0 && doubtful:
		return line(a.Out, "No binding that is understood allows %s anything.", authz.Named(named))
	case len(list) == 0:
		return line(a.Out, "No binding allows %s anything.", authz.Named(named))
	}
	rows := make([][]string, 0, len(list))
	for _, p := range list {
		rows = append(rows, []string{cmp.Or(p.Namespace, "everywhere"), strings.Join(p.Rule.Verbs, ","), authz.Objects(p.Rule), p.Binding, p.Role})
	}
	plainTable(a.Out, []string{"WHERE", "VERBS", "ON", "BINDING", "ROLE"}, rows)
	return nil
}

func (a *app) canDo(ctx context.Context, q question, named rbacv1.Subject, s authz.Subject, args []string) error {
	r, err := a.request(q, args)
	if err != nil {
		return err
	}
	v, err := q.view(ctx, a)
	if err != nil {
		return err
	}
	g, allowed := v.Allowed(s, r)
	var doubts []authz.Grant
	if !allowed {
		doubts = v.doubts(s, &r)
	}
	if q.output != "text" {
		answer := struct {
			Allowed bool       `json:"allowed"`
			Unknown bool       `json:"unknown,omitempty"` // a role of the subject was not read
			By      *grantLine `json:"by,omitempty"`
		}{Allowed: allowed, Unknown: len(doubts) > 0}
		if allowed && g.Binding.Name != "" {
			l := lineOf(g.Subject, g)
			answer.By = &l
		}
		if err := a.write(q.output, answer); err != nil {
			return err
		}
	} else if err := a.answer(named, r, g, allowed, len(doubts) > 0); err != nil {
		return err
	}
	if len(doubts) > 0 {
		return a.undecided("it may be allowed", doubts)
	}
	if !allowed {
		return failure(ExitFindings)
	}
	return nil
}

func (a *app) answer(named rbacv1.Subject, r authz.Request, g authz.Grant, allowed, doubtful bool) error {
	text := fmt.Sprintf("no: no binding allows %s to %s", authz.Named(named), r)
	switch {
	case doubtful:
		text = fmt.Sprintf("unknown: no binding that is understood allows %s to %s", authz.Named(named), r)
	case allowed && g.Binding.Name == "":
		text = fmt.Sprintf("yes: members of %s may do everything", authz.Masters)
	case allowed:
		l := lineOf(g.Subject, g)
		text = fmt.Sprintf("yes: %s binds %s to %s", l.Binding, l.Role, l.Subject)
	}
	return line(a.Out, "%s", text)
}
