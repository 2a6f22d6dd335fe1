// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"cmp"
	"slices"
)

// Outcome is what became of an annotation.
type Outcome uint8

// The zero value is the worst.
const (
	// NotSupported: nothing that is written does it.
	NotSupported Outcome = iota
	// Unknown: it has the prefix of the controller, whose documentation does not name it.
	Unknown
	// Converted: what is written does it.
	Converted
	// Equivalent: it holds without being asked for, or never had an effect.
	Equivalent
	// Ignored: the controller that served the object does not read it.
	Ignored
)

var outcomes = [...]string{"not supported", "unknown", "converted", "equivalent", "ignored"}

// String is the outcome as the report has it.
func (o Outcome) String() string { return outcomes[o] }

// MarshalText writes the outcome as String has it.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Line says what became of one annotation, or of one field that has no counterpart.
// Values are not repeated: some are secrets.
type Line struct {
	Kind      string `json:"kind"` // Ingress or Service
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Source is the annotation, or the field, such as spec.rules[0].http.paths[1].
	Source  string  `json:"source"`
	Outcome Outcome `json:"outcome"`
	// To are the objects and fields that do it now.
	To      []string `json:"to,omitempty"`
	Message string   `json:"message,omitempty"`
	// Closes says that the object's routes answer 500 because of this line, or with
	// Options.AllowOpen that they are open in spite of it.
	Closes bool `json:"closes,omitempty"`

	object, field string // of To, until names are known
}

// Counts are the lines of each outcome.
func Counts(lines []Line) map[Outcome]int {
	out := map[Outcome]int{}
	for i := range lines {
		out[lines[i].Outcome]++
	}
	return out
}

func sortLines(lines []Line) {
	slices.SortStableFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Message, b.Message))
	})
}
