// SPDX-License-Identifier: Apache-2.0

package fix

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// layout finds nodes in a text.
type layout struct {
	text  []byte
	lines []int // offset of each line
}

func newLayout(text []byte) layout {
	l := layout{text: text, lines: []int{0}}
	for i, c := range text {
		if c == '\n' && i+1 < len(text) {
			l.lines = append(l.lines, i+1)
		}
	}
	return l
}

// newline is the line end that the text uses.
func (l layout) newline() string {
	if bytes.Contains(l.text, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// lineStart is the offset of a 1-based line; that of the line after the last is
// the end of the text.
func (l layout) lineStart(line int) int {
	if line-1 < len(l.lines) {
		return l.lines[max(line-1, 0)]
	}
	return len(l.text)
}

// line returns a 1-based line without its end.
func (l layout) line(line int) string {
	return strings.TrimRight(string(l.text[l.lineStart(line):l.lineStart(line+1)]), "\r\n")
}

// lineOf is the 1-based line of an offset.
func (l layout) lineOf(offset int) int {
	return bytes.Count(l.text[:min(offset, len(l.text))], []byte{'\n'}) + 1
}

// offset is where a node begins. The parser counts columns in characters.
func (l layout) offset(n *yaml.Node) int {
	at := l.lineStart(n.Line)
	if n.Line == 1 && bytes.HasPrefix(l.text, []byte("\xef\xbb\xbf")) {
		at += 3 // the parser does not count a byte order mark
	}
	for range n.Column - 1 {
		if at >= len(l.text) {
			return len(l.text)
		}
		_, size := utf8.DecodeRune(l.text[at:])
		at += size
	}
	return at
}

// scalarSpan returns where a scalar stands, its quotes included; false for one
// with a tag or an anchor, and for block and multi-line scalars.
func (l layout) scalarSpan(n *yaml.Node) (start, end int, ok bool) {
	start = l.offset(n)
	if n.Style&yaml.TaggedStyle != 0 || n.Anchor != "" || start >= len(l.text) {
		return 0, 0, false
	}
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		end = quotedEnd(l.text, start, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		end = quotedEnd(l.text, start, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || n.Value == "":
		return 0, 0, false
	default:
		end = start + len(n.Value)
		if end > len(l.text) || string(l.text[start:end]) != n.Value {
			return 0, 0, false
		}
	}
	if end < 0 || bytes.IndexByte(l.text[start:end], '\n') >= 0 {
		return 0, 0, false
	}
	return start, end, true
}

// quotedEnd is the offset behind the closing quote, -1 without one.
func quotedEnd(text []byte, start int, quote byte) int {
	if text[start] != quote {
		return -1
	}
	for i := start + 1; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return -1
}

func isFlow(n *yaml.Node) bool {
	return n.Style&yaml.FlowStyle != 0 || len(n.Content) == 0
}

// flowEnd is the offset behind a scalar, an alias or a flow collection, -1 when
// it cannot be told.
func (l layout) flowEnd(n *yaml.Node) int {
	switch n.Kind {
	case yaml.ScalarNode:
		_, end, ok := l.scalarSpan(n)
		if !ok {
			return -1
		}
		return end
	case yaml.AliasNode:
		return l.offset(n) + len("*") + len(n.Value)
	case yaml.MappingNode, yaml.SequenceNode:
	case yaml.DocumentNode:
		return -1
	}
	start := l.offset(n)
	if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 || start >= len(l.text) || strings.IndexByte("{[", l.text[start]) < 0 {
		return -1
	}
	at := start + 1
	if len(n.Content) > 0 {
		if at = l.flowEnd(n.Content[len(n.Content)-1]); at < 0 {
			return -1
		}
	}
	return l.closing(at)
}

// closing is the offset behind the bracket that follows, white space, a comma
// and comments apart; -1 when something else does.
func (l layout) closing(at int) int {
	for ; at < len(l.text); at++ {
		switch l.text[at] {
		case ' ', '\t', '\r', '\n', ',':
		case '#':
			for at < len(l.text) && l.text[at] != '\n' {
				at++
			}
		case '}', ']':
			return at + 1
		default:
			return -1
		}
	}
	return -1
}

// indentOf is the number of spaces that a line begins with, -1 for a line that
// is blank or a comment.
func indentOf(line string) int {
	rest := strings.TrimLeft(line, " ")
	if t := strings.TrimSpace(rest); t == "" || t[0] == '#' {
		return -1
	}
	return len(line) - len(rest)
}

// blockEnd returns the last line of what begins on a line at a column (0-based)
// and is indented deeper from there on. Blank lines and comments behind it do
// not belong to it. With dashes, list items at the column itself belong to it.
func (l layout) blockEnd(line, column int, dashes bool) int {
	last := line
	for next := line + 1; next <= len(l.lines); next++ {
		text := l.line(next)
		indent := indentOf(text)
		switch {
		case indent < 0:
			continue
		case indent > column:
		case dashes && indent == column && (strings.HasPrefix(text[indent:], "- ") || text[indent:] == "-"):
		default:
			return last
		}
		last = next
	}
	return last
}
