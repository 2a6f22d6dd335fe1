// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/auditlog"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

type suggestFlags struct {
	rbacFlags
	log   string
	live  bool
	names int
	all   bool
}

func (a *app) suggestCommand() *cobra.Command {
	var f suggestFlags
	cmd := &cobra.Command{
		Use:   "suggest --audit-log FILE [SUBJECT...]",
		Short: "Compute the least roles from an audit log",
		Long: "Compute, from the audit log of an API server, the Roles and bindings that allow what each\n" +
			"subject did and nothing else, as manifests. With --live or --filename, name also what bindings\n" +
			"grant and the log never shows. Without a subject: every ServiceAccount outside kube-system.\n\n" +
			"The log is JSON lines of audit.k8s.io Events, plain or gzip, at level Metadata or above. What it\n" +
			"does not show is not suggested: a log must cover what happens rarely (upgrades, failovers, jobs).",
		Example: a.examples("  gatehouse rbac suggest --audit-log audit.log > least.yaml\n" +
			"  gatehouse rbac suggest --audit-log audit.log.gz shop/web --live\n" +
			"  kubectl logs audit-collector | gatehouse rbac suggest --audit-log - --names 3"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.suggest(cmd.Context(), f, args) },
	}
	f.add(cmd, "yaml", "json")
	flags := cmd.Flags()
	flags.StringVar(&f.log, "audit-log", "", "`file` with the audit log, or - for the standard input")
	flags.BoolVar(&f.live, "live", false, "compare with the bindings of the cluster")
	flags.IntVar(&f.names, "names", 0, "limit a permission to the objects that were touched, if the log shows at most `N` of them; 0: never")
	flags.BoolVar(&f.all, "all", false, "every subject of the log, users and those of kube-system included")
	_ = cmd.MarkFlagRequired("audit-log") // fails for a flag that does not exist only
	return cmd
}

func (a *app) suggest(ctx context.Context, f suggestFlags, args []string) error {
	wanted := map[string]bool{}
	for _, text := range args {
		s, err := parseSubject(text)
		if err != nil {
			return err
		}
		if s.Kind == rbacv1.GroupKind {
			return fmt.Errorf("%s: a suggestion is for a ServiceAccount or a user; a log does not show what is done as a member of a group", text)
		}
		wanted[asking(s, nil).Name] = true
	}
	o := auditlog.Options{Names: f.names}
	if f.live || len(f.paths) > 0 {
		v, err := f.view(ctx, a)
		if err != nil {
			return err
		}
		o.Granted = &v.View
	}
	usage, stats, err := a.readAuditLog(ctx, f.log)
	if err != nil {
		return err
	}
	a.tellLog(f.log, stats, usage)
	var out []auditlog.Suggestion
	users, control := 0, 0 // that are left out
	for _, user := range usage.Users() {
		if len(args) > 0 && !wanted[user] {
			continue
		}
		if _, _, account := authz.SplitAccount(user); len(args) == 0 && !f.all && !isTenant(user) {
			if account {
				control++
			} else {
				users++
			}
			continue
		}
		delete(wanted, user)
		out = append(out, usage.Suggest(user, o))
	}
	for _, user := range slices.Sorted(maps.Keys(wanted)) {
		a.say("note: the log does not show %s", checks.Plain(authz.Subject{Name: user}.String()))
	}
	if users+control > 0 {
		a.say("note: %s and %s of kube-system are left out; --all includes them", count(users, "user"), count(control, "ServiceAccount"))
	}
	if f.output == "json" {
		err = a.write("json", suggestionLines(out))
	} else {
		err = a.tellSuggestions(out)
	}
	if err == nil && (stats.Broken > 0 || usage.Lost() > 0) {
		return failure(ExitFault)
	}
	return err
}

// isTenant reports whether a user is a ServiceAccount outside the control
// plane's namespace.
func isTenant(user string) bool {
	namespace, _, ok := authz.SplitAccount(user)
	return ok && namespace != "kube-system"
}

