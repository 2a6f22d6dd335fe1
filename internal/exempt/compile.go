// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
)

// Place says where exemptions come from, and with it how far they reach. The zero
// value is that of a file: whoever names the file takes the responsibility.
type Place struct {
	// Install is the namespace of Gatehouse. Exemptions there, and those of a file
	// that name no namespace, reach everywhere.
	Install string

	// Cluster says that the exemptions are stored in a cluster, where only those
	// reach anywhere that Gatehouse has seen being written.
	Cluster bool

	// Guarded is the moment since which the API server asks Gatehouse about every
	// write of an exemption; zero: it does not. An exemption of a cluster that is
	// older, outside of Install, may have been written by anybody.
	Guarded time.Time
}

// propagation is how long an API server may take until it asks a webhook that
// has just been registered. It follows the registration by a watch, which takes
// about a second.
const propagation = 10 * time.Second

func (p Place) reach(obj *v1alpha1.Exemption) Reach {
	switch {
	case p.Install != "" && obj.Namespace == p.Install, obj.Namespace == "" && !p.Cluster:
		return Everywhere
	case !p.Cluster, !p.Guarded.IsZero() && obj.CreationTimestamp.After(p.Guarded.Add(propagation)):
		return OwnNamespace
	}
	return Nowhere
}

// Bounds of lists and texts, as in the CRD.
const (
	maxEntries = 64
	maxReason  = 1024
	maxShort   = 253 // an owner, a ticket
	maxSubject = 600
	maxName    = 254
)

// Compile turns an Exemption into one that can be compared with findings. It
// checks everything again that the CRD's schema states, for the object may come
// from a file, and what only it can know, such as the checks' names. With any
// fault there is no exemption; the error joins one error per fault, each
// beginning with the path of its field. It keeps no part of obj.
func Compile(set *checks.Set, obj *v1alpha1.Exemption, p Place) (Exemption, error) {
	spec := &obj.Spec
	e := Exemption{
		Namespace: obj.Namespace, Name: obj.Name, Reach: p.reach(obj),
		Reason: strings.TrimSpace(spec.Reason), Owner: strings.TrimSpace(spec.Owner), Ticket: strings.TrimSpace(spec.Ticket),
		ExpiresAt: spec.ExpiresAt.Time,
	}
	faults := []error{
		text("metadata.name", e.Name, maxShort), text("spec.reason", e.Reason, maxReason), text("spec.owner", e.Owner, maxShort),
		e.compileChecks(spec.Checks, set), e.compileObjects(spec.Objects),
	}
	if len(e.Ticket) > maxShort {
		faults = append(faults, fmt.Errorf("spec.ticket has more than %d bytes", maxShort))
	}
	if len(spec.Subjects) > maxEntries {
		faults = append(faults, fmt.Errorf("spec.subjects has more than %d entries", maxEntries))
	} else {
		e.Subjects = strs(spec.Subjects)
		faults = append(faults, patterns("spec.subjects", e.Subjects, maxSubject))
	}
	if e.ExpiresAt.IsZero() {
		faults = append(faults, errors.New("spec.expiresAt is missing"))
	}
	if err := errors.Join(faults...); err != nil {
		return Exemption{}, err
	}
	return e, nil
}

// Load compiles the Exemptions of a cluster. One with a fault covers nothing and
// is among Faulty; the others stay.
func Load(set *checks.Set, list []v1alpha1.Exemption, p Place) *Set {
	p.Cluster = true
	var good []Exemption
	var faulty []Faulty
	for i := range list {
		e, err := Compile(set, &list[i], p)
		if err != nil {
			faulty = append(faulty, Faulty{Namespace: list[i].Namespace, Name: list[i].Name, Err: err})
			continue
		}
		good = append(good, e)
	}
	out := NewSet(good...)
	slices.SortFunc(faulty, func(a, b Faulty) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	out.faulty = faulty
	return out
}

// text checks a text that must be there.
func text(field, value string, limit int) error {
	switch {
	case value == "":
		return fmt.Errorf("%s is empty", field)
	case len(value) > limit:
		return fmt.Errorf("%s has more than %d bytes", field, limit)
	}
	return nil
}

func (e *Exemption) compileChecks(names []string, set *checks.Set) error {
	switch {
	case len(names) == 0:
		return errors.New("spec.checks names no check")
	case len(names) > maxEntries:
		return fmt.Errorf("spec.checks has more than %d entries", maxEntries)
	}
	var faults []error
	for i, name := range names {
		c, known := set.Lookup(name)
		if !known {
			faults = append(faults, fmt.Errorf("spec.checks[%d]: no check has the id or name %q", i, short(name)))
			continue
		}
		e.Checks = append(e.Checks, c.ID)
	}
	return errors.Join(faults...)
}

func (e *Exemption) compileObjects(list []v1alpha1.ExemptionSelector) error {
	switch {
	case len(list) == 0:
		return errors.New("spec.objects selects no object")
	case len(list) > maxEntries:
		return fmt.Errorf("spec.objects has more than %d entries", maxEntries)
	}
	var faults []error
	for i := range list {
		s := Selector{Kinds: slices.Clone(list[i].Kinds), Namespaces: strs(list[i].Namespaces), Names: strs(list[i].Names)}
		at := fmt.Sprintf("spec.objects[%d]", i)
		if len(s.Kinds)+len(s.Namespaces)+len(s.Names) == 0 {
			faults = append(faults, fmt.Errorf("%s selects everything: give kinds, namespaces or names", at))
		}
		if max(len(s.Kinds), len(s.Namespaces), len(s.Names)) > maxEntries {
			faults = append(faults, fmt.Errorf("%s has a list with more than %d entries", at, maxEntries))
			continue
		}
		for j, kind := range s.Kinds {
			if kind == "" || strings.ContainsAny(kind, "*/ ") {
				faults = append(faults, fmt.Errorf("%s.kinds[%d]: %q is not of the form Kind or Kind.group", at, j, short(kind)))
			}
		}
		faults = append(faults, patterns(at+".namespaces", s.Namespaces, maxName), patterns(at+".names", s.Names, maxName), e.ownNamespaces(at, s.Namespaces))
		e.Objects = append(e.Objects, s)
	}
	return errors.Join(faults...)
}

// ownNamespaces refuses what an exemption says about other namespaces than its
// own and that it will never be asked about (SELF-002).
func (e *Exemption) ownNamespaces(at string, list []string) error {
	if e.Reach == Everywhere {
		return nil
	}
	var faults []error
	for j, ns := range list {
		if ns != e.Namespace {
			faults = append(faults, fmt.Errorf("%s.namespaces[%d]: %q is not %q: an exemption in a namespace of its own cannot be about others", at, j, short(ns), e.Namespace))
		}
	}
	return errors.Join(faults...)
}

func patterns(field string, list []string, limit int) error {
	var faults []error
	for i, p := range list {
		if p == "" || len(p) > limit || strings.Contains(strings.TrimSuffix(p, "*"), "*") {
			faults = append(faults, fmt.Errorf("%s[%d]: %q is not a name, or the beginning of one followed by *", field, i, short(p)))
		}
	}
	return errors.Join(faults...)
}

// strs copies a list of strings of a type of their own.
func strs[S ~string](list []S) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}

// short bounds a user's value in a message.
func short(s string) string {
	const limit = 80
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "..."
}
