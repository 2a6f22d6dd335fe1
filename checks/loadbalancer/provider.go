// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Rule names the way a controller reads the value of an annotation.
type Rule uint8

// The rules. The zero value refuses: a row that forgets its rule decides nothing.
const (
	Refuse              Rule = iota // the value is not understood
	NonEmptyExceptFalse             // any value but "" and "false" is internal; "false" is public
	ExactTrue                       // "true" is internal, anything else is public
	TrueFalseOrDefault              // "true" is internal, "false" is public, anything else is the default
	ParseBool                       // strconv.ParseBool; the controller reports an error for anything else
	Equals                          // listed values, compared exactly; the rest as Otherwise says
	PresentNonEmpty                 // any value but "" is internal
	JSONTypeInner                   // JSON object whose "type" is "inner" (internal) or "public"
	NamesExisting                   // any value but "" names a load balancer that exists already: unknown
	PublishesWhenTrue               // any true value opens the address to the internet; otherwise the next key decides
)

var ruleNames = [...]string{
	Refuse:              "not read",
	NonEmptyExceptFalse: `any value except "" and "false" is internal`,
	ExactTrue:           `exactly "true" is internal`,
	TrueFalseOrDefault:  `exactly "true" is internal, exactly "false" is public, anything else is the default`,
	ParseBool:           "a boolean (1, t, true, 0, f, false, ...); anything else is refused",
	Equals:              "one of the listed values, compared exactly",
	PresentNonEmpty:     "any non-empty value is internal",
	JSONTypeInner:       `a JSON object; "type": "inner" is internal, "type": "public" is public`,
	NamesExisting:       "any non-empty value names an existing load balancer, whose scheme cannot be seen",
	PublishesWhenTrue:   "a true value makes the address reachable from the internet",
}

// String describes the rule for documentation.
func (r Rule) String() string {
	if int(r) < len(ruleNames) {
		return ruleNames[r]
	}
	return ruleNames[Refuse]
}

// reading is what a controller makes of one value.
type reading uint8

const (
	readRefused  reading = iota // an error, or unknown: the scheme cannot be told
	readInternal                // internal
	readPublic                  // public
	readNothing                 // as if the annotation were absent
)

func (r reading) scheme() Scheme {
	switch r {
	case readInternal:
		return Internal
	case readPublic:
		return Public
	case readRefused, readNothing:
	}
	return Unknown
}

// KeyRule is one annotation and how its value is read.
type KeyRule struct {
	Annotation string
	Rule       Rule
	Internal   []string // for Equals
	Public     []string // for Equals
	Ignored    []string // for Equals: values that count as absent
	Otherwise  Scheme   // for Equals: what any other value means; Unknown when the controller refuses it
}

// read applies the rule to a value that is present.
func (k *KeyRule) read(value string) reading {
	switch k.Rule {
	case NonEmptyExceptFalse:
		switch value {
		case "":
			return readNothing
		case "false":
			return readPublic
		}
		return readInternal
	case ExactTrue:
		return either(value == "true", readInternal, readPublic)
	case TrueFalseOrDefault:
		switch value {
		case "true":
			return readInternal
		case "false":
			return readPublic
		}
		return readNothing
	case ParseBool:
		internal, err := strconv.ParseBool(value)
		if err != nil {
			return readRefused
		}
		return either(internal, readInternal, readPublic)
	case Equals:
		return k.equals(value)
	case PresentNonEmpty:
		return either(value != "", readInternal, readNothing)
	case JSONTypeInner:
		return readJSONType(value)
	case NamesExisting:
		return either(value != "", readRefused, readNothing)
	case PublishesWhenTrue:
		on, err := strconv.ParseBool(strings.TrimSpace(value))
		return either(on || (err != nil && value != ""), readPublic, readNothing)
	case Refuse:
	}
	return readRefused
}

