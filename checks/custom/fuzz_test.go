// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"regexp"
	"strings"
	"testing"
)

var position = regexp.MustCompile(`^[0-9]+:[0-9]+: .`)

// FuzzCompile: no expression makes Compile or the check panic, every fault has a
// position, and what is found is a finding of the definition.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"true", "false", "object", "object.spec.type == 'NodePort'", "oldObject == null || object.spec == oldObject.spec", "request.userInfo.groups.exists(g, g == 'dev')",
		"namespaceObject.metadata.labels['a'] == 'b'", "variables.v == 1", "variables", "variables[0]", "variables.?w", ".variables.v == 1", "params.x", "authorizer", "", " ", "\n", "((((", "'", "\"\x00\"", "\xff", "é == 'é'",
		strings.Repeat("!", 300) + "true", strings.Repeat("[", 300), strings.Repeat("a.", 300) + "b", "[1,2,3].map(x, [1,2,3].map(y, x*y)).size() > 0", "lists.range(1000000000).size() > 0",
		"object.spec.ports.all(a, object.spec.ports.all(b, object.spec.ports.all(c, true)))", "'a'.matches('(a*)*$')", "1/0 == 1", "9223372036854775807 + 1 > 0", "dyn(1) == 'a'", "has(object.a.b)", "cel.bind(x, object, x.kind == 'Service')",
		"type(object) == map", "object.metadata.labels.transformMap(k, v, v).size() > 0", "[object, object].all(o, o == object)", "timestamp('x') > timestamp('y')", "quantity('a').asInteger() == 1", "object.__proto__", "request.kind == request.requestKind",
		"{'a': 1}.a == 1", "{1: 2}[1] == 2", "optional.of(1).hasValue()", "object[?'spec'].hasValue()", "string(object) == ''", "b'a' == b'b'", "duration('1h') > duration('1m')", "in", "a in b", "object in object", "r'\\' == ''",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 8192 { // internal/policy refuses longer ones
			return
		}
		d := definition(Validation{Name: "object", Expression: s, Message: "m", MessageExpression: s}, Validation{Name: "second", Expression: "variables.w == variables.v"})
		d.Variables = []Named{{"v", "1"}, {"w", s}}
		d.MatchConditions = []Named{{"c", s}}
		for _, d := range []*Definition{d, definition(validate(s))} {
			c, faults := Compile(d)
			for _, fault := range faults {
				if !position.MatchString(fault.Message) || strings.Contains(fault.Message, "\n") || fault.Path == "" {
					t.Errorf("fault %q", fault)
				}
			}
			if len(faults) > 0 {
				continue
			}
			for _, found := range c.Run(input(service(3))) {
				if found.Subject == "" || found.Message == "" {
					t.Errorf("finding %+v", found)
				}
			}
		}
	})
}
