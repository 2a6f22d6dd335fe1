// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/internal/lines"
)

// Bounds of a file of keys.
const (
	maxEntries    = 100_000
	maxID         = 256 // bytes
	maxAttributes = 32  // of one entry
	maxLine       = 4096
)

// Entry is a key and who has it.
type Entry struct {
	ID      string
	Sum     [sha256.Size]byte // of the key
	Scopes  []string
	Claims  map[string]any // texts
	Expires time.Time      // zero: never
}

// Parse reads a file of keys. Each line is an entry,
//
//	ID:SHA256 [scope=NAME]... [expires=TIME] [NAME=VALUE]...
//
// where SHA256 is 64 hexadecimal digits, TIME is as RFC 3339 has it, and what is
// neither scope nor expires is a claim. Empty lines and those that begin with "#"
// are passed over. A file without an entry is a fault. Errors say which line is wrong, and
// repeat nothing of it.
func Parse(data []byte) ([]Entry, error) {
	var out []Entry
	ids, sums := map[string]int{}, map[[sha256.Size]byte]int{}
	err := lines.Read(data, maxLine, func(number int, text string) string {
		e, what := entry(strings.Fields(text))
		switch {
		case what != "":
			return what
		case ids[e.ID] > 0:
			return fmt.Sprintf("its name is that of line %d", ids[e.ID])
		case sums[e.Sum] > 0:
			return fmt.Sprintf("its key is that of line %d", sums[e.Sum])
		case len(out) == maxEntries:
			return fmt.Sprintf("there are more than %d keys", maxEntries)
		}
		ids[e.ID], sums[e.Sum] = number, number
		out = append(out, e)
		return ""
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func entry(fields []string) (e Entry, what string) {
	at := strings.LastIndexByte(fields[0], ':')
	if at < 0 {
		return e, "it is not NAME:SHA256"
	}
	e.ID = fields[0][:at]
	sum, err := hex.DecodeString(fields[0][at+1:])
	switch {
	case err != nil || len(sum) != sha256.Size:
		return e, "the part after the last colon is no SHA-256 of 64 hexadecimal digits"
	case e.ID == "" || len(e.ID) > maxID || strings.ContainsFunc(e.ID, func(c rune) bool { return c <= ' ' || c == 0x7f }):
		return e, fmt.Sprintf("the name before the colon has not 1 to %d characters", maxID)
	case [sha256.Size]byte(sum) == sha256.Sum256(nil):
		return e, "it is the SHA-256 of nothing"
	case len(fields) > maxAttributes+1:
		return e, fmt.Sprintf("there are more than %d attributes", maxAttributes)
	}
	e.Sum = [sha256.Size]byte(sum)
	for _, f := range fields[1:] {
		name, value, found := strings.Cut(f, "=")
		if !found || name == "" || value == "" {
			return e, "an attribute is not NAME=VALUE"
		}
		switch name {
		case "scope":
			e.Scopes = append(e.Scopes, value)
		case "expires":
			if e.Expires, err = time.Parse(time.RFC3339, value); err != nil || e.Expires.IsZero() {
				return e, "expires is no time such as 2027-01-31T00:00:00Z"
			}
		default:
			if _, twice := e.Claims[name]; twice {
				return e, "an attribute is there twice"
			}
			if e.Claims == nil {
				e.Claims = map[string]any{}
			}
			e.Claims[name] = value
		}
	}
	return e, ""
}
