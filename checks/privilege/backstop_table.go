// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// perChunk patterns share a variable.
const perChunk = 12

// entry is a pattern of a power as it stands in a variable.
type entry struct {
	power    *power.Power
	pattern  *power.Pattern
	verbs    []string // that are worth the severity without resourceNames
	limited  []string // that are worth it with resourceNames
	resource []string
}

// entries are the patterns of all powers that are worth a severity, on a kind of
// role. In kube-system, where some are worth more, no policy is asked.
func entries(kind schema.GroupKind, severity checks.Severity) []entry {
	var out []entry
	all := power.All()
	for i := range all {
		p := &all[i]
		worth := p.Narrow
		if kind == inventory.ClusterRoleKind {
			worth = p.Wide
		}
		if worth == checks.SeverityUnset {
			continue
		}
		list := p.Any
		if p.Combined() {
			list = slices.Concat(p.All...)
		}
		for j := range list {
			t := &list[j]
			if len(t.Paths) > 0 || t.Inside || kind == inventory.RoleKind && (t.ClusterOnly || t.Namespace != "") {
				continue
			}
			for _, part := range homogeneous(t) {
				if e := (entry{power: p, pattern: t, resource: part}); e.grade(worth, severity) {
					out = append(out, e)
				}
			}
		}
	}
	// Patterns of one group come together, so that rules about others pass most
	// variables by.
	slices.SortStableFunc(out, func(a, b entry) int { return slices.Compare(a.pattern.Groups, b.pattern.Groups) })
	return out
}

// homogeneous splits the resources of a pattern where create says something else
// of those with a slash: resourceNames limit no creation, but they do limit what is
// created below an object.
func homogeneous(t *power.Pattern) [][]string {
	var whole, below []string
	for _, r := range t.Resources {
		if strings.Contains(r, "/") {
			below = append(below, r)
		} else {
			whole = append(whole, r)
		}
	}
	if len(whole) == 0 || len(below) == 0 || !slices.Contains(t.Verbs, "create") {
		return [][]string{t.Resources}
	}
	return [][]string{whole, below}
}

// grade sets the verbs that are worth a severity; false when there are none.
func (e *entry) grade(worth, severity checks.Severity) bool {
	most := func(s checks.Severity) checks.Severity {
		if e.pattern.Most != checks.SeverityUnset {
			return min(s, e.pattern.Most)
		}
		return s
	}
	limited := e.pattern.Verbs
	if !strings.Contains(e.resource[0], "/") {
		limited = slices.DeleteFunc(slices.Clone(limited), func(v string) bool { return v == "create" })
	}
	free := most(worth)
	named := most(min(worth, max(e.power.Named, checks.Low)))
	if e.power.Combined() || len(e.pattern.Names) > 0 {
		named = free // by the names that are known to be dangerous
	}
	if free == severity {
		e.verbs = e.pattern.Verbs
	}
	if named == severity {
		e.limited = limited
	}
	return len(e.verbs)+len(e.limited) > 0
}

// text writes the entry as CEL: what its power is called (i), groups, resources,
// verbs (v, and l where resourceNames limit the rule), names and beginnings of
// names (p), and names that are left out (but). More fields may be added, by name.
func (e *entry) text(by naming, more ...string) string {
	names, prefixes := e.names()
	lists := []struct {
		name string
		list []string
	}{{"g", e.pattern.Groups}, {"r", e.resource}, {"v", e.verbs}, {"l", e.limited}, {"n", names}, {"p", prefixes}, {"but", e.pattern.Except}}
	if !by.fields {
		lists = lists[:4]
	}
	var out strings.Builder
	out.WriteString(`{"i": ` + cel.Strings(key(e.power)))
	for _, f := range lists {
		out.WriteString(`, "` + f.name + `": ` + cel.Strings(f.list...))
	}
	for i := 0; i+1 < len(more); i += 2 {
		out.WriteString(`, "` + more[i] + `": ` + more[i+1])
	}
	return out.String() + "}"
}

// names are the names of resources that the pattern is about, and the beginnings of
// names; neither of a pattern that is about all.
func (e *entry) names() (names, prefixes []string) {
	if !slices.Contains(e.pattern.Names, "*") {
		for _, n := range e.pattern.Names {
			if prefix, open := strings.CutSuffix(n, "*"); open {
				prefixes = append(prefixes, prefix)
			} else {
				names = append(names, n)
			}
		}
	}
	return names, prefixes
}

// key begins what a variable says of a power.
func key(p *power.Power) string { return p.ID + " " }
