// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/internal/version"
)

func (a *app) versionCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which build this is",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := version.Get()
			switch output {
			case "text":
				_, err := fmt.Fprintf(a.Out, "gatehouse %s (commit %s, %s, %s)\n", v.Version, v.Commit, v.Go, v.System)
				return err
			case "json":
				return report.EncodeJSON(a.Out, v)
			case "yaml":
				return report.EncodeYAML(a.Out, v)
			}
			return fmt.Errorf("--output %q is not one of text, json, yaml", output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "one of text, json, yaml")
	complete(cmd, "output", fixed("text", "json", "yaml"))
	return cmd
}
