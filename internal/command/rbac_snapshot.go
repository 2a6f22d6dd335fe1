// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/privilege"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/snapshot"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
	"github.com/gatehouse-sh/gatehouse/inventory"
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
			v, err := f.read(cmd.Context(), a) // what is not there is not written down
			if err != nil {
				return err
			}
			a.tellLacks(lacksOf(v.View), v.whole)
			return a.write("json", snapshot.Take(v.View))
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
		Args: between(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error { return a.diff(cmd.Context(), f, args) },
	}
	f.add(cmd, "text", "json", "yaml")
	return cmd
}

func readSnapshot(path string) (*snapshot.Snapshot, error) {
	f, err := os.Open(path) //nolint:gosec // the path is what the user asked for
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	s, err := snapshot.Read(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read snapshot %s: %w", path, err)
	}
	return s, nil
}

// snapshotAmong returns the snapshot that --filename names in place of manifests;
// nil when it names none. A snapshot is a whole cluster, so nothing stands beside it.
func (a *app) snapshotAmong(paths []string) (*snapshot.Snapshot, error) {
	for _, path := range paths {
		switch is, err := a.isSnapshot(path); {
		case err != nil:
			return nil, err
		case !is:
		case len(paths) > 1:
			return nil, fmt.Errorf("%s is a snapshot, which holds the roles of a whole cluster: name nothing beside it", path)
		case path == files.Stdin:
			s, err := snapshot.Read(a.In)
			if err != nil {
				return nil, fmt.Errorf("read snapshot: %w", err)
			}
			return s, nil
		default:
			return readSnapshot(path)
		}
	}
	return nil, nil
}

// isSnapshot looks at the beginning of a file, or of the standard input, which is
// kept for who reads it next. What cannot be read is no snapshot: the reader of
// manifests says what is wrong with it.
func (a *app) isSnapshot(path string) (bool, error) {
	if path == files.Stdin {
		if a.In == nil {
			return false, nil
		}
		in := bufio.NewReader(a.In)
		a.In = in
		head, err := in.Peek(snapshot.HeadingBytes)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, fmt.Errorf("read the standard input: %w", err)
		}
		return snapshot.Is(head), nil
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false, nil //nolint:nilerr // said by the reader of manifests
	}
	f, err := os.Open(path) //nolint:gosec // the path is what the user asked for
	if err != nil {
		return false, nil //nolint:nilerr // said by the reader of manifests
	}
	head, err := io.ReadAll(io.LimitReader(f, snapshot.HeadingBytes))
	if err = errors.Join(err, f.Close()); err != nil {
		return false, fmt.Errorf("read %s: %w", path, err)
	}
	return snapshot.Is(head), nil
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
	whole := false
	if len(args) > 1 {
		after, err = readSnapshot(args[1])
	} else if v, readErr := f.read(ctx, a); readErr != nil {
		err = readErr
	} else {
		after, whole = snapshot.Take(v.View), v.whole
	}
	if err != nil {
		return err
	}
	before, after = a.comparable(before, after, whole)
	changes := slices.DeleteFunc(snapshot.Diff(before, after), isAwaited)
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

// comparable puts into two snapshots the roles that Kubernetes ships and that both
// lack. One that only one of them lacks is a difference. It tells which others the later
// one lacks; whole says that it is a cluster, which has all that there is.
func (a *app) comparable(before, after *snapshot.Snapshot, whole bool) (was, is *snapshot.Snapshot) {
	old, now := before.View().Inventory(), after.View().Inventory()
	lacks := lacksOf(authz.Over(now))
	var shipped []inventory.Object
	for _, l := range slices.Concat(lacksOf(authz.Over(old)), lacks) {
		if role := privilege.ShippedRole(l.role); role != nil && !whole && old.Entry(l.role) == nil && now.Entry(l.role) == nil {
			shipped = append(shipped, role)
		}
	}
	with := func(s *snapshot.Snapshot, inv *inventory.Inventory) *snapshot.Snapshot {
		if len(shipped) == 0 {
			return s
		}
		edit := inv.Edit()
		for _, role := range shipped {
			edit.Put(inventory.NewEntry(role))
		}
		return snapshot.Take(authz.Over(edit.Inventory()))
	}
	was, is = with(before, old), with(after, now)
	a.tellShipped(shipped)
	a.tellLacks(lacksOf(is.View()), whole)
	return was, is
}

// isAwaited reports whether a change only says that a binding of Kubernetes itself
// names an account which its controllers have not made: they make theirs when they
// first need it, and a cluster runs without some of them.
func isAwaited(c snapshot.Change) bool {
	return c.Sort == snapshot.Dangling && c.Subject.Name != "" && privilege.Ships(authz.Bound{
		Key: c.Binding, RoleRef: rbacv1.RoleRef{Kind: c.Role.Kind.Kind, Name: c.Role.Name}, Subjects: []rbacv1.Subject{c.Subject},
	})
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
