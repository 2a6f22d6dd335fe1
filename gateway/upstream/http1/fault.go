// SPDX-License-Identifier: Apache-2.0

package http1

// Stage is how far a request came.
type Stage uint8

// The stages. Until Waiting nothing of a response was read.
const (
	Connecting Stage = iota // nothing was sent
	Sending                 // nothing of it may have arrived, or part of it
	Waiting                 // it was sent
	Answering               // a part of a response was read
	Asking                  // its own body could not be read
)

// Error says why a request got no response.
type Error struct {
	Stage  Stage
	Unsent bool // not one byte was sent
	Err    error
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fault is a word for what is wrong with a response.
type Fault string

// FaultError says that a response was refused.
type FaultError struct{ Fault Fault }

// Error implements error.
func (e *FaultError) Error() string { return "the response is refused: " + string(e.Fault) }

func refused(f Fault) error { return &FaultError{f} }

// The faults of responses.
const (
	BadStatusLine  Fault = "bad-status-line"   // RFC 9112, section 4
	BadLine        Fault = "bad-line"          // a line that does not end in CRLF, section 2.2
	BadHeader      Fault = "bad-header"        // no name, a name that is no token, or a colon behind space, section 5.1
	BadValue       Fault = "bad-value"         // a control character, RFC 9110, section 5.5
	FoldedLine     Fault = "folded-line"       // section 5.2
	BadLength      Fault = "bad-length"        // RFC 9110, section 8.6
	DoubleLength   Fault = "double-length"     // two lines of it, also of one value
	LengthAndCode  Fault = "length-and-coding" // section 6.3
	BadCoding      Fault = "bad-coding"        // any but chunked, section 6.1
	CodingNotHere  Fault = "coding-not-here"   // with 1xx, 204, or HTTP/1.0, section 6.1
	LengthNotHere  Fault = "length-not-here"   // with 1xx, RFC 9110, section 8.6
	BadChunk       Fault = "bad-chunk"         // section 7.1
	BadTrailer     Fault = "bad-trailer"       // a name that may not be one, RFC 9110, section 6.5.1
	TooLarge       Fault = "too-large"         // of a head
	TooManyLines   Fault = "too-many-lines"    // of a head
	TooManyInforms Fault = "too-many-1xx"
	NotAsked       Fault = "switch-not-asked" // 101 for a request that did not ask
	CutShort       Fault = "cut-short"        // the connection ended within it
)
