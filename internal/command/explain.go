// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/guard"
	"github.com/gatehouse-sh/gatehouse/internal/report"
)

// readable is the widest that prose is set, in columns.
const readable = 90

func (a *app) explainCommand() *cobra.Command {
	var output string
	var f findingFlags
	cmd := &cobra.Command{
		Use:   "explain CHECK...",
		Short: "Say why a check exists, what to change, and when to exempt",
		Long: "Say why a check exists, what to change, and when an exemption is reasonable. Custom checks are read from the\n" +
			"CheckPolicy of the cluster of the current kube context, or from --policy. With --finding, say which\n" +
			"exemptions were considered for one finding, and why each did or did not apply.",
		Example: a.examples("  gatehouse explain EXP-001\n  gatehouse explain node-port\n" +
			"  gatehouse explain --finding EXP-001:Service/shop/web:type --exemptions exemptions.yaml\n" +
			"  gatehouse explain --finding EXP-001:Service/shop/web"),
		Args: func(_ *cobra.Command, args []string) error {
			if f.finding != "" && len(args) > 0 {
				return errors.New("name checks or a --finding, not both")
			}
			if f.finding == "" && f.subject != "" {
				return errors.New("--subject is about a --finding: name one")
			}
			if f.finding == "" && f.cluster != (clusterFlags{}) && (f.policy != "" || !slices.ContainsFunc(args, isCustom)) {
				return errors.New("--kubeconfig and --context are about a --finding, or about custom checks without --policy: name one")
			}
			if f.finding == "" && len(args) == 0 {
				return fmt.Errorf("name a check: '%s checks list' lists them", a.name)
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
			return a.checkNames("", word), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.finding == "" && f.policy != "" {
				if _, err := a.readPolicy(f.policy); err != nil {
					return err
				}
			}
			if f.finding == "" {
				if err := a.learnCustom(cmd.Context(), f, args); err != nil {
					return err
				}
				return a.explain(args, output)
			}
			f.subjectSet = cmd.Flags().Changed("subject")
			return a.explainFinding(cmd.Context(), f, output)
		},
	}
	cmd.Flags().StringVar(&f.finding, "finding", "", "a finding, as CHECK:Kind/namespace/name[:subject]: say which exemptions were considered for it")
	cmd.Flags().StringVar(&f.subject, "subject", "", "the subject of the finding, given apart: the name may then hold colons")
	cmd.Flags().StringVar(&f.exemptions, "exemptions", ofCluster, "`file` with Exemptions, or \"cluster\" for those of the cluster")
	cmd.Flags().StringVar(&f.policy, "policy", "", "`file` with the CheckPolicy that bounds exemptions and has custom checks; default: the cluster's, for a --finding and for custom checks; with a file of exemptions the built-in one")
	f.cluster.add(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "text", "one of text, json, yaml")
	complete(cmd, "output", fixed("text", "json", "yaml"))
	cmd.AddCommand(a.explainRouteCommand())
	return cmd
}

// isCustom reports whether a name is the id of a custom check.
func isCustom(name string) bool { return strings.HasPrefix(strings.ToUpper(name), customPrefix) }

// learnCustom reads the cluster's CheckPolicy where custom checks are named and no
// file has them.
func (a *app) learnCustom(ctx context.Context, f findingFlags, names []string) error {
	i := slices.IndexFunc(names, isCustom)
	if i < 0 || f.policy != "" {
		return nil
	}
	config, cluster, err := f.cluster.connect()
	if err == nil {
		_, err = a.clusterPolicy(ctx, config)
	}
	if err != nil {
		return fmt.Errorf("%s is a check of a cluster's CheckPolicy, which cannot be read: %w (--policy FILE reads it from a file)", names[i], err)
	}
	for _, name := range names[i:] {
		if _, known := a.set.Lookup(strings.ToUpper(name)); isCustom(name) && !known {
			return fmt.Errorf("the CheckPolicy of cluster %s has no check %s: '%s checks list --policy FILE' lists those of a file", cluster, name, a.name)
		}
	}
	return nil
}

// explanation is the machine form of explain.
type explanation struct {
	listed
	Actions actions `json:"actions"`
	Why     string  `json:"why"`
	Attack  string  `json:"attack"` // empty for a custom check
	Fix     string  `json:"fix"`
	Exempt  string  `json:"exempt"`
}

type actions struct {
	Baseline string `json:"baseline"`
	Strict   string `json:"strict"`
}

func (a *app) explain(names []string, output string) error {
	var list []explanation
	var prose []string
	for _, name := range names {
		c, known := a.set.Lookup(name)
		if !known {
			c, known = a.set.Lookup(strings.ToUpper(name))
		}
		if g, is := guard.Lookup(name); !known && is {
			list = append(list, explanationOf(g))
			prose = append(prose, a.guardProse(g))
			continue
		}
		if where, told := elsewhere(name); !known && told {
			return fmt.Errorf("%s is no check: %s", name, where)
		}
		if !known {
			return fmt.Errorf("no check has the id or name %q: '%s checks list' lists them", name, a.name)
		}
		list = append(list, explanation{
			listed: list1(c), Actions: actions{c.Actions.Baseline.String(), c.Actions.Strict.String()},
			Why: c.Doc.Why, Attack: c.Doc.Attack, Fix: c.Doc.Fix, Exempt: c.Doc.Exempt,
		})
		prose = append(prose, a.prose(c))
	}
	switch output {
	case "text":
		_, err := a.Out.Write(report.Visible([]byte(strings.Join(prose, "\n"))))
		return err
	case "json":
		return report.EncodeJSON(a.Out, list)
	case "yaml":
		return report.EncodeYAML(a.Out, list)
	}
	return fmt.Errorf("--output %q is not one of text, json, yaml", output)
}

// elsewhere says where the defaults are described that users meet in the webhook's
// messages and that are no checks.
func elsewhere(name string) (string, bool) {
	family, _, _ := strings.Cut(strings.ToUpper(name), "-")
	return "it is a default that the mutating webhook adds; spec.parameters.mutation of the CheckPolicy switches it, see docs/policy.md", family == "MUT"
}

// proseWidth is how wide prose is set, in columns.
func (a *app) proseWidth() int {
	width, _ := isTerminal(a.Out)
	if width <= 0 || width > readable {
		width = readable
	}
	return width
}

func (a *app) prose(c checks.Check) string {
	width := a.proseWidth()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n%s\n\n", c.ID, c.Name, c.Doc.Title)
	fmt.Fprintf(&b, "Severity:  %s\nKinds:     %s\nBaseline:  %s\nStrict:    %s\n", c.Severity, strings.Join(kindNames(c.Kinds), ", "), c.Actions.Baseline, c.Actions.Strict)
	if c.Fix != nil {
		fmt.Fprintf(&b, "Repair:    %s fix --checks %s FILE\n", a.name, c.ID)
	}
	section(&b, width, "Why", c.Doc.Why)
	section(&b, width, "What an attacker gets", sentence(c.Doc.Attack))
	section(&b, width, "What to change", sentence(c.Doc.Fix))
	section(&b, width, "When an exemption is reasonable", c.Doc.Exempt)
	sources(&b, c.Doc)
	return b.String()
}

// section writes a heading and its text, wrapped; nothing without text.
func section(b *strings.Builder, width int, title, body string) {
	if body == "" {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for paragraph := range strings.SplitSeq(body, "\n") {
		for line := range strings.SplitSeq(text.WrapSoft(strings.TrimSpace(paragraph), width-2), "\n") {
			b.WriteString(strings.TrimRight("  "+strings.TrimSpace(line), " ") + "\n")
		}
	}
}

func sources(b *strings.Builder, d checks.Doc) {
	b.WriteString("\nSources\n")
	for _, s := range d.Sources {
		b.WriteString("  " + s + "\n")
	}
}

// sentence makes one of a clause.
func sentence(clause string) string {
	if clause == "" {
		return ""
	}
	return strings.ToUpper(clause[:1]) + strings.TrimSuffix(clause[1:], ".") + "."
}

func kindNames(kinds []schema.GroupKind) []string {
	out := make([]string, 0, len(kinds))
	for _, k := range kinds {
		out = append(out, k.String())
	}
	return out
}
