// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a finding says, in bytes. An object may hold annotations of
// 256 KiB, and hundreds of findings may repeat them.
const (
	maxMessage = 1 << 10
	maxStep    = 512 // a subject, a field, a step of a path
)

// Plain returns a text in which every character is a visible one or a space.
// Names, annotations and values come from whoever wrote the object and end up in
// terminals and logs: escape sequences, line breaks, marks that turn the writing
// direction and bytes that are no UTF-8 are written as Go writes them ("\x1b").
func Plain(text string) string {
	if isPlain(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + hex.EncodeToString([]byte{text[i]}))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		i += size
	}
	return b.String()
}

func isPlain(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c >= 0x7f {
			return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
		}
	}
	return true
}

// plain cleans and bounds the words of a finding.
func (f *Finding) plain() {
	f.Subject = identity(f.Subject)
	f.Field, f.Message = short(f.Field, maxStep), short(f.Message, maxMessage)
	f.Fix, f.Attack = short(f.Fix, maxMessage), short(f.Attack, maxMessage)
	for i, step := range f.Path {
		if clean := short(step, maxStep); clean != step {
			path := append([]string(nil), f.Path...) // may be the check's own
			for j := i; j < len(path); j++ {
				path[j] = short(path[j], maxStep)
			}
			f.Path = path
			return
		}
	}
}

// short is Plain, cut to a number of bytes at a character boundary.
func short(text string, limit int) string {
	if len(text) <= limit {
		if text = Plain(text); len(text) <= limit {
			return text
		}
	}
	// Escapes make a text longer, so no more than limit bytes of it are needed.
	text = Plain(text[:min(len(text), limit)])
	cut := min(limit, len(text)) - len("...")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}

// identity is short for a subject. Two subjects that differ stay different: of
// the part that is cut off a digest remains.
func identity(subject string) string {
	if len(subject) <= maxStep && isPlain(subject) {
		return subject
	}
	digest := sha256.Sum256([]byte(subject))
	return short(subject, maxStep) + " (sha256 " + hex.EncodeToString(digest[:8]) + ")"
}
