// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"strings"

	celast "github.com/google/cel-go/common/ast"
)

// reads says which variables the value of an expression may depend on, besides
// object.
type reads uint8

const (
	readsRequest reads = 1 << iota
	readsOldObject
	readsNamespace
)

var readsByName = map[string]reads{requestName: readsRequest, oldObjectName: readsOldObject, namespaceName: readsNamespace}

// readsOf lists what an expression may read, through variables too. A name that a
// macro binds counts as the variable of that name: rather one too many.
func (c *compiler) readsOf(e celast.Expr) reads {
	var out reads
	selected := map[int64]bool{} // the operands of variables.name
	celast.PreOrderVisit(e, celast.NewExprVisitor(func(e celast.Expr) {
		switch e.Kind() {
		case celast.SelectKind:
			if on := e.AsSelect().Operand(); on.Kind() == celast.IdentKind && plainName(on) == variablesName {
				if r, known := c.reads[e.AsSelect().FieldName()]; known {
					out |= r
					selected[on.ID()] = true
				}
			}
		case celast.IdentKind:
			name := plainName(e)
			out |= readsByName[name]
			if name == variablesName && !selected[e.ID()] {
				for _, r := range c.reads {
					out |= r
				}
			}
		case celast.UnspecifiedExprKind, celast.CallKind, celast.ComprehensionKind, celast.ListKind, celast.LiteralKind, celast.MapKind, celast.StructKind:
		}
	}))
	return out
}

// plainName is the name of an identifier without the dot that may begin it.
func plainName(e celast.Expr) string { return strings.TrimPrefix(e.AsIdent(), ".") }
