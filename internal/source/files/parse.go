// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A lineError is a fault at a line of a chunk, the chunk's first line being 1.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

func at(line int, format string, args ...any) error {
	return &lineError{line, fmt.Errorf(format, args...)}
}

// parse turns a chunk into nodes, one per document: several when the chunk is a
// sequence of JSON values or uses "..." to end documents. It returns the nodes
// before a fault together with it.
func parse(text []byte) ([]*yaml.Node, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	if c := bytes.TrimLeft(text, " \t\r\n"); len(c) > 0 && (c[0] == '{' || c[0] == '[') {
		if nodes, err := parseJSON(text); err == nil {
			return nodes, nil
		}
		// Flow style YAML begins like JSON; its parser says what is wrong.
	}
	return ParseYAML(text)
}

// namesList finds what may be a List, before a large text is parsed to see whether
// it is one.
var namesList = regexp.MustCompile(`kind["']?\s*:\s*["']?[A-Za-z]*List\b`)

func errLarge(size int) error {
	return fmt.Errorf("has %d bytes; a document may have %d, and a List %d", size, MaxDocument, MaxList)
}

func checkText(text []byte) error {
	if len(text) > MaxList {
		return fmt.Errorf("has %d bytes; a List may have %d, and any other document %d: split it, or read it from the cluster", len(text), MaxList, MaxDocument)
	}
	if len(text) > MaxDocument && !namesList.Match(text) {
		return errLarge(len(text))
	}
	for line, rest := 1, text; len(rest) > 0; {
		r, size := rune(rest[0]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(rest)
		}
		switch {
		case r == utf8.RuneError && size == 1:
			return at(line, "is not valid UTF-8")
		case r == '\n':
			line++
		case r < ' ' && r != '\t' && r != '\r' || r == 0x7f:
			return at(line, "holds the control character %U", r)
		}
		rest = rest[size:]
	}
	return nil
}

// ParseYAML turns a YAML text into nodes, one per document that is not empty. It
// returns the nodes before a fault together with it.
func ParseYAML(text []byte) (nodes []*yaml.Node, err error) {
	defer func() { // the parser is not ours: a fault in it is a fault of the file
		if r := recover(); r != nil {
			err = fmt.Errorf("the YAML parser gave up: %v", r)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return nodes, nil
		}
		if err != nil {
			return nodes, explain(text, err)
		}
		if len(doc.Content) > 0 {
			nodes = append(nodes, doc.Content[0])
		}
	}
}

var parserMessage = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// explain gives a parser's error its line, and names the most common cause of
// the least clear one.
func explain(text []byte, err error) error {
	m := parserMessage.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	line, convErr := strconv.Atoi(m[1])
	if convErr != nil {
		return errors.New(m[2])
	}
	if tab := tabNear(text, line); tab > 0 {
		return at(tab, "is indented with a tab; YAML allows spaces only")
	}
	return at(line, "%s", m[2])
}

// tabNear returns the line next to the given one whose indentation has a tab, 0
// if there is none. The parser's line may be off by one.
func tabNear(text []byte, line int) int {
	n := 0
	for l := range bytes.Lines(text) {
		n++
		if n < line-1 {
			continue
		}
		if n > line+1 {
			return 0
		}
		indent := l[:len(l)-len(bytes.TrimLeft(l, " \t"))]
		if bytes.IndexByte(indent, '\t') >= 0 {
			return n
		}
	}
	return 0
}
