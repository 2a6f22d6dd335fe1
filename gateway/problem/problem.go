// SPDX-License-Identifier: Apache-2.0

// Package problem writes what a client is told when it is refused.
package problem

import (
	"net/http"
	"strconv"
	"strings"
)

// Type is the media type of a Document.
const Type = "application/problem+json"

// Document is a problem document (RFC 9457). The reason is a word of ours, which needs
// no escape, or "": nothing of the request is repeated.
func Document(status int, reason string) string {
	var b strings.Builder
	b.WriteString(`{"type":"about:blank","title":"`)
	b.WriteString(http.StatusText(status))
	b.WriteString(`","status":`)
	b.WriteString(strconv.Itoa(status))
	if reason != "" {
		b.WriteString(`,"reason":"`)
		b.WriteString(reason)
		b.WriteString(`"`)
	}
	b.WriteString("}\n")
	return b.String()
}
