// SPDX-License-Identifier: Apache-2.0

package basic

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/network"
)

// Reasons of answers.
const (
	NoUsers       = "no-users"       // the file of users is missing
	NoPassword    = "no-password"    // the request has none
	BadBasic      = "bad-basic"      // it is not base64 of NAME:PASSWORD
	WrongPassword = "wrong-password" // or there is no such user
	Busy          = "busy"           // too many passwords are being checked
)

// maxPassword is what bcrypt looks at, in bytes: what comes after it would not
// count.
const maxPassword = 72

// Authenticator implements auth.Authenticator.
type Authenticator struct {
	name   string
	users  *Users
	nobody []byte // the hash of a password that nobody has
	checks *Checks

	principals map[string]*auth.Principal
	compare    func(hash, password []byte) error // bcrypt.CompareHashAndPassword
}

// New makes an authenticator. Without users it answers auth.Unavailable.
func New(name string, users *Users, checks *Checks) (*Authenticator, error) {
	a := &Authenticator{name: name, users: users, checks: checks, compare: bcrypt.CompareHashAndPassword}
	if users.Len() == 0 {
		return a, nil
	}
	a.principals = make(map[string]*auth.Principal, users.Len())
	for n := range users.hashes {
		a.principals[n] = &auth.Principal{By: name, Subject: n}
	}
	var err error
	a.nobody, err = bcrypt.GenerateFromPassword([]byte(rand.Text()), users.cost)
	return a, err
}

// Authenticate implements auth.Authenticator.
func (a *Authenticator) Authenticate(ctx context.Context, r *auth.Request) auth.Answer {
	values := r.Form.Header["Authorization"]
	if len(values) == 0 {
		return auth.Answer{Verdict: auth.Absent, Reason: NoPassword}
	}
	scheme, encoded, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Basic") {
		return auth.Answer{Verdict: auth.Absent, Reason: NoPassword}
	}
	if len(values) > 1 {
		return auth.Answer{Verdict: auth.Invalid, Reason: BadBasic}
	}
	if a.users.Len() == 0 {
		return auth.Answer{Verdict: auth.Unavailable, Reason: NoUsers}
	}
	name, password, ok := credentials(encoded)
	if !ok {
		return auth.Answer{Verdict: auth.Invalid, Reason: BadBasic}
	}
	hash, known := a.users.hashes[name]
	if !known {
		hash = a.nobody
	}
	right, made := a.check(ctx, r, name, password, hash)
	switch {
	case !made:
		return auth.Answer{Verdict: auth.Unavailable, Reason: Busy, Again: again}
	case !right || !known:
		return auth.Answer{Verdict: auth.Invalid, Reason: WrongPassword}
	}
	return auth.Answer{Verdict: auth.Valid, Principal: a.principals[name]}
}

// again is about what it takes to check those that wait.
const again = 2 * time.Second

// check tells whether a password fits a hash. It is not found out when too many ask. The
// name counts, or else it would be seen which names have one hash, that of nobody.
func (a *Authenticator) check(ctx context.Context, r *auth.Request, name, password string, hash []byte) (right, made bool) {
	c := a.checks.cache
	key := c.sum(name, password, hash)
	if c.has(key, r.Now) {
		return true, true
	}
	return a.checks.make(ctx, key, network.Of(r.Form.Client), func() bool {
		if a.compare(hash, []byte(password)) != nil {
			return false
		}
		c.add(key, r.Now)
		return true
	})
}

// credentials reads what RFC 7617, section 2, has: base64 of a name without colon,
// a colon, and a password, none with control characters.
func credentials(encoded string) (name, password string, ok bool) {
	const most = 1024
	encoded = strings.TrimLeft(encoded, " ")
	if len(encoded) > most {
		return "", "", false
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	name, password, ok = strings.Cut(string(decoded), ":")
	if !ok || name == "" || len(password) > maxPassword || strings.ContainsFunc(string(decoded), func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return "", "", false
	}
	return name, password, true
}

var _ auth.Authenticator = (*Authenticator)(nil)
