// SPDX-License-Identifier: Apache-2.0

// Package checkdoc writes the documentation pages of the checks from the checks
// themselves and from their fixtures, so that neither can drift from the code.
package checkdoc

import (
	"fmt"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/guard"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
)

// Pages returns the pages by file name: README.md and one for each check and each
// guard.
func Pages(set *checks.Set, cases []fixture.Case) map[string]string {
	out := map[string]string{"README.md": index(set)}
	for _, c := range set.Checks() {
		out[c.ID+".md"] = page(c, cases)
	}
	for _, g := range guard.All() {
		out[g.ID+".md"] = guardPage(g)
	}
	return out
}

// left are the rules of the catalogue that are not built, and why.
var left = [][2]string{
	{"EXP-036", "A new CRD in a networking group: it reports nothing that EXP-035 could not name, and every cluster has dozens."},
	{"EXP-043", "hostAliases and dnsPolicy of exposed pods: they redirect what a pod calls, not who reaches it."},
	{"EXP-045", "CONNECT to pods and services by people: it needs webhooks on CONNECT, which carry no object to judge."},
}

func index(set *checks.Set) string {
	var b strings.Builder
	b.WriteString("# Checks\n\n" +
		"Every check has an id that never changes and a name that explains itself; both are accepted wherever a check is named. " +
		"*Baseline* and *strict* are the default actions in the two profiles; a [CheckPolicy](../policy.md) changes them.\n\n" +
		"| id | name | what | severity | baseline | strict | fix |\n|---|---|---|---|---|---|---|\n")
	for _, c := range set.Checks() {
		fix := ""
		if c.Fix != nil {
			fix = "yes"
		}
		fmt.Fprintf(&b, "| [%[1]s](%[1]s.md) | %s | %s | %s | %s | %s | %s |\n", c.ID, c.Name, c.Doc.Title, c.Severity, c.Actions.Baseline, c.Actions.Strict, fix)
	}
	b.WriteString("\nA finding that is less severe than its check is treated one action softer: deny becomes warn, warn becomes audit. The RBAC checks count grades: where such a check denies what is high, it warns of what is medium and records what is low.\n\n" +
		"## What protects Gatehouse itself\n\nThese are no checks: no CheckPolicy softens them, and no Exemption covers them. [SELF-005](SELF-005.md) is one and stands above.\n\n" +
		"| id | name | what | then |\n|---|---|---|---|\n")
	for _, g := range guard.All() {
		fmt.Fprintf(&b, "| [%[1]s](%[1]s.md) | %s | %s | %s |\n", g.ID, g.Name, g.Doc.Title, g.Answer)
	}
	b.WriteString("\n## Not built\n\nThree rules of the exposure catalogue are left out:\n\n")
	for _, l := range left {
		fmt.Fprintf(&b, "- **%s**: %s\n", l[0], l[1])
	}
	return b.String()
}

func page(c checks.Check, cases []fixture.Case) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %s\n\n%s.\n\n", c.ID, c.Name, strings.TrimSuffix(c.Doc.Title, "."))
	fmt.Fprintf(&b, "| severity | baseline | strict | kinds | `gatehouse fix` |\n|---|---|---|---|---|\n| %s | %s | %s | %s | %s |\n\n",
		c.Severity, c.Actions.Baseline, c.Actions.Strict, kinds(c), yesNo(c.Fix != nil))
	fmt.Fprintf(&b, "## Why\n\n%s\n\nWithout it, %s.\n\n", c.Doc.Why, strings.TrimSuffix(c.Doc.Attack, "."))
	if bad, found := pick(c.ID, cases, true); found {
		fmt.Fprintf(&b, "## What it reports\n\n%s\n\n%s", bad.Comment, sections(bad))
		fmt.Fprintf(&b, "```text\n%s```\n\n", bad.Want)
	}
	fmt.Fprintf(&b, "## What to change\n\n%s.\n\n", sentence(c.Doc.Fix))
	if good, found := pick(c.ID, cases, false); found {
		fmt.Fprintf(&b, "%s\n\n%s", good.Comment, sections(good))
	}
	if c.Doc.Exempt != "" {
		fmt.Fprintf(&b, "## When an exemption is reasonable\n\n%s\n\n", c.Doc.Exempt)
	}
	b.WriteString("## Sources\n\n")
	for _, s := range c.Doc.Sources {
		fmt.Fprintf(&b, "- <%s>\n", s)
	}
	return b.String()
}

func guardPage(g guard.Guard) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %s\n\n%s.\n\n## Why\n\n%s\n\nWithout it, %s.\n\n", g.ID, g.Name, g.Doc.Title, g.Doc.Why, g.Doc.Attack)
	fmt.Fprintf(&b, "## What happens\n\n%s. This is no check: no CheckPolicy softens it, and no Exemption covers it. See [%s](../../%s).\n\n", sentence(g.Answer), g.See, g.See)
	fmt.Fprintf(&b, "## What to change\n\n%s.\n\n## Sources\n\n", sentence(g.Doc.Fix))
	for _, s := range g.Doc.Sources {
		fmt.Fprintf(&b, "- <%s>\n", s)
	}
	return b.String()
}

// sentence starts with a capital and has no full stop yet.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".")
}

func kinds(c checks.Check) string {
	const shown = 8
	names := make([]string, 0, len(c.Kinds))
	for _, k := range c.Kinds {
		names = append(names, k.Kind)
	}
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return strings.Join(names, ", ")
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no change is safe enough"
}

// pick takes the first fixture of the check, in the order of names, that it
// refuses or accepts; one that is a creation if there is any.
func pick(id string, cases []fixture.Case, refuses bool) (fixture.Case, bool) {
	var update *fixture.Case
	for i, c := range cases {
		if c.Check != id || c.Refuses() != refuses {
			continue
		}
		if c.Old == nil {
			return c, true
		}
		if update == nil {
			update = &cases[i]
		}
	}
	if update == nil {
		return fixture.Case{}, false
	}
	return *update, true
}

// sections shows the documents of a case.
func sections(c fixture.Case) string {
	var b strings.Builder
	for _, s := range []struct{ name, lead string }{
		{"context.yaml", "What is there already:"},
		{"parameters.yaml", "With these `spec.parameters` of the CheckPolicy:"},
		{"request.yaml", "Written by:"},
		{"old.yaml", "Before the update:"},
		{"object.yaml", ""},
	} {
		doc := strings.TrimSpace(string(c.Section(s.name)))
		if doc == "" {
			continue
		}
		if s.lead != "" {
			b.WriteString(s.lead + "\n\n")
		} else if b.Len() > 0 {
			b.WriteString("The object:\n\n")
		}
		fmt.Fprintf(&b, "```yaml\n%s\n```\n\n", doc)
	}
	return b.String()
}
