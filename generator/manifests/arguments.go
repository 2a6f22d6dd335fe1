// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"strconv"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator/manifests/address"
)

// argument is one word of a command line, with the flag it belongs to.
type argument struct {
	key, value string
	field      field
}

// commandLine reads command and arguments. What the probes and hooks of a
// container run is run inside of it too.
func (f *finder) commandLine(p *pod, c container, value func(string) (string, bool)) {
	var words []argument
	collect := func(list []string, at string) {
		for i, w := range list {
			words = append(words, argument{value: expand(w, value), field: field{at, i, ""}})
		}
	}
	collect(c.Command, c.field+".command")
	collect(c.Args, c.field+".args")
	words = flags(words)
	beside := lazily(func() map[string]string {
		out := make(map[string]string, len(words))
		for _, a := range words {
			out[strings.ToLower(a.key)] = a.value
		}
		return out
	})
	for _, a := range words {
		m := mention{pod: p, key: a.key, value: a.value, beside: beside, object: p.Key, field: a.field, what: [5]string{"argument of ", c.what}}
		switch {
		case a.key != "":
			m.what = [5]string{"argument --", a.key, " of ", c.what}
		case strings.ContainsAny(a.value, " \t\n"):
			m.value, m.script = expandShell(a.value, value), true
			m.what[0] = "script of "
		}
		f.mention(m)
	}
}

// flags puts flags and their values together: "--a=b", "--a b" where a is the key
// of an address or of a port, "-Da=b", "a=b", and "db 5432" for a name with a
// number after it.
func flags(words []argument) []argument {
	out := make([]argument, 0, len(words))
	for i := 0; i < len(words); i++ {
		a := words[i]
		next := ""
		if i+1 < len(words) {
			next = words[i+1].value
		}
		switch name, v, with := strings.Cut(a.value, "="); {
		case strings.HasPrefix(a.value, "-") && with:
			name = strings.TrimLeft(name, "-")
			if strings.HasPrefix(a.value, "-D") {
				name = name[1:]
			}
			a.key, a.value = name, v
		case strings.HasPrefix(a.value, "-"):
			name = strings.TrimLeft(a.value, "-")
			if next == "" || strings.HasPrefix(next, "-") || len(name) > 100 || strings.ContainsAny(name, " :/") || !takesValue(name) {
				continue
			}
			a = argument{key: name, value: next, field: words[i+1].field}
			i++
		case with && !strings.ContainsAny(name, " \t\n:/,$(") && len(name) < 100:
			a.key, a.value = name, v
		case isPort(next) && !strings.ContainsAny(a.value, " :/.="):
			a.value += ":" + next
			i++
		}
		out = append(out, a)
	}
	return out
}

func takesValue(flag string) bool {
	low := strings.ToLower(flag)
	return address.Classify(flag) != address.Unknown || low == "p" || strings.HasSuffix(low, "port")
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0 && text[0] != '+'
}
