// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"

	"github.com/spf13/cobra"
)

// togetherFlags are those of the commands that read workloads and policies
// together.
type togetherFlags struct {
	model  modelFlags
	paths  []string
	output string
}

func (f *togetherFlags) add(cmd *cobra.Command, formats ...string) {
	f.model.addSurroundings(cmd)
	cmd.Flags().StringSliceVarP(&f.paths, "filename", "f", nil, "files or folders with the workloads and the policies, or - for the standard input; beside --cluster, as if they were applied")
	addOutput(cmd, &f.output, formats)
}

// together reads the policies among the files, and the model of the workloads
// there.
func (a *app) together(ctx context.Context, f *togetherFlags) (policySet, *modelled, error) {
	objects, err := a.readPolicies(a.loadSource(ctx, &f.model, f.paths))
	if err != nil {
		return policySet{}, nil, err
	}
	read, err := a.modelOf(ctx, &f.model, objects)
	if err != nil {
		return policySet{}, nil, err
	}
	set, err := a.policiesOf(objects, read.model, &f.model.cilium)
	return set, read, err
}
