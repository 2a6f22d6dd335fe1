// SPDX-License-Identifier: Apache-2.0

package basic

import (
	"context"
	"encoding/base64"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
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
	name    string
	users   *Users
	nobody  []byte // the hash of a password that nobody has
	cache   *cache
	slots   Slots
	waiting atomic.Int64
	most    int64 // that may wait

	principals map[string]*auth.Principal
	check      func(hash, password []byte) error // bcrypt.CompareHashAndPassword
}

// Slots bound how many passwords are checked at once by all authenticators that share
// them.
type Slots chan struct{}

// NewSlots makes Slots for half of the processors.
func NewSlots() Slots { return make(Slots, max(runtime.GOMAXPROCS(0)/2, 1)) }

// New makes an authenticator. Without users it answers auth.Unavailable.
func New(name string, users *Users, slots Slots) (*Authenticator, error) {
	const perSlot = 32 // that wait: some seconds at cost 12
	a := &Authenticator{name: name, users: users, cache: newCache(), slots: slots, most: int64(perSlot * cap(slots)), check: bcrypt.CompareHashAndPassword}
	if users.Len() == 0 {
		return a, nil
	}
	a.principals = make(map[string]*auth.Principal, users.Len())
	for n := range users.hashes {
		a.principals[n] = &auth.Principal{By: name, Subject: n}
	}
	var err error
	a.nobody, err = bcrypt.GenerateFromPassword([]byte("nobody"), users.cost)
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
	sum := a.cache.sum(name, password)
	if a.cache.has(sum, r.Now) {
		return auth.Answer{Verdict: auth.Valid, Principal: a.principals[name]}
	}
	if a.waiting.Add(1) > a.most {
		a.waiting.Add(-1)
		return auth.Answer{Verdict: auth.Unavailable, Reason: Busy}
	}
	defer a.waiting.Add(-1)
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return auth.Answer{Verdict: auth.Unavailable, Reason: Busy}
	}
	if a.cache.has(sum, r.Now) { // it was checked while this one waited
		return auth.Answer{Verdict: auth.Valid, Principal: a.principals[name]}
	}
	hash, known := a.users.hashes[name]
	if !known {
		hash = a.nobody
	}
	if err := a.check(hash, []byte(password)); err != nil || !known {
		return auth.Answer{Verdict: auth.Invalid, Reason: WrongPassword}
	}
	a.cache.add(sum, r.Now)
	return auth.Answer{Verdict: auth.Valid, Principal: a.principals[name]}
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
