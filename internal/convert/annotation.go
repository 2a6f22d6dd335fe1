// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Annotation is one that a controller documents.
type Annotation struct {
	// Name is whole, or ends in "*" for what the user chooses.
	Name string
	// Outcome is what becomes of it at best.
	Outcome Outcome
	// To is where it goes, as "HTTPRoute spec.rules[].timeouts.backendRequest".
	To string
	// Say is a limit of it, why it is needless, or what to use instead.
	Say string
	// Closes says that without it more would be let in, or something else would answer.
	Closes bool
	// Of is another annotation, without which this one means nothing.
	Of string

	off  []string // values that ask for nothing
	read func(*reader, string) error
}

// converted is an annotation that the new objects can say. A fault of its value closes
// the routes if it decides who gets in and where.
func converted(name, to, say string, read func(*reader, string) error) Annotation {
	return Annotation{Name: name, Outcome: Converted, To: to, Say: say, read: read}
}

// closing is like converted, for what must not be lost.
func closing(name, to, say string, read func(*reader, string) error) Annotation {
	a := converted(name, to, say, read)
	a.Closes = true
	return a
}

// needless is an annotation that changes nothing.
func needless(name, say string) Annotation {
	return Annotation{Name: name, Outcome: Equivalent, Say: say}
}

// refused is one without which requests are served as before, if less well.
func refused(name, say string) Annotation { return Annotation{Name: name, Say: say} }

// guarded is one that keeps something out, or decides what answers, and cannot be said.
// The values off mean that it is not asked for.
func guarded(name, say string, off ...string) Annotation {
	return Annotation{Name: name, Say: say, Closes: true, off: off}
}

// part is read together with another one, and shares its outcome.
func part(name, of, say string) Annotation { return Annotation{Name: name, Of: of, Say: say} }

// each makes annotations of one kind.
func each(one func(name, say string) Annotation, say string, names ...string) []Annotation {
	out := make([]Annotation, len(names))
	for i, n := range names {
		out[i] = one(n, say)
	}
	return out
}

// prefixed puts the prefix of a controller before names.
func prefixed(prefix string, lists ...[]Annotation) []Annotation {
	out := slices.Concat(lists...)
	for i := range out {
		out[i].Name = prefix + out[i].Name
		if out[i].Of != "" {
			out[i].Of = prefix + out[i].Of
		}
	}
	return out
}

// reader reads the annotations of one object into a plan.
type reader struct {
	*plan
	all  map[string]string
	line *Line
}

// holds says that nothing needs to be done for an annotation.
func (r *reader) holds(format string, values ...any) error {
	r.line.Outcome, r.line.Message = Equivalent, fmt.Sprintf(format, values...)
	return nil
}

// note adds to what is said of an annotation.
func (r *reader) note(format string, values ...any) {
	if text := fmt.Sprintf(format, values...); r.line.Message == "" {
		r.line.Message = text
	} else if !strings.Contains(r.line.Message, text) {
		r.line.Message += "; " + text
	}
}

// annotations reads all of one object. Those of other controllers have had no effect.
func (c *conversion) annotations(p *plan, kind, namespace, name string, all map[string]string) {
	at := map[string]int{} // lines by annotation
	said := func(key string) *Line {
		at[key] = len(p.lines)
		p.lines = append(p.lines, Line{Kind: kind, Namespace: namespace, Name: name, Source: key})
		return &p.lines[at[key]]
	}
	keys := slices.Sorted(maps.Keys(all))
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == corev1.LastAppliedConfigAnnotation }) // repeats the object
	by := map[*Annotation][]string{}                                                                       // "*" stands for several
	for _, key := range keys {
		a := p.controller.annotation(key)
		by[a] = append(by[a], key)
	}
	for i := range p.controller.Annotations {
		a := &p.controller.Annotations[i]
		if a.Of != "" {
			continue
		}
		for _, key := range by[a] {
			r := &reader{plan: p, all: all, line: said(key)}
			r.one(a, all[key])
		}
	}
	for _, key := range keys {
		a := p.controller.annotation(key)
		switch {
		case a != nil && a.Of == "":
		case a != nil:
			line := said(key)
			if of, there := at[a.Of]; there {
				main := p.lines[of]
				line.Outcome, line.object, line.field, line.Message = main.Outcome, main.object, main.field, a.Say
				if main.Outcome == NotSupported {
					line.Message = "it goes with " + a.Of
				}
			} else {
				line.Outcome, line.Message = Equivalent, fmt.Sprintf("it means nothing without %s", a.Of)
			}
		case key == classAnnotation:
			line := said(key)
			line.Outcome, line.object, line.field = Converted, "Gateway", "spec.gatewayClassName"
		case p.controller.owns(key):
			line := said(key)
			line.Outcome, line.Closes = Unknown, true
			line.Message = fmt.Sprintf("%s does not document it: whether it keeps anything out is not known", p.controller.Title)
		default:
			c.foreign(p, said(key))
		}
	}
}

// foreign is an annotation that the object's controller does not read.
func (c *conversion) foreign(p *plan, line *Line) {
	line.Outcome = Ignored
	for _, other := range c.controllers {
		if other.owns(line.Source) {
			line.Message = fmt.Sprintf("it is of %s; the class is served by %s", other.Title, p.controller.Title)
			return
		}
	}
	line.Message = "no Ingress controller that is known here reads it; it is not copied"
}

// one reads an annotation that stands by itself.
func (r *reader) one(a *Annotation, value string) {
	value = strings.TrimSpace(value)
	r.line.Outcome, r.line.Message = a.Outcome, a.Say
	r.line.object, r.line.field, _ = strings.Cut(a.To, " ")
	if slices.Contains(a.off, value) {
		r.line.Outcome, r.line.Message = Equivalent, "it asks for nothing"
		return
	}
	if a.read != nil {
		if err := a.read(r, value); err != nil {
			r.line.Outcome, r.line.Message = NotSupported, err.Error()
		}
	}
	r.line.Closes = a.Closes && r.line.Outcome == NotSupported
}
