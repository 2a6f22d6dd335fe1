// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// Principal is who makes a request. It is shared by all requests with the same
// credential, and never changed.
type Principal struct {
	By      string // the name of the authenticator in the policy
	Issuer  string // who vouches for the subject: of a token its "iss", else ""
	Subject string // unique for By and Issuer, never empty
	Scopes  []string
	Claims  map[string]any // as encoding/json has them, numbers as json.Number; nil if there are none
	Expires time.Time      // of the credential; zero: it does not say
}

// Request is what authenticators look at.
type Request struct {
	Form *request.Form
	TLS  *tls.ConnectionState // nil without TLS
	Now  time.Time
}

// Authenticator looks for one kind of credential. It is shared by all requests of
// a snapshot, and any number of goroutines may use it at once.
type Authenticator interface {
	Authenticate(ctx context.Context, r *Request) Answer
}

// Verdict is the kind of an Answer.
type Verdict uint8

// The zero value, Unavailable, lets nobody in.
const (
	Unavailable Verdict = iota // keys or a service are missing: neither yes nor no (503)
	Absent                     // there is no credential of this kind, or it is another authenticator's
	Invalid                    // there is one, and it does not hold (401)
	Valid                      // Answer.Principal is set
)

// Answer is what an Authenticator found.
type Answer struct {
	Verdict   Verdict
	Principal *Principal    // of Valid only
	Reason    string        // a word for log and metric, "" for Valid
	Again     time.Duration // of Unavailable: after which it may be otherwise; 0: that is not known
}
