// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/source/cluster"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// rbacFlags choose where the roles and bindings come from.
type rbacFlags struct {
	cluster clusterFlags
	paths   []string
	output  string
}

func (f *rbacFlags) add(cmd *cobra.Command, formats ...string) {
	flags := cmd.Flags()
	f.cluster.add(flags)
	flags.StringSliceVarP(&f.paths, "filename", "f", nil, "files or folders with the roles and bindings, a snapshot, or - for the standard input; default: the cluster of the current kube context")
	if len(formats) > 0 {
		flags.StringVarP(&f.output, "output", "o", formats[0], "one of "+strings.Join(formats, ", "))
		complete(cmd, "output", fixed(formats...))
		// Before anything is read.
		cmd.PreRunE = func(*cobra.Command, []string) error { return oneOf("--output", f.output, formats) }
	}
}

func (a *app) rbacCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rbac",
		Short: "Ask who may do what, and what has changed",
		Long: "Ask the roles and bindings of a cluster or of manifests who may do what, whom a subject can\n" +
			"become, and what has changed since an earlier moment.\n\n" +
			"A subject is named as namespace/name for a ServiceAccount, user:name or group:name. The user\n" +
			"name of an account, system:serviceaccount:namespace:name, means the account.",
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.whoCanCommand(), a.canCommand(), a.pathsCommand(), a.graphCommand(), a.snapshotCommand(), a.diffCommand(), a.suggestCommand())
	return cmd
}

// rbacKinds are what the questions are answered from.
func rbacKinds() []inventory.Kind {
	return slices.DeleteFunc(inventory.Kinds(), func(k inventory.Kind) bool {
		return k.Group != rbacv1.GroupName && k.GroupKind != inventory.ServiceAccountKind
	})
}

// view reads the roles and bindings. What cannot be read is an error: an answer
// from half of the bindings would say "no" where it is "yes".
func (f *rbacFlags) view(ctx context.Context, a *app) (rbacRead, error) {
	v, err := f.read(ctx, a)
	if err != nil {
		return v, err
	}
	return a.completed(v), nil
}

// read reads them and adds nothing.
func (f *rbacFlags) read(ctx context.Context, a *app) (rbacRead, error) {
	if len(f.paths) > 0 {
		switch s, err := a.snapshotAmong(f.paths); {
		case err != nil:
			return rbacRead{}, err
		case s != nil:
			return rbacRead{View: s.View()}, nil
		}
		read, err := a.loadFiles(ctx, f.paths, false)
		if err != nil {
			return rbacRead{}, err
		}
		if len(read.faults) > 0 {
			a.tell(read.faults)
			return rbacRead{}, failure(ExitFault)
		}
		return rbacRead{View: authz.Over(read.inventory)}, nil
	}
	config, name, err := f.cluster.connect()
	if err != nil {
		return rbacRead{}, err
	}
	client, err := cluster.NewClient(config)
	if err != nil {
		return rbacRead{}, err
	}
	bar := a.progress("reading the roles of cluster "+name, 0)
	counts := map[string]int{}
	sum := 0
	read, err := client.Load(ctx, cluster.LoadOptions{Kinds: rbacKinds(), Progress: func(kind inventory.Kind, n int) {
		sum += n - counts[kind.Resource]
		counts[kind.Resource] = n
		bar.set(sum)
	}})
	bar.stop()
	if err != nil {
		return rbacRead{}, fmt.Errorf("read cluster %s: %w", name, err)
	}
	if unread := read.Unread(); len(unread) > 0 {
		for _, c := range unread {
			a.say("error: %s", c)
		}
		return rbacRead{}, failure(ExitFault)
	}
	return rbacRead{View: authz.Over(inventory.New(read.Objects...)), whole: true}, nil
}

// parseSubject reads a subject as the command line names it.
func parseSubject(s string) (rbacv1.Subject, error) {
	if name, is := strings.CutPrefix(s, "user:"); is && name != "" {
		s = name
		if !strings.HasPrefix(s, authz.AccountPrefix) {
			return rbacv1.Subject{Kind: rbacv1.UserKind, Name: name}, nil
		}
	}
	if name, is := strings.CutPrefix(s, "group:"); is && name != "" {
		return rbacv1.Subject{Kind: rbacv1.GroupKind, Name: name}, nil
	}
	if namespace, name, ok := authz.SplitAccount(s); ok {
		return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}, nil
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "serviceaccount:"), "sa:")
	namespace, name, ok := strings.Cut(s, "/")
	if !ok || namespace == "" || name == "" || strings.ContainsAny(name, "/:") || strings.Contains(namespace, ":") {
		return rbacv1.Subject{}, fmt.Errorf("subject %q is not namespace/name of a ServiceAccount, user:name or group:name", s)
	}
	return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}, nil
}

// asking returns who asks when a subject of a binding does. A member of a group
// is in system:authenticated too, unless it is nobody, and one of the accounts of
// a namespace among all accounts.
func asking(s rbacv1.Subject, groups []string) authz.Subject {
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		out := authz.ServiceAccount(s.Namespace, s.Name)
		out.Groups = append(out.Groups, groups...)
		return out
	case rbacv1.GroupKind:
		return authz.Subject{Groups: membership(s.Name, groups)}
	}
	return authz.User(s.Name, groups...)
}

// membership returns the groups of a member of one, besides others.
func membership(group string, more []string) []string {
	out := append([]string{group}, more...)
	if strings.HasPrefix(group, authz.AccountGroupPrefix) {
		out = append(out, authz.AccountGroup)
	}
	if group != authz.Unauthenticated {
		out = append(out, authz.Authenticated)
	}
	return out
}
