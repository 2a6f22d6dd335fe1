// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/custom"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The bounds of custom checks, as in the CRD.
const (
	maxCustom      = 64
	maxKinds       = 32
	maxConditions  = 16
	maxVariables   = 32
	maxValidations = 16
	maxName        = 63
	maxTitle       = 200
	maxFix         = 512
	maxMessage     = 1024
	maxFieldPath   = 512
	maxExpression  = 8192
)

// wholeObject is the subject of a validation that has no name, as in the CRD.
const wholeObject = "object"

var (
	customID       = regexp.MustCompile(`^CUSTOM-[0-9]{3}$`)
	customName     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	customVariable = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$`)
	customLine     = regexp.MustCompile(`^\S(.*\S)?$`)
	customPath     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./\[\]'"-]*$`)
)

// compileCustom returns the set with the custom checks in it.
func compileCustom(f *faults, set *checks.Set, list []v1alpha1.CustomCheck) *checks.Set {
	if len(list) == 0 || !f.atMost("spec.customChecks", len(list), maxCustom) {
		return set
	}
	out := set.Checks()
	seen := map[string]bool{}
	for i := range list {
		at := index("spec.customChecks", i)
		one := customOf(f, set, at, &list[i])
		once(f, at+".id", seen, one.ID, quote(one.ID))
		once(f, at+".name", seen, one.Name, quote(one.Name))
		if f.full() {
			continue // the faults that are named are enough; a fault costs time to find
		}
		check, wrong := custom.Compile(&one)
		for _, w := range wrong {
			f.add(at+"."+w.Path, "%s", w.Message)
		}
		out = append(out, check)
	}
	with, err := checks.NewSet(out...)
	if err != nil {
		if f.err() == nil {
			f.add("spec.customChecks", "%v", err)
		}
		return set
	}
	return with
}

// customOf reads one custom check.
func customOf(f *faults, set *checks.Set, at string, in *v1alpha1.CustomCheck) custom.Definition {
	out := custom.Definition{ID: in.ID, Name: in.Name, Title: in.Title, Fix: in.Fix}
	form(f, at+".id", in.ID, customID, len("CUSTOM-000"), "CUSTOM- and three digits")
	form(f, at+".name", in.Name, customName, maxName, "lower-case words joined by hyphens")
	if c, taken := set.Lookup(in.Name); taken {
		f.add(at+".name", "%s is the name of %s", quote(in.Name), c.ID)
	}
	line(f, at+".title", in.Title, maxTitle)
	line(f, at+".fix", in.Fix, maxFix)
	severity, known := checks.ParseSeverity(string(in.Severity))
	if !known {
		f.notOneOf(at+".severity", string(in.Severity), severityNames()...)
	}
	out.Severity = severity
	out.Kinds = customKinds(f, set, at+".kinds", in.Kinds)
	out.MatchConditions = expressions(f, at+".matchConditions", in.MatchConditions, maxConditions, func(at string, c v1alpha1.CustomCondition) custom.Named {
		form(f, at+".name", c.Name, customName, maxName, "lower-case words joined by hyphens")
		return custom.Named{Name: c.Name, Expression: celText(f, at+".expression", c.Expression)}
	})
	out.Variables = expressions(f, at+".variables", in.Variables, maxVariables, func(at string, v v1alpha1.CustomVariable) custom.Named {
		form(f, at+".name", v.Name, customVariable, maxName, "letters, digits and single underscores, beginning with a letter")
		return custom.Named{Name: v.Name, Expression: celText(f, at+".expression", v.Expression)}
	})
	out.Validations = customValidations(f, at+".validations", in.Validations)
	return out
}

// expressions reads a list of expressions whose names differ.
func expressions[T any](f *faults, at string, in []T, limit int, read func(at string, one T) custom.Named) []custom.Named {
	if !f.atMost(at, len(in), limit) {
		return nil
	}
	out, seen := make([]custom.Named, 0, len(in)), map[string]bool{}
	for i := range in {
		at := index(at, i)
		one := read(at, in[i])
		once(f, at+".name", seen, one.Name, quote(one.Name))
		out = append(out, one)
	}
	return out
}