func (a *app) readAuditLog(ctx context.Context, path string) (*auditlog.Usage, auditlog.Stats, error) {
	in := a.In
	if path != "-" {
		f, err := os.Open(path) //nolint:gosec // the path is what the user asked for
		if err != nil {
			return nil, auditlog.Stats{}, fmt.Errorf("read audit log: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	bar := a.progress("reading MiB of "+path, 0)
	usage := auditlog.NewUsage()
	r := auditlog.Reader{Read: func(n int64) { bar.set(int(n >> 20)) }}
	err := r.Each(interruptible{ctx, in}, usage.Add)
	bar.stop()
	if err != nil {
		return nil, r.Stats, fmt.Errorf("read audit log %s: %w", path, err)
	}
	if r.Stats.Lines == 0 {
		return nil, r.Stats, fmt.Errorf("read audit log %s: it is empty", path)
	}
	return usage, r.Stats, nil
}

// interruptible ends a reader when a context does.
type interruptible struct {
	ctx context.Context // io.Reader takes none
	in  io.Reader
}

func (r interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}

// tellLog says what the log held: a suggestion is worth what its log is.
func (a *app) tellLog(path string, s auditlog.Stats, u *auditlog.Usage) {
	a.say("note: %s: %s allowed, %d refused", path, count(s.Uses, "request"), s.Refused)
	for _, f := range s.Faults {
		a.say("error: %s: %s", path, checks.Plain(f.String()))
	}
	if more := s.Broken - len(s.Faults); more > 0 {
		a.say("error: %s: %d more broken lines", path, more)
	}
	if s.Broken > 0 {
		a.say("warning: what stands in the %s is not in the suggestion", count(s.Broken, "broken line"))
	}
	if lost := u.Lost(); lost > 0 {
		a.say("error: %s: too many different permissions: %s not remembered; name fewer hours or filter the log", path, count(lost, "request"))
	}
}

// tellSuggestions writes manifests, each subject under a heading.
func (a *app) tellSuggestions(list []auditlog.Suggestion) error {
	if len(list) == 0 {
		return errors.New("the log shows nothing that any of these subjects did; --all takes every subject")
	}
	for _, s := range list {
		var b strings.Builder
		fmt.Fprintf(&b, "# %s\n", checks.Plain(authz.Named(s.Subject)))
		if len(s.Objects) == 0 {
			b.WriteString("# needs no role: everybody may do what it did.\n")
		}
		for i, u := range s.Unused {
			if i == 0 {
				b.WriteString("# granted and never used:\n")
			}
			_ = line(&b, "#   %s %s, by %s", strings.Join(u.Rule.Verbs, ","), authz.Objects(u.Rule), u.Binding) // a Builder has no errors
		}
		switch {
		case !s.Compared || len(s.Unused) > 0:
		case s.Bound == 0:
			b.WriteString("# no binding that names it was found: it did this as a member of a group, or by a binding that was not read.\n")
		case len(s.Missing) == 0:
			b.WriteString("# uses all that it is granted by name.\n")
		}
		for _, role := range s.Missing {
			_ = line(&b, "# is bound to %s, which is not there to compare with.", role) // a Builder has no errors
		}
		for _, o := range s.Objects {
			text, err := asYAML(o)
			if err != nil {
				return err
			}
			b.WriteString("---\n" + text)
		}
		if _, err := fmt.Fprint(a.Out, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// asYAML writes an object without the fields that a person would not write.
func asYAML(o inventory.Object) (string, error) {
	var out strings.Builder
	if err := report.EncodeYAML(&out, o); err != nil {
		return "", fmt.Errorf("%q: %w", inventory.KeyOf(o), err)
	}
	return out.String(), nil
}

// suggestionLine is one subject in the JSON form.
type suggestionLine struct {
	Subject string             `json:"subject"`
	Objects []inventory.Object `json:"objects"`
	Unused  []unusedLine       `json:"unused"`
}

type unusedLine struct {
	Binding string            `json:"binding"`
	Role    string            `json:"role"`
	Rule    rbacv1.PolicyRule `json:"rule"`
}

func suggestionLines(list []auditlog.Suggestion) []suggestionLine {
	out := make([]suggestionLine, 0, len(list))
	for _, s := range list {
		l := suggestionLine{authz.Named(s.Subject), append([]inventory.Object{}, s.Objects...), []unusedLine{}}
		for _, u := range s.Unused {
			l.Unused = append(l.Unused, unusedLine{u.Binding.String(), u.Role.String(), u.Rule})
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(x, y suggestionLine) int { return cmp.Compare(x.Subject, y.Subject) })
	return out
}
