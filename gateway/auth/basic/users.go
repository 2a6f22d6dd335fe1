// SPDX-License-Identifier: Apache-2.0

package basic

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/internal/lines"
)

// Bounds of a file of users. A check at cost 10 takes some 60 ms, at 14 a second;
// OWASP's Password Storage Cheat Sheet has 10 as the least.
const (
	maxUsers = 100_000
	maxName  = 256 // bytes
	maxLine  = 1024
	minCost  = 10
	maxCost  = 14
)

// Users are names and hashes of passwords. The hashes all cost the same, so that
// the time of an answer does not say who is there.
type Users struct {
	hashes map[string][]byte
	cost   int
}

// Len is how many there are.
func (u *Users) Len() int {
	if u == nil {
		return 0
	}
	return len(u.hashes)
}

var isHash = regexp.MustCompile(`^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)

// Parse reads a file of users as htpasswd writes it, with bcrypt: NAME:HASH lines.
// Empty lines and those that begin with "#" are passed over. A file without a user is a
// fault. Errors say which line is wrong, and repeat nothing of it.
func Parse(data []byte) (*Users, error) {
	out := &Users{hashes: map[string][]byte{}}
	err := lines.Read(data, maxLine, func(_ int, text string) string {
		name, hash, found := strings.Cut(text, ":")
		cost, err := bcrypt.Cost([]byte(hash))
		switch {
		case !found:
			return "it is not NAME:HASH"
		case name == "" || len(name) > maxName || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f }):
			return fmt.Sprintf("the name has not 1 to %d characters", maxName)
		case err != nil || !isHash.MatchString(hash):
			return "the hash is none of bcrypt: make it with htpasswd -nB -C 12 NAME"
		case cost < minCost || cost > maxCost:
			return fmt.Sprintf("the cost %d of the hash is not between %d and %d (htpasswd -C)", cost, minCost, maxCost)
		case out.cost != 0 && cost != out.cost:
			return fmt.Sprintf("the cost %d of the hash is another one than that of the lines before, %d", cost, out.cost)
		case out.hashes[name] != nil:
			return "the name is there twice"
		case len(out.hashes) == maxUsers:
			return fmt.Sprintf("there are more than %d users", maxUsers)
		}
		out.hashes[name], out.cost = []byte(hash), cost
		return ""
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
