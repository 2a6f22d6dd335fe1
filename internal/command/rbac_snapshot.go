// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/snapshot"
)

func (a *app) snapshotCommand() *cobra.Command {
	var f rbacFlags
	cmd := &cobra.Command{
		Use:     "snapshot",
		Short:   "Write down the roles and bindings of this moment",
		Long:    "Write the roles, bindings and ServiceAccounts as JSON, to compare with later by 'diff'.",
		Example: a.examples("  gatehouse rbac snapshot > monday.json"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := f.view(cmd.Context(), a)
			if err != nil {
				return err
			}
			return a.write("json", snapshot.Take(v))
		},
	}
	f.add(cmd)
	return cmd
}

func (a *app) diffCommand() *cobra.Command {
	var f rbacFlags
	cmd := &cobra.Command{
		Use:   "diff SNAPSHOT [SNAPSHOT]",
		Short: "Say what has changed since a snapshot",
		Long: "Compare a snapshot with a later one, or with what there is now: who gained what, which roles\n" +
			"were widened (by Kubernetes' own comparison of rules), which bindings point at nothing, and\n" +
			"which point again at a name that had been gone.\n\n" +
			"Exit codes: 0 nobody gained anything, 1 somebody did, 2 something could not be read.",
		Example: a.examples("  gatehouse rbac diff monday.json\n" +
			"  gatehouse rbac diff monday.json tuesday.json -o json\n" +
			"  gatehouse rbac diff monday.json -f manifests/"),
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error { return a.diff(cmd.Context(), f, args) },
	}
	f.add(cmd, "text", "json", "yaml")
	return cmd
}

func readSnapshot(path string) (*snapshot.Snapshot, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the path is what the user asked for
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	s, err := snapshot.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read snapshot %s: %w", path, err)
	}
	return s, nil
}

// changeLine is one change in the machine forms.
type changeLine struct {
	Change   string              `json:"change"`
	Severity string              `json:"severity"`
	Subject  string              `json:"subject,omitempty"`
	Binding  string              `json:"binding,omitempty"`
	Role     string              `json:"role"`
	Missing  string              `json:"missing,omitempty"`
	Powers   []string            `json:"powers"`
	Rules    []rbacv1.PolicyRule `json:"rules"`
}

func changeOf(c snapshot.Change) changeLine {
	out := changeLine{
		Change: c.Sort.String(), Severity: c.Severity.String(), Role: c.Role.String(),
		Powers: []string{}, Rules: append([]rbacv1.PolicyRule{}, c.Rules...),
	}
	if c.Binding.Name != "" {
		out.Binding = c.Binding.String()
	}
	if c.Subject.Name != "" {
		out.Subject = authz.Named(c.Subject)
	}
	if c.Missing.Name != "" {
		out.Missing = c.Missing.String()
	}
	for _, h := range c.Powers {
		out.Powers = append(out.Powers, h.Power.ID)
	}
	return out
}

func (a *app) diff(ctx context.Context, f rbacFlags, args []string) error {
	before, err := readSnapshot(args[0])
	if err != nil {
		return err
	}
	var after *snapshot.Snapshot
	if len(args) > 1 {
		after, err = readSnapshot(args[1])
	} else if v, viewErr := f.view(ctx, a); viewErr != nil {
		err = viewErr
	} else {
		after = snapshot.Take(v)
	}
	if err != nil {
		return err
	}
	changes := snapshot.Diff(before, after)
	gained := false
	lines := make([]changeLine, 0, len(changes))
	for _, c := range changes {
		gained = gained || c.Sort.Gains()
		lines = append(lines, changeOf(c))
	}
	if f.output != "text" {
		err = a.write(f.output, lines)
	} else {
		err = a.tellChanges(changes)
	}
	if err == nil && gained {
		return failure(ExitFindings)
	}
	return err
}

func (a *app) tellChanges(changes []snapshot.Change) error {
	if len(changes) == 0 {
		_, err := fmt.Fprintln(a.Out, "Nothing has changed.")
		return err
	}
	rows := make([][]string, 0, len(changes))
	for _, c := range changes {
		severity := "-"
		if c.Severity > checks.SeverityUnset {
			severity = c.Severity.String()
		}
		rows = append(rows, []string{c.Sort.String(), severity, c.String()})
	}
	plainTable(a.Out, []string{"CHANGE", "SEVERITY", "WHAT"}, rows)
	return nil
}
