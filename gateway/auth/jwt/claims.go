// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// latest is the end of the year 9999: later moments are no dates.
const latest = 253402300799

// date reads a NumericDate (RFC 7519, section 2): seconds since 1970, not
// necessarily whole ones.
func date(v any) (time.Time, bool) {
	n, isNumber := v.(json.Number)
	if !isNumber {
		return time.Time{}, false
	}
	if whole, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		if whole < 0 || whole > latest {
			return time.Time{}, false
		}
		return time.Unix(whole, 0), true
	}
	f, err := strconv.ParseFloat(string(n), 64) // an error for what is too large
	if err != nil || !(f >= 0 && f <= latest) {
		return time.Time{}, false
	}
	whole, part := math.Modf(f)
	return time.Unix(int64(whole), int64(part*1e9)), true
}

// times is when a token holds.
type times struct {
	expires time.Time
	until   time.Time // the last moment at which what is found now is true
}

// moments judges the times in claims (RFC 7519, sections 4.1.4 to 4.1.6).
func (a *Authenticator) moments(claims map[string]any, now time.Time) (times, string) {
	skew := a.o.ClockSkew
	expires, ok := date(claims["exp"])
	if !ok {
		return times{}, BadTime // one that never ends is not taken, either
	}
	out := times{expires: expires, until: expires.Add(skew)}
	if !now.Before(out.until) { // "on or after" has to be refused
		return times{}, Expired
	}
	if v, is := claims["nbf"]; is {
		from, ok := date(v)
		if !ok {
			return times{}, BadTime
		}
		if now.Before(from.Add(-skew)) {
			return times{}, NotYet
		}
	}
	v, is := claims["iat"]
	if !is {
		if a.o.MaxAge > 0 {
			return times{}, BadTime
		}
		return out, ""
	}
	issued, ok := date(v)
	switch {
	case !ok:
		return times{}, BadTime
	case now.Before(issued.Add(-skew)):
		return times{}, NotYet
	case a.o.MaxAge > 0:
		old := issued.Add(a.o.MaxAge + skew)
		if now.After(old) {
			return times{}, TooOld
		}
		if old.Before(out.until) {
			out.until = old
		}
	}
	return out, ""
}

// audience says whether a token is for one of ours (RFC 7519, section 4.1.3).
func (a *Authenticator) audience(v any) bool {
	if a.o.AnyAudience == IgnoreAudience {
		return true
	}
	switch v := v.(type) {
	case string:
		return slices.Contains(a.o.Audiences, v)
	case []any:
		found := false
		for _, item := range v {
			text, isText := item.(string)
			if !isText {
				return false
			}
			found = found || slices.Contains(a.o.Audiences, text)
		}
		return found
	}
	return false
}

// scopes reads a list of words (RFC 8693, section 4.2), or an array of them, as some
// issuers write it.
func (a *Authenticator) scopes(claims map[string]any) ([]string, bool) {
	name := a.o.ScopesClaim
	if name == "" {
		if name = "scope"; claims[name] == nil {
			name = "scp"
		}
	}
	switch v := claims[name].(type) {
	case nil:
		return nil, true
	case string:
		return strings.Fields(v), true
	case []any:
		out := make([]string, len(v))
		for i, item := range v {
			text, isText := item.(string)
			if !isText {
				return nil, false
			}
			out[i] = text
		}
		return out, true
	}
	return nil, false
}
