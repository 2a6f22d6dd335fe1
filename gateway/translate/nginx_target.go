// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// transport reads how clients come, and how backends are spoken to.
func (m *manner) transport() {
	ssl, given := m.flag("ssl-redirect")
	m.inClear = given && !ssl
	m.always, _ = m.flag("force-ssl-redirect")
	switch v, _ := m.value("backend-protocol"); strings.ToUpper(v) {
	case "", "HTTP":
	case "GRPC":
		m.protocol = "h2c"
	case "HTTPS":
		m.protocol = "tls"
	case "GRPCS":
		m.protocol = "h2"
	default:
		m.fault("backend-protocol", fmt.Sprintf("%.80q is none of HTTP, HTTPS, GRPC, GRPCS", v))
	}
	m.connect = m.seconds("proxy-connect-timeout")
	switch v, _ := m.value("load-balance"); v {
	case "", "ewma":
	case "round_robin":
		m.balance = "RoundRobin"
	default:
		m.fault("load-balance", fmt.Sprintf("%.80q is neither round_robin nor ewma", v))
	}
	m.target.AttemptTimeout = m.seconds("proxy-read-timeout")
	m.target.BodyBytes = m.size("proxy-body-size")
	m.retry()
}

// size reads a number of bytes as nginx writes it; 0 if there is none.
func (m *manner) size(name string) int64 {
	v, given := m.value(name)
	if !given {
		return 0
	}
	shift := 0
	if at := strings.IndexByte("kmg", v[len(v)-1]|0x20); at >= 0 {
		shift, v = 10*(at+1), v[:len(v)-1]
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 0 {
		m.fault(name, fmt.Sprintf("%.80q is no size such as 8m", m.values[name]))
		return 0
	}
	return n << shift
}

// retry reads when requests are tried again.
func (m *manner) retry() {
	words, given := m.value("proxy-next-upstream")
	tries := m.number("proxy-next-upstream-tries", 1, 10)
	if !given && tries == 0 {
		return
	}
	const usual = 3 // tries, as ingress-nginx has it
	out := &config.Retry{Attempts: cmp.Or(tries, usual) - 1}
	for w := range strings.FieldsSeq(cmp.Or(words, "error timeout")) {
		code, isCode := strings.CutPrefix(w, "http_")
		switch {
		case w == "off":
			out.Attempts = 0
		case w == "error":
			out.On = append(out.On, "connect-failure", "reset-before-answer")
		case w == "timeout":
			out.On = append(out.On, "connect-failure")
		case w == "invalid_header":
			out.On = append(out.On, "reset-before-answer")
		case w == "non_idempotent":
			out.Methods = "Any"
		case isCode && isStatus.MatchString(code):
			out.On = append(out.On, code)
		default:
			m.fault("proxy-next-upstream", fmt.Sprintf("%.80q is none of the words that are taken", w))
			return
		}
	}
	slices.Sort(out.On)
	out.On = slices.Compact(out.On)
	m.target.Retry = out
}

var isStatus = regexp.MustCompile(`^[45][0-9]{2}$`)

// paths reads what becomes of hosts and paths.
func (m *manner) paths() {
	m.regex, _ = m.flag("use-regex")
	m.rewrite, _ = m.value("rewrite-target")
	if m.rewrite != "" && !strings.HasPrefix(m.rewrite, "/") && !strings.HasPrefix(m.rewrite, "$") {
		m.fault("rewrite-target", fmt.Sprintf("%.80q is no path", m.rewrite))
	}
	if m.aliases = m.words("server-alias"); len(m.aliases) > maxAliases {
		m.fault("server-alias", fmt.Sprintf("%d names, and %d are the most", len(m.aliases), maxAliases))
		m.aliases = nil
	}
	for _, a := range m.aliases {
		if len(faults(&config.Snapshot{Routes: []config.Route{{Name: "r", Hosts: []string{hostOf(a)}, Target: config.Target{Redirect: &config.Redirect{Scheme: "https"}}}}})) > 0 || a == "*" {
			m.fault("server-alias", fmt.Sprintf("%.80q is no host; expressions are not read", a))
			m.aliases = nil
		}
	}
	if v, given := m.value("app-root"); given {
		if !strings.HasPrefix(v, "/") || v == "/" || strings.ContainsAny(v, "$?#") {
			m.fault("app-root", fmt.Sprintf("%.80q is no path", v))
		} else {
			m.root = &config.Redirect{Path: v, Status: 302}
		}
	}
	if v, given := m.value("upstream-vhost"); given {
		m.target.Rewrite = &config.Rewrite{Host: strings.ToLower(v)}
		if len(faults(&config.Snapshot{Routes: []config.Route{{Name: "r", Target: config.Target{Rewrite: m.target.Rewrite, Backends: []config.Weighted{{Status: 503}}}}}})) > 0 {
			m.fault("upstream-vhost", fmt.Sprintf("%.80q is no host without a port and variables", v))
			m.target.Rewrite = nil
		}
	}
}

// redirects reads where all requests are sent.
func (m *manner) redirects() {
	for _, r := range []struct {
		name  string
		usual int
	}{{"temporal-redirect", 302}, {"permanent-redirect", 301}} {
		v, given := m.value(r.name)
		status := m.number(r.name+"-code", 301, 308)
		if !given {
			continue
		}
		u, err := url.Parse(v)
		port := 0
		if err == nil && u.Port() != "" {
			port, err = strconv.Atoi(u.Port())
		}
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(v, "$?#") || port < 0 || port > 65535 {
			m.fault(r.name, fmt.Sprintf("%.80q is no address such as https://example.com/path, without a query and variables", v))
			continue
		}
		if m.target.Redirect == nil { // ingress-nginx has the first of both
			m.target.Redirect = &config.Redirect{Scheme: u.Scheme, Host: strings.ToLower(u.Hostname()), Port: uint16(port), Path: cmp.Or(u.EscapedPath(), "/"), Status: cmp.Or(status, r.usual)}
		}
	}
}

// lines reads header lines that are added.
func (m *manner) lines() {
	if v, given := m.value("x-forwarded-prefix"); given {
		if strings.ContainsFunc(v, func(c rune) bool { return c <= ' ' || c == '$' || c == 0x7f }) {
			m.fault("x-forwarded-prefix", fmt.Sprintf("%.80q has variables, or characters that no path has", v))
		} else {
			m.target.Request.Set = map[string]string{"X-Forwarded-Prefix": v}
		}
	}
	v, given := m.value("custom-headers")
	if !given {
		return
	}
	name, refusal := m.refer(v, configMapKind)
	if refusal != "" {
		m.fault("custom-headers", refusal)
		return
	}
	list := m.configMap(name)
	if list == nil {
		m.fault("custom-headers", m.absent(configMapKind, name))
		return
	}
	m.target.Response.Set = maps.Clone(list.Data)
}

// refer reads a name with or without a namespace, which has to be granted if it is
// another one.
func (m *manner) refer(v string, to kind) (name Name, refusal string) {
	r := reference{from: ingressKind, in: m.ingress.Namespace, to: to, name: Name{Namespace: m.ingress.Namespace, Name: v}}
	if namespace, rest, found := strings.Cut(v, "/"); found {
		r.name = Name{Namespace: namespace, Name: rest}
	}
	if !m.granted(r) {
		return r.name, r.refusal()
	}
	return r.name, ""
}

// Defaults of ingress-nginx ("Enable CORS").
const (
	usualMethods = "GET, PUT, POST, DELETE, PATCH, OPTIONS"
	usualHeaders = "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization"
	usualAge     = 1728000 // seconds
)

// cors reads which pages of other origins may use the Ingress. Without that none may, so
// that what cannot be kept is left out.
func (m *manner) cors() {
	if on, _ := m.flag("enable-cors"); !on {
		return
	}
	for name, usual := range map[string]string{"cors-allow-origin": "*", "cors-allow-methods": usualMethods, "cors-allow-headers": usualHeaders} {
		m.values[name] = cmp.Or(m.values[name], usual)
	}
	out := &config.CORS{
		AllowMethods: m.words("cors-allow-methods"), AllowHeaders: m.words("cors-allow-headers"), ExposeHeaders: m.words("cors-expose-headers"),
		MaxAge: config.Duration(time.Duration(cmp.Or(m.number("cors-max-age", 1, 10*usualAge), usualAge)) * time.Second),
	}
	for _, o := range m.words("cors-allow-origin") {
		out.AllowOrigins = append(out.AllowOrigins, origin(o))
	}
	all := slices.Contains(out.AllowOrigins, "*")
	credentials, given := m.flag("cors-allow-credentials")
	out.AllowCredentials = credentials || !given && !all
	if credentials && all {
		m.fault("cors-allow-credentials", "every page could act in the name of who is logged in: name the origins")
		return
	}
	r := config.Route{Name: "r", Target: config.Target{CORS: out, Redirect: &config.Redirect{Scheme: "https"}}}
	if wrong := faults(&config.Snapshot{Routes: []config.Route{r}}); len(wrong) > 0 {
		m.fault("enable-cors", strings.TrimPrefix(wrong[0].Path, "routes[0].")+": "+wrong[0].What)
		return
	}
	m.target.CORS = out
}