func (k *KeyRule) equals(value string) reading {
	switch {
	case slices.Contains(k.Internal, value):
		return readInternal
	case slices.Contains(k.Public, value):
		return readPublic
	case slices.Contains(k.Ignored, value):
		return readNothing
	}
	switch k.Otherwise {
	case Internal:
		return readInternal
	case Public:
		return readPublic
	case Unknown:
	}
	return readRefused
}

// readJSONType reads the member "type" of a JSON object. Parsers differ on a member that appears twice or in another case,
// so such an object is refused.
func readJSONType(value string) reading {
	dec := json.NewDecoder(strings.NewReader(value))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return readRefused
	}
	kind, seen := "", 0
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return readRefused
		}
		var member json.RawMessage
		if err := dec.Decode(&member); err != nil {
			return readRefused
		}
		text, ok := name.(string)
		if !ok || !strings.EqualFold(text, "type") {
			continue
		}
		seen++
		if text != "type" || json.Unmarshal(member, &kind) != nil {
			return readRefused
		}
	}
	if _, err := dec.Token(); err != nil {
		return readRefused
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return readRefused
	}
	if seen != 1 {
		return readRefused
	}
	switch kind {
	case "inner":
		return readInternal
	case "public":
		return readPublic
	}
	return readRefused
}

func either(condition bool, yes, no reading) reading {
	if condition {
		return yes
	}
	return no
}

// Object is the kind of object that a row of the table reads.
type Object uint8

// The kinds.
const (
	ServiceObject Object = iota
	IngressObject
	GatewayObject
	objectKinds // number of kinds
)

// Class is a class name that selects a controller. A Scheme other than Unknown is decided by the class alone.
type Class struct {
	Name   string
	Scheme Scheme
}

// Selector is an annotation whose value hands the object to a controller.
type Selector struct {
	Annotation string
	Values     []string
	Case       Case
}

func (s *Selector) matches(annotations map[string]string) bool {
	value, ok := annotations[s.Annotation]
	if !ok {
		return false
	}
	for _, want := range s.Values {
		if value == want || (s.Case == CaseFold && strings.EqualFold(value, want)) {
			return true
		}
	}
	return false
}

// Caveat is a clause that a non-empty annotation adds to Verdict.Conflicts.
type Caveat struct {
	Annotation string
	With       Scheme // only with this scheme; Unknown is any
	Value      string // only with this value; "" is any
	Why        string
}

// SpecPin says what spec.loadBalancerIP means next to a pin annotation.
type SpecPin uint8

// The meanings.
const (
	SpecPinAdds     SpecPin = iota // both are asked for
	SpecPinExcludes                // the controller refuses an object that has both
)

// Provider is one row of the table: one controller that makes load balancers.
type Provider struct {
	Name   string // stable identifier, used in Config.Providers
	Title  string // as it stands in a sentence after "the"
	Object Object
	// Keys decide the scheme, in the controller's order of precedence: the first one that is present and not ignored.
	Keys []KeyRule
	// Marks are annotations, or prefixes of annotations, that only this controller reads; they say it is meant.
	Marks   []string
	Classes []Class
	// Selector hands an object without class to this controller instead of to Supersedes. Without it the row applies
	// only by class, or when Config.Providers names it and not Supersedes.
	Selector   *Selector
	Supersedes string
	// Default is the scheme when no key decides. DefaultIsSetting says that an installation can change it.
	Default          Scheme
	DefaultIsSetting bool
	// ByAddress says that the scheme follows from the pinned address or the address pool.
	ByAddress bool
	PinKeys   [][]string // annotations with addresses; of the names in one group the first that is present counts
	SpecPin   SpecPin
	PoolKeys  []string // annotations with the name of a pool; the first that is present counts
	Caveats   []Caveat
	// NamedOnly rows share their annotations with another row and apply only when Config.Providers names them.
	NamedOnly bool
	Sources   []string // where the reading was taken from
	Note      string   // what the row cannot express
}
