// SPDX-License-Identifier: Apache-2.0

package address

import (
	"slices"
	"strings"
)

// value reads a value of one line, or hands it on as a text.
func (f *finder) value(value string) {
	value = strings.TrimSpace(value)
	if strings.ContainsAny(value, "\n") || strings.HasPrefix(value, "{") || strings.HasPrefix(value, `["`) {
		f.base.Whole = false
		f.text(value)
		return
	}
	value = strings.Trim(value, `"'`)
	f.base.Whole = f.base.Whole && !prose(value)
	if f.connection(value) || f.urls(value, false) {
		return
	}
	f.list(value)
}

// prose reports whether spaces part words, and not the items of a list.
func prose(value string) bool {
	for {
		at := strings.IndexByte(value, ' ')
		if at < 0 {
			return false
		}
		if before := strings.TrimRight(value[:at], " "); before != "" && !strings.ContainsAny(before[len(before)-1:], ",;") {
			return true
		}
		value = value[at+1:]
	}
}

// list reads "a:1,b:2", also with semicolons, spaces or bars. A bare name counts
// only if nothing but names, commas and ports is there. An item "name=value"
// counts by its value, and only with a port: "n1=db-0.db:2380" is a member of a
// cluster, "password=hunter2" is not.
func (f *finder) list(value string) {
	bare := f.base.Whole && !strings.ContainsAny(value, "|=@(){}")
	for item := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '|' || r == '\t' }) {
		if f.full() {
			return
		}
		item = strings.Trim(item, `"'()<>`+"`")
		if !strings.Contains(item, "]:") && !strings.Contains(item, "::") {
			item = strings.Trim(item, "[]")
		}
		if name, rest, ok := strings.Cut(item, "="); ok {
			if k := Classify(name); k == Other || k == Own {
				continue
			}
			item = rest
		}
		if at := strings.LastIndexByte(item, '@'); at >= 0 {
			item = item[at+1:]
			if !strings.Contains(item, ":") {
				continue // mail
			}
		}
		if a, ok := pair(item, bare); ok {
			f.add(a)
		}
	}
}

// text reads a text of lines: a configuration file, a script. Of every line, the
// key before its first "=" or ":" is the key of what follows. Comments are left
// out.
func (f *finder) text(text string) {
	f.base.Whole = false
	var lines []setting
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		if f.full() {
			return
		}
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "//") || strings.HasPrefix(trimmed, ";") || strings.HasPrefix(trimmed, "<!--") {
			lines = lines[:0]
			continue
		}
		f.base.Line = number
		s := settingOf(trimmed)
		s.indent, s.line = len(line)-len(strings.TrimLeft(line, " \t")), number
		if s.key != "" {
			s.kind = Classify(s.key)
			s.port, _ = portOf(s.value)
			s.portKey, _ = PortKey(s.key)
		}
		var paired bool
		if lines, paired = f.neighbours(lines, s); !paired {
			f.line(s, trimmed)
		}
	}
	f.base.Line, f.base.Key = 0, ""
}

// setting is one line of a text.
type setting struct {
	key, value   string
	indent, line int

	kind    Kind
	portKey string // key of the port that belongs to this host; "" for no host
	port    uint16 // the value, where it is a port
}

// settingOf takes "key: value", "key = value", `"key": "value",` and "key value;"
// apart; without a key, all is value.
func settingOf(line string) setting {
	line = strings.TrimPrefix(line, "- ")
	line = strings.TrimPrefix(line, "export ")
	at := strings.IndexAny(line, "=:")
	switch {
	case at > 0 && at < maxKey && (line[at] == '=' || at+1 == len(line) || line[at+1] == ' ' || line[at+1] == '"'):
		if key := strings.Trim(line[:at], " \t\"'"); key != "" && !strings.ContainsAny(key, " \t<>(){}$") {
			return setting{key: key, value: strings.Trim(strings.TrimSpace(line[at+1:]), `,;"'`)}
		}
	default:
		if key, value, ok := strings.Cut(line, " "); ok && strings.HasSuffix(value, ";") && len(key) < maxKey {
			return setting{key: key, value: strings.TrimSuffix(value, ";")}
		}
	}
	return setting{value: line}
}

// neighbours finds the port of a host that stands on a line near it, with the
// same indentation and the key that belongs to its key. True when the line was
// the second of the two.
func (f *finder) neighbours(lines []setting, s setting) ([]setting, bool) {
	const near = 6
	if s.key == "" {
		return lines[:0], false
	}
	if n := len(lines); n > 0 && lines[n-1].indent > s.indent {
		lines = lines[:0]
	}
	paired := false
	for i := range lines {
		if lines[i].indent == s.indent {
			paired = f.paired(&lines[i], &s) || f.paired(&s, &lines[i]) || paired
		}
	}
	if len(lines) >= near {
		lines = append(lines[:0], lines[1:]...)
	}
	return append(lines, s), paired
}

// paired reads a host and the port that stands beside it, in place of the host
// alone.
func (f *finder) paired(host, number *setting) bool {
	if number.port == 0 || host.portKey == "" || !strings.EqualFold(host.portKey, number.key) {
		return false
	}
	a, named := pair(host.value, true)
	if !named || a.Port != 0 {
		return false
	}
	f.found = slices.DeleteFunc(f.found, func(b Address) bool { return b.Line == host.line && b.Form == Word && b.Host == a.Host && b.IP == a.IP })
	line := f.base.Line
	a.Port, a.Form = number.port, Pair
	f.base.Key, f.base.Line = host.key, host.line
	f.add(a)
	f.base.Line = line
	return true
}

func (f *finder) line(s setting, whole string) {
	f.base.Key = s.key
	if s.kind == Other && !strings.Contains(s.value, "://") {
		return
	}
	if !f.urls(s.value, false) && s.key != "" && f.connection(s.value) {
		return
	}
	if s.key != "" && s.kind.Address() && !strings.ContainsAny(s.value, " \t") {
		f.base.Whole = true
		f.list(s.value)
		f.base.Whole = false
		return
	}
	f.tokens(whole)
}

// tokens reads what stands between spaces and brackets: pairs, what follows "-h"
// or "--host" together with what follows "-p", and a name with a port after it, as
// in "nc -z db 5432".
func (f *finder) tokens(text string) {
	before, flag, named := "", "", ""
	for token := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;|&()<>{}'\"`", r) }) {
		if f.full() {
			return
		}
		port, number := portOf(token)
		switch {
		case strings.HasPrefix(token, "-"):
			name, v, with := strings.Cut(strings.TrimLeft(token, "-"), "=")
			if with {
				f.option(name, v)
				name = ""
			}
			before, flag = "", name
			continue
		case number && named != "" && (flag == "p" || flag == "P" || flag == "port"):
			f.option("host", named+":"+token)
			named = ""
		case number && before != "":
			if a, ok := host(before); ok && !a.IP.IsValid() {
				a.Port, a.Form = port, Pair
				f.add(a)
			}
		case flag == "h" || flag == "host":
			f.option("host", named)
			named = token
		case strings.Contains(token, ":"):
			if _, rest, ok := strings.Cut(token, "="); ok {
				token = rest
			}
			if a, ok := pair(token, false); ok {
				f.add(a)
			}
		}
		before, flag = token, ""
	}
	f.option("host", named)
}

// option reads the value of a flag inside a text.
func (f *finder) option(name, value string) {
	if !Classify(name).Address() {
		return
	}
	key := f.base.Key
	f.base.Key = name
	if a, ok := pair(value, true); ok {
		f.add(a)
	}
	f.base.Key = key
}
