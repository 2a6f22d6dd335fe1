// SPDX-License-Identifier: Apache-2.0

package manifests

import "strings"

// expand replaces "$(NAME)" as the kubelet does in values and arguments
// (k8s.io/kubernetes/third_party/forked/golang/expansion): "$$" is a dollar sign
// that begins no reference, and a reference to nothing stays as it stands.
func expand(text string, value func(name string) (string, bool)) string {
	if !strings.Contains(text, "$") {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		switch text[i+1] {
		case '$':
			out.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(text[i+2:min(len(text), i+2+maxName)], ')')
			if end < 0 {
				out.WriteByte('$')
				continue
			}
			reference := text[i : i+3+end]
			if v, ok := value(text[i+2 : i+2+end]); ok && out.Len()+len(v) <= maxExpanded {
				reference = v
			}
			out.WriteString(reference)
			i += 2 + end
		default:
			out.WriteByte('$')
		}
	}
	return out.String()
}

// Bounds of an expansion. Names of variables are looked for no further than 1 KiB;
// a value does not grow beyond 1 MiB, which is all that a ConfigMap may hold, so
// that variables made of variables stay linear.
const (
	maxName     = 1 << 10
	maxExpanded = 1 << 20
)

// expandShell replaces "${NAME}", "${NAME:-value}" and "${NAME:value}" (Spring),
// as far as the variable is known; otherwise by what stands after the colon.
func expandShell(text string, value func(name string) (string, bool)) string {
	if !strings.Contains(text, "${") {
		return text
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		end := strings.IndexByte(rest[:min(len(rest), maxName)], '}')
		if end < 0 {
			out.WriteString("${")
			text = rest
			continue
		}
		name, otherwise, has := strings.Cut(rest[:end], ":")
		v, known := value(name)
		switch {
		case known && out.Len()+len(v) <= maxExpanded:
			out.WriteString(v)
		case has:
			out.WriteString(strings.TrimPrefix(otherwise, "-"))
		default:
			out.WriteString("${" + rest[:end] + "}")
		}
		text = rest[end+1:]
	}
}
