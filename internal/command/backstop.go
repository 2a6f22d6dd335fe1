// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/internal/backstop"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

func (a *app) backstopCommand() *cobra.Command {
	var f backstopFlags
	cmd := &cobra.Command{
		Use:   "backstop",
		Short: "Write the checks as policies that the API server enforces by itself",
		Long: "Write ValidatingAdmissionPolicies and their bindings for the checks, or the parts of checks, that one object\n" +
			"alone decides. The API server enforces them itself, so they hold while the webhook is down. They read the\n" +
			"labels of namespaces as the webhook does. The parameters and actions of a CheckPolicy are written into them:\n" +
			"write them again when it changes, and when an exemption in them ends. Needs Kubernetes 1.30 or later; nothing is sent to a cluster.",
		Example: a.examples("  gatehouse backstop | kubectl apply --server-side -f -\n" +
			"  kubectl get checkpolicy default -o yaml > policy.yaml && gatehouse backstop --policy policy.yaml\n" +
			"  kubectl delete validatingadmissionpolicies,validatingadmissionpolicybindings --selector " + backstop.ComponentLabel + "=" + backstop.Component),
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.backstop(f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.policy, "policy", "", "`file` with a CheckPolicy")
	flags.StringVar(&f.namespace, "gatehouse-namespace", "gatehouse-system", "`namespace` in which Gatehouse runs, which is never judged")
	flags.StringVar(&f.exemptions, "exemptions", "", "`file` with Exemptions; those that count now are written into the policies")
	flags.StringSliceVar(&f.only, "checks", nil, "only these checks, by id or name")
	complete(cmd, "checks", a.completeChecks)
	return cmd
}

// backstopFlags say what is written.
type backstopFlags struct {
	policy, exemptions, namespace string
	only                          []string
}

func (a *app) backstop(f backstopFlags) error {
	p, o := policy.Default(a.set), backstop.Options{Namespace: f.namespace, Now: a.Now()}
	var err error
	if f.policy != "" {
		if p, err = a.readPolicy(f.policy); err != nil {
			return err
		}
	}
	if f.exemptions != "" {
		if o.Exemptions, err = readExemptions(f.exemptions, a.set); err != nil {
			return err
		}
	}
	if len(f.only) > 0 {
		set, err := a.set.Only(f.only...)
		if err != nil {
			return fmt.Errorf("--checks: %w", err)
		}
		for _, c := range set.Checks() {
			if c.Backstop == nil {
				return fmt.Errorf("--checks: %s has no backstop, only the webhook judges it", c.ID)
			}
			o.Only = append(o.Only, c.ID)
		}
	}
	objects, err := backstop.Build(p, o)
	if err != nil {
		return err
	}
	if len(objects.Policies) == 0 {
		return errors.New("there is nothing to write: the policy turns these checks off")
	}
	return objects.Write(a.Out)
}
