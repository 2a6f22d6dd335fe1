// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"cmp"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// cors is a config.CORS made ready.
type cors struct {
	any         bool
	origins     map[string]bool
	ends        []corsEnd
	methods     string // "*": those that are asked for
	headers     string
	exposed     string
	credentials bool
	maxAge      string
}

// corsEnd is an origin with "*.": it begins with a scheme, and ends with a name.
type corsEnd struct{ scheme, name string }

func corsOf(c *config.CORS) *cors {
	if c == nil {
		return nil
	}
	out := &cors{
		origins: map[string]bool{}, credentials: c.AllowCredentials,
		methods: strings.Join(c.AllowMethods, ", "), headers: strings.Join(c.AllowHeaders, ", "), exposed: strings.Join(c.ExposeHeaders, ", "),
		maxAge: strconv.Itoa(int(cmp.Or(time.Duration(c.MaxAge), 5*time.Second) / time.Second)),
	}
	for _, o := range c.AllowOrigins {
		switch scheme, name, wild := strings.Cut(o, "*"); {
		case o == "*":
			out.any = true
		case wild:
			out.ends = append(out.ends, corsEnd{scheme, name})
		default:
			out.origins[o] = true
		}
	}
	return out
}

// crossing returns the route that answers for the origin of a request from a browser;
// nil if there is none. A preflight is answered by the route of what is to be asked.
func (c *compiled) crossing(listener string, f *request.Form) *target {
	if len(f.Header["Origin"]) != 1 {
		return nil
	}
	asked := f
	if preflight(f) {
		asked = new(*f)
		asked.Method = f.Header["Access-Control-Request-Method"][0]
	}
	hit, found := c.index.Find(listener, asked)
	if !found || c.routes[hit.Route].cors == nil {
		return nil
	}
	return &c.routes[hit.Route]
}

func preflight(f *request.Form) bool {
	return f.Method == http.MethodOptions && len(f.Header["Access-Control-Request-Method"]) == 1
}

// greet says on every response, also on refusals, whether pages of the origin may read
// it. It does not refuse: what is asked for is not the origin's to decide.
func (c *cors) greet(h http.Header, origin string) {
	if !c.everyone() {
		h["Vary"] = append(h["Vary"], "Origin") // for caches
	}
	switch {
	case c.everyone():
		h["Access-Control-Allow-Origin"] = []string{"*"}
	case c.allows(origin):
		h["Access-Control-Allow-Origin"] = []string{origin}
	default:
		return
	}
	if c.credentials {
		h["Access-Control-Allow-Credentials"] = []string{"true"}
	}
	if c.exposed != "" {
		h["Access-Control-Expose-Headers"] = []string{c.exposed}
	}
}

// everyone tells whether all origins are told the same.
func (c *cors) everyone() bool { return c.any && !c.credentials }

func (c *cors) allows(origin string) bool {
	if c.any && origin != "null" || c.origins[origin] { // frames without an origin of their own are anybody's
		return true
	}
	for _, e := range c.ends {
		// The shortest that fits has a label of one letter.
		if len(origin) > len(e.scheme)+len(e.name) && strings.HasPrefix(origin, e.scheme) && strings.HasSuffix(origin, e.name) {
			return true
		}
	}
	return false
}

// answer answers a preflight whose route was greeted.
func (c *cors) answer(w http.ResponseWriter, f *request.Form) {
	h := w.Header()
	if h["Access-Control-Allow-Origin"] == nil {
		refuse(w, http.StatusForbidden, "origin-not-allowed")
		return
	}
	for _, list := range []struct{ name, value, asked string }{
		{"Access-Control-Allow-Methods", c.methods, "Access-Control-Request-Method"},
		{"Access-Control-Allow-Headers", c.headers, "Access-Control-Request-Headers"},
	} {
		switch {
		case list.value == "*" && f.Header[list.asked] != nil:
			h[list.name] = f.Header[list.asked] // "*" would be a name where credentials are allowed
			h["Vary"] = append(h["Vary"], list.asked)
		case list.value != "*" && list.value != "":
			h[list.name] = []string{list.value}
		}
	}
	h["Access-Control-Max-Age"] = []string{c.maxAge}
	w.WriteHeader(http.StatusNoContent)
}

// replace puts what the gateway says in the place of what a backend says. Caches are told
// that it depends on the origin, also by an answer to who has none.
func (c *cors) replace(backend http.Header) {
	maps.DeleteFunc(backend, func(name string, _ []string) bool { return strings.HasPrefix(name, "Access-Control-") })
	if !c.everyone() {
		backend["Vary"] = append(backend["Vary"], "Origin")
	}
}
