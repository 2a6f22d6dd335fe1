// SPDX-License-Identifier: Apache-2.0

package front

import (
	"net/http"
	"strings"
)

// Fault is what is wrong with the bytes of a client: one of the constants of this
// package, so that it may be the label of a metric. "" is nothing.
type Fault string

// What the scanner refuses. RFC 9112 unless another one is named.
const (
	BareLineFeed     Fault = "bare-line-feed"      // section 2.2
	LineTooLong      Fault = "line-too-long"       // Limits.Head
	HeadTooLarge     Fault = "head-too-large"      // Limits.Head
	TooManyLines     Fault = "too-many-lines"      // Limits.Lines
	BadRequestLine   Fault = "bad-request-line"    // section 3
	BadVersion       Fault = "bad-version"         // section 2.3: only 1.0 and 1.1
	FoldedLine       Fault = "folded-line"         // section 5.2
	BadFieldName     Fault = "bad-field-name"      // section 5.1: a space before the colon, too
	BadFieldValue    Fault = "bad-field-value"     // RFC 9110, section 5.5
	BadLength        Fault = "bad-content-length"  // section 6.3: a second one, a list, a sign
	BadCoding        Fault = "bad-transfer-coding" // section 6.1: only chunked, once, in HTTP/1.1
	TwoFramings      Fault = "two-framings"        // section 6.1: length and coding
	FramingAlias     Fault = "framing-alias"       // Content_Length and the like
	BadHosts         Fault = "bad-host"            // section 3.2: none, two, or another than the target's
	BadChunk         Fault = "bad-chunk"           // section 7.1
	BadTrailer       Fault = "bad-trailer"         // section 7.1.2
	UnexpectedBinary Fault = "unexpected-http2"    // the preface of HTTP/2 where it is not spoken
	BadTarget        Fault = "bad-target"          // section 3.2: no URL, or %zz in its path
	BadExpectation   Fault = "bad-expectation"     // RFC 9110, section 10.1.1: other than 100-continue
	HeadTimeout      Fault = "head-timeout"        // a head that began, and did not end in time
)

// Floods are what is too much of HTTP/2 (Frames). Nobody is answered.
const (
	ContinuationFlood Fault = "continuation-flood" // CVE-2024-27316
	DataFlood         Fault = "empty-data-flood"   // CVE-2019-9518
	PingFlood         Fault = "ping-flood"         // CVE-2019-9512
	PriorityFlood     Fault = "priority-flood"     // CVE-2019-9513
	ResetFlood        Fault = "reset-flood"        // CVE-2019-9514, CVE-2023-44487
	SettingsFlood     Fault = "settings-flood"     // CVE-2019-9515
	WindowFlood       Fault = "window-flood"       // of WINDOW_UPDATE
	FrameFlood        Fault = "frame-flood"        // of any other kind
)

// Flood tells whether it is one of them.
func (f Fault) Flood() bool { return strings.HasSuffix(string(f), "-flood") }

// Status is what a client is answered.
func (f Fault) Status() int {
	switch f {
	case LineTooLong, HeadTooLarge, TooManyLines:
		return http.StatusRequestHeaderFieldsTooLarge
	case BadVersion:
		return http.StatusHTTPVersionNotSupported
	case BadExpectation:
		return http.StatusExpectationFailed
	case HeadTimeout:
		return http.StatusRequestTimeout
	case BareLineFeed, BadRequestLine, FoldedLine, BadFieldName, BadFieldValue, BadLength, BadCoding, TwoFramings, FramingAlias, BadHosts, BadChunk, BadTrailer, UnexpectedBinary, BadTarget,
		ContinuationFlood, DataFlood, PingFlood, PriorityFlood, ResetFlood, SettingsFlood, WindowFlood, FrameFlood:
	}
	return http.StatusBadRequest
}

// Error is a Fault as the error of a connection's Read, to which net/http answers
// 400 and closes.
type Error struct{ Fault Fault }

// Error implements error.
func (e *Error) Error() string { return "malformed request: " + string(e.Fault) }
