// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/report"
)

func (a *app) checksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "checks",
		Short: "List the checks",
		Long:  "List the checks, as 'checks list' does. 'explain' says more about one of them.",
		Args:  onlyCommands,
		RunE:  func(*cobra.Command, []string) error { return a.list("text") },
	}
	var output, file string
	list := &cobra.Command{
		Use:   "list",
		Short: "List every check",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if file != "" {
				if _, err := a.readPolicy(file); err != nil {
					return err
				}
			}
			return a.list(output)
		},
	}
	list.Flags().StringVar(&file, "policy", "", "`file` with a CheckPolicy, whose custom checks are listed too")
	list.Flags().StringVarP(&output, "output", "o", "text", "one of text, table, json, yaml")
	complete(list, "output", fixed("text", "table", "json", "yaml"))
	cmd.AddCommand(list)
	return cmd
}

// listed is a check in the machine forms. Kinds have the form Kind or
// Kind.group.
type listed struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Severity string   `json:"severity"`
	Kinds    []string `json:"kinds"`
	Title    string   `json:"title"`
	Sources  []string `json:"sources"`
	HasFix   bool     `json:"hasFix"`

	// HasBackstop says that 'backstop' makes a ValidatingAdmissionPolicy of the
	// check or of a part of it, which the API server enforces while the webhook is
	// down.
	HasBackstop bool `json:"hasBackstop"`

	// Custom says that the check comes from a CheckPolicy. It judges what is written;
	// scans of what is stored leave it out.
	Custom bool `json:"custom,omitempty"`
}

func list1(c checks.Check) listed {
	return listed{
		ID: c.ID, Name: c.Name, Severity: c.Severity.String(), Kinds: kindNames(c.Kinds),
		Title: c.Doc.Title, Sources: append([]string{}, c.Doc.Sources...), HasFix: c.Fix != nil, HasBackstop: c.Backstop != nil, Custom: c.Custom,
	}
}

func (a *app) list(output string) error {
	list := a.set.Checks()
	all := make([]listed, 0, len(list))
	for _, c := range list {
		all = append(all, list1(c))
	}
	switch output {
	case "text":
		for _, c := range all {
			if err := line(a.Out, "%-8s %s: %s (%s%s)", c.ID, c.Name, c.Title, c.Severity, scans(c.Custom)); err != nil {
				return err
			}
		}
		return nil
	case "table":
		a.listTable()
		return nil
	case "json":
		return report.EncodeJSON(a.Out, all)
	case "yaml":
		return report.EncodeYAML(a.Out, all)
	}
	return fmt.Errorf("--output %q is not one of text, table, json, yaml", output)
}

// scans marks the checks that judge writes only.
func scans(custom bool) string {
	if custom {
		return "; not in scans"
	}
	return ""
}

func (a *app) listTable() {
	list := a.set.Checks()
	rows := make([][]string, 0, len(list))
	for _, c := range list {
		fix, behind := "", ""
		if c.Fix != nil {
			fix = "yes"
		}
		if c.Backstop != nil {
			behind = "yes"
			if c.Backstop.Partial != "" {
				behind = "partly"
			}
		}
		rows = append(rows, []string{c.ID, c.Name, c.Severity.String(), c.Actions.Baseline.String(), c.Actions.Strict.String(), fix, behind, c.Doc.Title + scans(c.Custom)})
	}
	plainTable(a.Out, []string{"ID", "NAME", "SEVERITY", "BASELINE", "STRICT", "FIX", "BACKSTOP", "TITLE"}, rows)
}
