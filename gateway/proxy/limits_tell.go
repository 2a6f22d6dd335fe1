// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit"
)

func (l *limits) refuse(status int, reason, rule string) Decision {
	d := Refuse(status, reason)
	d.Policy, d.Rule = l.policy, rule
	return d
}

// busy refuses a request while too many of its key are under way. When one of them
// ends is not known, so the time is a guess.
func (l *limits) busy() Decision {
	d := l.refuse(http.StatusTooManyRequests, "concurrency-limit", "concurrency")
	d.Header = func(h http.Header) { h.Set("Retry-After", "1") }
	return d
}

// exceeded refuses a request that is one too many, after so many that wait.
func (l *limits) exceeded(r *rateLimit, w *work, which int, reason string, waiting int) Decision {
	limit, after := w.local[which].Limit, w.last.RetryAfter
	if every := limit.Interval(); every > 0 && time.Duration(waiting) < time.Hour/every {
		after += time.Duration(waiting) * every
	} else if waiting > 0 {
		after = max(after, time.Hour)
	}
	d := l.refuse(http.StatusTooManyRequests, reason, r.name)
	d.Header = func(h http.Header) { tell(h, r.name, limit, after) }
	return d
}

// tell says when to come back (RFC 9110, section 10.2.3), and which limit it was
// (draft-ietf-httpapi-ratelimit-headers-11).
func tell(h http.Header, name string, limit ratelimit.Limit, after time.Duration) {
	seconds := int64(after / time.Second)
	if after%time.Second > 0 || seconds == 0 {
		seconds++
	}
	retry := strconv.FormatInt(seconds, 10)
	name = strconv.Quote(name) // names are plain, so it is a string of RFC 9651 as well
	policy := name + ";q=" + strconv.Itoa(limit.Requests)
	if limit.Per%time.Second == 0 { // whole seconds is all that can be said
		policy += ";w=" + strconv.FormatInt(int64(limit.Per/time.Second), 10)
	}
	h.Set("Retry-After", retry)
	h.Set("RateLimit-Policy", policy)
	h.Set("RateLimit", name+";r=0;t="+retry)
}

// tellShadows notes the first limit that would have refused a request.
func (l *limits) tellShadows(x *Exchange, w *work) {
	for i := range w.local {
		allowed := w.local[i].Decision.Allowed
		if i >= len(l.local) {
			allowed = allowed || w.shared[i-len(l.local)].Decision.Allowed
		}
		if r := l.at(i); r.shadow && !allowed && x.answer != nil && x.answer.record.Shadow == "" {
			x.answer.record.Shadow = l.policy + "/" + r.name
		}
	}
}
