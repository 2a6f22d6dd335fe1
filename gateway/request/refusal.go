// SPDX-License-Identifier: Apache-2.0

package request

// Reason is why a request was refused: one of the constants of this package, so
// that it may be the label of a metric.
type Reason string

// The reasons to refuse a request before anybody asks who sent it.
const (
	BadMethod       Reason = "bad-method"       // not a token
	ForbiddenMethod Reason = "forbidden-method" // CONNECT and TRACE
	BadHost         Reason = "bad-host"         // not a name or address with an optional port
	BadTarget       Reason = "bad-target"       // neither a path nor an absolute URL of this host
	BadPath         Reason = "bad-path"         // a byte or an escape that no path has
	EscapedSlash    Reason = "escaped-slash"    // %2F or %5C
	Backslash       Reason = "backslash"        // servers of one family take it for a slash
	DoubleEscape    Reason = "double-escape"    // %25 before two digits: decoded twice it is something else
	PathParameter   Reason = "path-parameter"   // ;name=value, which some servers cut off before they route
	AboveRoot       Reason = "above-root"       // more .. than directories
	DotSegment      Reason = "dot-segment"      // . or .. where they are refused
	EmptySegment    Reason = "empty-segment"    // // where it is refused
	BadQuery        Reason = "bad-query"        // a control character
	TooLong         Reason = "target-too-long"  // path and query together
	TooManyHeaders  Reason = "too-many-headers" // lines
	DoubleHeader    Reason = "double-header"    // a second Authorization, and the like
	BadLength       Reason = "bad-length"       // two lengths of a body, or one that is no number or another than net/http's
	BadForwarded    Reason = "bad-forwarded"    // a trusted peer says nonsense about its client
)

// Refusal is the answer to a request that has no form. The zero value is 400
// without a reason.
type Refusal struct {
	Status int    // 0 means 400
	Reason Reason // goes to log and metric, and to the client: it says nothing that the client did not send
}

// StatusCode is the status to answer with.
func (r *Refusal) StatusCode() int {
	if r.Status == 0 {
		return 400
	}
	return r.Status
}

func refuse(reason Reason) *Refusal { return &Refusal{Reason: reason} }
