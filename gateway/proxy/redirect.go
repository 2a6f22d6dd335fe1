// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// redirect answers with another place.
type redirect struct {
	config.Redirect
}

// answer sends a client to where the redirect says. A port that goes without
// saying for the scheme is left out.
func (d *redirect) answer(w http.ResponseWriter, f *request.Form, prefix string) {
	scheme, host, port := cmp.Or(d.Scheme, f.Scheme), cmp.Or(d.Host, f.Host), f.Port
	switch {
	case d.Port != 0:
		port = strconv.Itoa(int(d.Port))
	case d.Scheme != "":
		port = "" // the port of the other scheme is not known
	}
	path := f.Path
	switch {
	case d.Path != "":
		path = d.Path
	case d.Prefix != "":
		path = replaced(f.Path, prefix, d.Prefix)
	}
	location(w, cmp.Or(d.Status, http.StatusFound), scheme, host, port, path, f.Query)
}

// toHTTPS sends a client to the same place by TLS. 308 keeps the method and the
// body, which were readable on their way here; clients that may not be sent on
// with a body get 301.
func toHTTPS(w http.ResponseWriter, f *request.Form, port uint16) {
	status := http.StatusPermanentRedirect
	if f.Method == http.MethodGet || f.Method == http.MethodHead {
		status = http.StatusMovedPermanently
	}
	location(w, status, "https", f.Host, strconv.Itoa(int(port)), f.Path, f.Query)
}

func location(w http.ResponseWriter, status int, scheme, host, port, path, query string) {
	var b strings.Builder
	b.WriteString(scheme + "://" + host)
	if port != "" && (scheme != "https" || port != "443") && (scheme != "http" || port != "80") {
		b.WriteString(":" + port)
	}
	b.WriteString(path)
	if query != "" {
		b.WriteString("?" + query)
	}
	w.Header().Set("Location", b.String())
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// replaced puts another prefix in the place of the one that fitted.
func replaced(path, prefix, other string) string {
	rest := strings.TrimPrefix(path, prefix)
	out := strings.TrimSuffix(other, "/") + rest
	if out == "" {
		return "/"
	}
	return out
}
