// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
)

// chunk is one document of a stream, its leading "---" included.
type chunk struct {
	text []byte
	line int // 1-based line of the text's first line in its file
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// split cuts a stream at the lines that begin with "---". YAML 1.2 §9.1.2
// forbids such a line inside of any scalar, so the cut needs no parser, and a
// document that cannot be parsed costs only itself.
func split(data []byte) []chunk {
	data = bytes.TrimPrefix(data, byteOrderMark)
	var out []chunk
	start, startLine, line := 0, 1, 0
	onlyDirectives := true // nothing but %-lines and comments since start
	for at := 0; at < len(data); {
		line++
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		text := data[at:end]
		switch {
		case isMarker(text):
			if at > start && !onlyDirectives {
				out = append(out, chunk{data[start:at], startLine})
				start, startLine = at, line
			}
			onlyDirectives = false
		case !isBlank(text) && text[0] != '%':
			onlyDirectives = false
		}
		at = end
	}
	return append(out, chunk{data[start:], startLine})
}

// isMarker reports whether a line starts a document.
func isMarker(line []byte) bool {
	return bytes.HasPrefix(line, []byte("---")) && (len(line) == 3 || bytes.IndexByte([]byte(" \t\r\n"), line[3]) >= 0)
}

// isBlank reports whether a line is empty or a comment.
func isBlank(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '#'
}

// isEmpty reports whether a document has no content: `kubectl apply` passes
// over such a document, and so do we.
func (c chunk) isEmpty() bool {
	for line := range bytes.Lines(c.text) {
		if isMarker(line) {
			line = line[3:]
		}
		if !isBlank(line) && !bytes.Equal(bytes.TrimSpace(line), []byte("...")) {
			return false
		}
	}
	return true
}