func customValidations(f *faults, at string, in []v1alpha1.CustomValidation) []custom.Validation {
	if len(in) == 0 {
		f.add(at, "has no entry, so the check would find nothing")
	}
	if !f.atMost(at, len(in), maxValidations) {
		return nil
	}
	out, seen := make([]custom.Validation, 0, len(in)), map[string]bool{}
	for i := range in {
		v, at := &in[i], index(at, i)
		one := custom.Validation{Name: v.Name, Expression: celText(f, at+".expression", v.Expression), Message: v.Message, Field: v.FieldPath}
		if one.Name == "" {
			one.Name = wholeObject
		}
		form(f, at+".name", one.Name, customName, maxName, "lower-case words joined by hyphens")
		once(f, at+".name", seen, one.Name, quote(one.Name))
		if v.Message != "" {
			line(f, at+".message", v.Message, maxMessage)
		} else if strings.Contains(strings.TrimSpace(one.Expression), "\n") {
			f.add(at+".message", "is missing: an expression of several lines needs one")
		}
		if v.MessageExpression != "" {
			one.MessageExpression = celText(f, at+".messageExpression", v.MessageExpression)
		}
		if v.FieldPath != "" {
			form(f, at+".fieldPath", v.FieldPath, customPath, maxFieldPath, "a path such as spec.ports[0].port")
		}
		out = append(out, one)
	}
	return out
}

// customKinds reads the kinds of a custom check. The webhook is called for the
// kinds of the catalogue, so for any other the check would be silent.
func customKinds(f *faults, set *checks.Set, at string, in []v1alpha1.CustomKind) []schema.GroupKind {
	if len(in) == 0 {
		f.add(at, "has no entry, so the check would judge nothing")
	}
	if !f.atMost(at, len(in), maxKinds) {
		return nil
	}
	judged, seen := set.Kinds(), map[schema.GroupKind]bool{}
	var out []schema.GroupKind
	for i, k := range in {
		gk, at := schema.GroupKind{Group: k.Group, Kind: k.Kind}, index(at, i)
		if !once(f, at, seen, gk, quote(gk.String())) {
			continue
		}
		_, known := inventory.KindOf(gk)
		switch why, few := seldomSeen[gk]; {
		case !known:
			f.add(at, "Gatehouse does not know the kind %s", quote(gk.String()))
		case few:
			f.add(at, "%s", why)
		case !slices.Contains(judged, gk):
			f.add(at, "the webhook is not called for %s, which no check of Gatehouse judges", quote(gk.String()))
		}
		out = append(out, gk)
	}
	return out
}

// seldomSeen are kinds of which the webhook's match conditions let few objects
// through (webhook/registration), so that a check would be silent about most.
var seldomSeen = map[schema.GroupKind]string{
	{Kind: "ConfigMap"}:  "the webhook sees few ConfigMaps: those that configure ingress-nginx",
	inventory.SecretKind: "the webhook sees few Secrets, and never what they hold",
}

// celText checks the bounds of an expression.
func celText(f *faults, at string, e v1alpha1.CustomExpression) string {
	switch text := string(e); {
	case strings.TrimSpace(text) == "":
		f.add(at, "is empty")
	case len(text) > maxExpression:
		f.add(at, "has more than %d bytes", maxExpression)
	case !utf8.ValidString(text):
		f.add(at, "is not UTF-8")
	default:
		return text
	}
	return "true" // what stands for it is not used
}

func form(f *faults, at, v string, pattern *regexp.Regexp, limit int, shape string) {
	if len(v) > limit || !pattern.MatchString(v) {
		f.add(at, "%s is not 1 to %d bytes: %s", quote(v), limit, shape)
	}
}

// line checks a text of one line.
func line(f *faults, at, v string, limit int) {
	if len(v) > limit || !utf8.ValidString(v) || !customLine.MatchString(v) {
		f.add(at, "%s is not one line of 1 to %d bytes without blanks around it", quote(v), limit)
	}
}

// customized are the kinds that custom checks judge.
func customized(set *checks.Set) map[schema.GroupKind]bool {
	out := map[schema.GroupKind]bool{}
	for _, c := range set.Checks() {
		for _, k := range c.Kinds {
			if c.Custom {
				out[k] = true
			}
		}
	}
	return out
}
