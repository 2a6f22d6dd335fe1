// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
)

// olderPrefix begins the names of the variables that say of the older object what
// those without it say of the new one. Names of users have no double underscore.
const olderPrefix = "older__"

// rewrite is a change of a text: what to put in place of some characters.
type rewrite struct {
	first, last int // in characters, last not included
	text        string
}

// selection is how a variable is read: variables.name. Comments between its parts
// are not understood.
var selection = regexp.MustCompile(`^variables\s*\.\s*`)

// aboutOlder writes an expression anew so that it says of the older object what it
// says of the new one. The text stays as it is but for the names of variables.
// False where that cannot be told from the text: where a macro gives one of the
// names to something else.
func aboutOlder(ast *cel.Ast, text string) (string, bool) {
	native, chars := ast.NativeRep(), []rune(text)
	var changes []rewrite
	understood := true
	celast.PreOrderVisit(native.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		switch e.Kind() {
		case celast.ComprehensionKind:
			for _, name := range []string{e.AsComprehension().IterVar(), e.AsComprehension().IterVar2(), e.AsComprehension().AccuVar()} {
				understood = understood && name != objectName && name != variablesName
			}
		case celast.IdentKind:
			name := plainName(e)
			if name != objectName && name != variablesName {
				return
			}
			at, known := native.SourceInfo().GetOffsetRange(e.ID())
			first := int(at.Start)
			if !known || first < 0 || first > len(chars) || !strings.HasPrefix(string(chars[first:]), name) {
				understood = false
				return
			}
			if name == objectName {
				changes = append(changes, rewrite{first, first + len(objectName), oldObjectName})
				return
			}
			read := selection.FindString(string(chars[first:]))
			if read == "" {
				understood = false
				return
			}
			after := first + len([]rune(read))
			changes = append(changes, rewrite{after, after, olderPrefix})
		case celast.UnspecifiedExprKind, celast.CallKind, celast.SelectKind, celast.ListKind, celast.LiteralKind, celast.MapKind, celast.StructKind:
		}
	}))
	if !understood {
		return "", false
	}
	return apply(chars, changes), true
}

// apply makes the changes; one that macros have repeated counts once.
func apply(chars []rune, changes []rewrite) string {
	slices.SortFunc(changes, func(a, b rewrite) int { return a.first - b.first })
	var out strings.Builder
	done := 0
	for _, c := range slices.Compact(changes) {
		out.WriteString(string(chars[done:c.first]))
		out.WriteString(c.text)
		done = c.last
	}
	out.WriteString(string(chars[done:]))
	return out.String()
}
