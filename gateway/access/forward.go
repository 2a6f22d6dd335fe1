// SPDX-License-Identifier: Apache-2.0

package access

import (
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// line is a header line in which the backend is told a claim.
type line struct{ claim, name string }

// maxValue is the length of the longest value that the backend is told, in bytes.
const maxValue = 4096

func (p *Policy) tells(c *config.AccessPolicy) {
	for _, name := range slices.Sorted(maps.Keys(c.Forward.ClaimsToHeaders)) {
		l := line{name, textproto.CanonicalMIMEHeaderKey(c.Forward.ClaimsToHeaders[name])}
		p.lines, p.owned = append(p.lines, l), append(p.owned, l.name)
	}
	for _, name := range c.ExternalAuth.Headers().ResponseHeaders {
		p.owned = append(p.owned, textproto.CanonicalMIMEHeaderKey(name))
	}
}

// told is the text in which a claim is told: "" for none. A list is told with commas
// between its entries. What a backend would read as something else than it is (other
// entries, a text without its spaces) is not fit to be told.
func told(v any) (text string, fit bool) {
	list, is := v.([]any)
	if !is {
		if v == nil {
			return "", true
		}
		text, is = scalar(v)
		return text, is && tellable(text)
	}
	texts := make([]string, len(list))
	for i, entry := range list {
		if texts[i], is = scalar(entry); !is || texts[i] == "" || strings.Contains(texts[i], ",") || !tellable(texts[i]) {
			return "", false
		}
	}
	text = strings.Join(texts, ",")
	return text, len(text) <= maxValue
}

func tellable(s string) bool {
	return len(s) <= maxValue && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}

func (p *Policy) tellable(who *auth.Principal) bool {
	return !slices.ContainsFunc(p.lines, func(l line) bool {
		_, fit := told(claimOf(who, l.claim))
		return !fit
	})
}

// Strip deletes the credentials that the policy asks for from what the backend
// gets, unless they are to be kept.
func (v *Verdict) Strip(h http.Header) {
	if v.policy != nil && v.policy.strip {
		v.policy.sources.strip(h)
	}
}

// Tell tells the backend who asks. Whatever else was to be in the lines of the
// policy is deleted first, so that a claim that is missing is missing.
func (v *Verdict) Tell(h http.Header) {
	p := v.policy
	if p == nil {
		return
	}
	for _, name := range p.owned {
		delete(h, name)
	}
	for _, name := range v.remove {
		delete(h, name)
	}
	maps.Copy(h, v.header)
	for _, l := range p.lines {
		if text, _ := told(claimOf(v.Principal, l.claim)); text != "" {
			h[l.name] = []string{text}
		}
	}
}
