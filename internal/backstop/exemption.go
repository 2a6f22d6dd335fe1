// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
)

// counting are the exemptions of a check that count at the time of Build.
func (o Options) counting(id string, terms exempt.Terms) []exempt.Exemption {
	var out []exempt.Exemption
	for _, e := range o.Exemptions.All() {
		reaches := e.Reach == exempt.Everywhere || e.Reach == exempt.OwnNamespace && terms.Approved
		if slices.Contains(e.Checks, id) && reaches && !e.Expired(o.Now) && !e.EndsTooLate(terms, o.Now) {
			out = append(out, e)
		}
	}
	return out
}

// excused is true of the fault f of an object that one of the exemptions covers.
// The API server has no clock in CEL, but a new object carries the time of its
// creation, so that an exemption ends in time for creations. For updates it counts
// until the backstop is made again.
func excused(list []exempt.Exemption) string {
	out := make([]string, 0, len(list))
	for i := range list {
		e := &list[i]
		objects := make([]string, 0, len(e.Objects))
		for _, s := range e.Objects {
			objects = append(objects, cel.All(kindsOf(s.Kinds), patterns(s.Namespaces, objectNamespace), patterns(s.Names, `dyn(object).metadata.?name.orValue("")`)))
		}
		reach := ""
		if e.Reach != exempt.Everywhere {
			reach = objectNamespace + " == " + cel.Quote(e.Namespace)
		}
		out = append(out, cel.All(cel.Any(objects...), patterns(e.Subjects, "f"), reach,
			`request.operation != "CREATE" || timestamp(dyn(object).metadata.creationTimestamp) < timestamp(`+cel.Quote(e.ExpiresAt.UTC().Format(time.RFC3339))+")"))
	}
	return cel.Any(out...)
}

const objectNamespace = `dyn(object).metadata.?namespace.orValue("")`

// patterns is true of a text that one of the patterns matches, which is a literal
// that may end in "*"; "" without any.
func patterns(list []string, text string) string {
	if len(list) == 0 {
		return ""
	}
	out := make([]string, 0, len(list))
	for _, p := range list {
		if prefix, open := strings.CutSuffix(p, "*"); open {
			out = append(out, text+".startsWith("+cel.Quote(prefix)+")")
		} else {
			out = append(out, text+" == "+cel.Quote(p))
		}
	}
	// No pattern is about an object without namespace.
	return cel.All(text+` != ""`, cel.Any(out...))
}

// kindsOf is true of objects of the kinds, in the form Kind or Kind.group.
func kindsOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	out := make([]string, 0, len(list))
	for _, name := range list {
		kind, group, grouped := strings.Cut(name, ".")
		if grouped {
			out = append(out, "request.kind.kind == "+cel.Quote(kind)+" && request.kind.group == "+cel.Quote(group))
		} else {
			out = append(out, "request.kind.kind == "+cel.Quote(kind))
		}
	}
	return cel.Any(out...)
}

// firstEnd is when the first of the exemptions ends; false without any.
func firstEnd(list []exempt.Exemption) (time.Time, bool) {
	if len(list) == 0 {
		return time.Time{}, false
	}
	first := slices.MinFunc(list, func(a, b exempt.Exemption) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
	return first.ExpiresAt, true
}
