// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// CORS says which pages of other origins may use a route from a browser (the Fetch
// standard, section 3.2). Browsers ask before (a "preflight"), which the gateway
// answers before it asks who they are: they send no credentials with it. What backends
// say of it themselves is replaced.
type CORS struct {
	// AllowOrigins are "https://shop.example", "https://*.example", where "*" stands for
	// one or more labels, or "*" alone: every page. "null" is frames and files that have
	// no origin of their own; only its own name stands for it where credentials are allowed.
	AllowOrigins []string `yaml:"allowOrigins"`
	// AllowMethods and AllowHeaders are names, or "*" alone: whatever is asked for. GET,
	// HEAD and POST need not be named.
	AllowMethods []string `yaml:"allowMethods,omitempty"`
	AllowHeaders []string `yaml:"allowHeaders,omitempty"`
	// ExposeHeaders are what scripts may read of a response, or "*" alone, which browsers
	// take for a name where credentials are allowed.
	ExposeHeaders []string `yaml:"exposeHeaders,omitempty"`
	// AllowCredentials lets browsers send cookies, passwords and client certificates.
	AllowCredentials bool     `yaml:"allowCredentials,omitempty"`
	MaxAge           Duration `yaml:"maxAge,omitempty"` // for which browsers need not ask again: 5 s
}

// maxCORS is how many names each list may have, as Gateway API has it.
const maxCORS = 64

func (v *validator) cors(path string, c *CORS) {
	if len(c.AllowOrigins) == 0 {
		v.fault(path+".allowOrigins", "there is none, so no page could use it")
	}
	for i, o := range c.AllowOrigins {
		if o != "*" && o != "null" && !isOrigin(o) {
			v.fault(fmt.Sprintf("%s.allowOrigins[%d]", path, i), "%.80q is no origin as browsers write it: http or https, \"://\", a name in lower case that may begin with \"*.\", and a port unless it goes without saying; nothing after it", o)
		}
	}
	for i, m := range c.AllowMethods {
		if m != "*" && !isMethod.MatchString(m) {
			v.fault(fmt.Sprintf("%s.allowMethods[%d]", path, i), "%.80q is no method that is ever asked for: capital letters", m)
		}
	}
	for _, list := range []struct {
		name  string
		lines []string
	}{{"allowHeaders", c.AllowHeaders}, {"exposeHeaders", c.ExposeHeaders}} {
		for i, name := range list.lines {
			if !header.IsToken(name) {
				v.fault(fmt.Sprintf("%s.%s[%d]", path, list.name, i), "%.80q is no name of a header", name)
			}
		}
	}
	for _, list := range []struct {
		name  string
		words []string
	}{{"allowOrigins", c.AllowOrigins}, {"allowMethods", c.AllowMethods}, {"allowHeaders", c.AllowHeaders}, {"exposeHeaders", c.ExposeHeaders}} {
		if len(list.words) > 1 && slices.Contains(list.words, "*") {
			v.fault(path+"."+list.name, "\"*\" is beside others, which it makes needless: leave them or it out")
		}
		if len(list.words) > maxCORS {
			v.fault(path+"."+list.name, "%d are more than %d", len(list.words), maxCORS)
		}
	}
	if age := time.Duration(c.MaxAge); age != 0 && (age < time.Second || age%time.Second != 0) {
		v.fault(path+".maxAge", "%s is not a number of whole seconds", age)
	}
}

// isOrigin takes origins as the URL standard serialises them: in lower case, and
// without the port of the scheme.
func isOrigin(o string) bool {
	scheme, rest, found := strings.Cut(o, "://")
	if !found || scheme != "http" && scheme != "https" {
		return false
	}
	rest = strings.TrimPrefix(rest, "*.")
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil || u.Host != rest {
		return false
	}
	host, port, refusal := request.Host(rest)
	if refusal != nil || port == map[string]string{"http": "80", "https": "443"}[scheme] {
		return false
	}
	if port != "" {
		host += ":" + port
	}
	return host == rest
}
