// SPDX-License-Identifier: Apache-2.0

// Package lines reads files of credentials, of which nothing is repeated.
package lines

import (
	"bytes"
	"fmt"
	"strings"
)

// Error says which line of a file is wrong. It repeats nothing of the line.
type Error struct {
	Line int
	What string
}

// Error implements error.
func (e Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.What) }

// Read calls entry with each line and its number, but for empty ones and those that
// begin with "#", until it says what is wrong with one. No line may have more than most
// bytes, and there must be one. Errors are Errors.
func Read(data []byte, most int, entry func(number int, text string) (what string)) error {
	number, entries := 0, 0
	for line := range bytes.Lines(data) {
		number++
		if len(line) > most {
			return Error{number, fmt.Sprintf("it has more than %d bytes", most)}
		}
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		entries++
		if what := entry(number, text); what != "" {
			return Error{number, what}
		}
	}
	if entries == 0 {
		return Error{max(number, 1), "there is no entry"}
	}
	return nil
}
