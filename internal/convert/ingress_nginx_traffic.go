// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func nginxTraffic() []Annotation {
	return []Annotation{
		converted("proxy-read-timeout", toTimeout, "until the head of the response, of each attempt", (*reader).timeout),
		refused("proxy-connect-timeout", "a connection is given up after 5 s"),
		refused("proxy-send-timeout", "slow clients are bounded by the gateway's limits; a slow backend by the timeout of the route"),
		converted("proxy-next-upstream", toRetry, "only what does no harm is tried again", (*reader).nextUpstream),
		part("proxy-next-upstream-tries", "proxy-next-upstream", ""),
		refused("proxy-next-upstream-timeout", "attempts are bounded by their number: see timeouts.request of the route"),
		converted("enable-cors", toCORS, "with the origins, methods and lines of ingress-nginx if none are named; for every origin, credentials are left out, as browsers take them only for one that is named", (*reader).enableCORS),
		part("cors-allow-origin", "enable-cors", ""), part("cors-allow-methods", "enable-cors", ""), part("cors-allow-headers", "enable-cors", ""),
		part("cors-expose-headers", "enable-cors", ""), part("cors-allow-credentials", "enable-cors", ""), part("cors-max-age", "enable-cors", ""),
		converted("mirror-target", toMirror, "a Service of the cluster; the path stays as it was asked", (*reader).mirrorTarget),
		refused("mirror-request-body", "bodies of up to 64 KiB are copied"),
		refused("mirror-host", "a copy has the host of the request"),
		converted("x-forwarded-prefix", toRequestLines, "", func(r *reader, v string) error { return r.set(&r.request, "X-Forwarded-Prefix", v) }),
		refused("connection-proxy-header", "lines of the connection are the gateway's own; WebSockets need none"),
		closing("custom-headers", toResponseLines, "the lines of a ConfigMap of the input", (*reader).customHeaders),
		refused("proxy-cookie-domain", "cookies are passed on as they are: let the backend set them for the right domain"),
		refused("proxy-cookie-path", "cookies are passed on as they are: let the backend set them for the right path"),
		refused("proxy-redirect-from", "Location is passed on as it is: let the backend know the host by X-Forwarded-Host"),
		refused("proxy-redirect-to", "Location is passed on as it is: let the backend know the host by X-Forwarded-Host"),
		closing("limit-rps", toRates, "for each address, with a burst of five times as many", func(r *reader, v string) error { return r.limitRate(v, "second") }),
		closing("limit-rpm", toRates, "for each address, with a burst of five times as many", func(r *reader, v string) error { return r.limitRate(v, "minute") }),
		closing("limit-connections", toConcurrency, "requests of an address that are under way, since connections of HTTP/2 carry many", (*reader).limitConnections),
		needless("limit-burst-multiplier", "read with limit-rps and limit-rpm"),
		refused("limit-whitelist", "the limits hold for these addresses too"), refused("limit-allowlist", "the limits hold for these addresses too"),
		guarded("limit-rate", "bytes are not counted: limit requests", "0"), guarded("limit-rate-after", "bytes are not counted: limit requests", "0"),
		guarded("global-rate-limit", "ingress-nginx has dropped it: use a TrafficPolicy whose scope is Gateway", "0"),
		part("global-rate-limit-window", "global-rate-limit", ""), part("global-rate-limit-key", "global-rate-limit", ""), part("global-rate-limit-ignored-cidrs", "global-rate-limit", ""),
	}
}

func (r *reader) timeout(v string) error {
	d, err := seconds(v)
	if err != nil {
		return err
	}
	r.timeouts.BackendRequest = duration(d)
	return nil
}

// nextUpstream reads when a request is tried at another pod.
func (r *reader) nextUpstream(v string) error {
	words := strings.Fields(v)
	if slices.Contains(words, "off") {
		attempts := 0
		r.retry = &gatewayv1.HTTPRouteRetry{Attempts: &attempts}
		return nil
	}
	out := &gatewayv1.HTTPRouteRetry{}
	for _, w := range words {
		switch code, is := strings.CutPrefix(w, "http_"); {
		case w == "error", w == "timeout", w == "invalid_header":
		case is:
			n, err := number(code, 400, 599)
			if err != nil {
				return err
			}
			out.Codes = append(out.Codes, gatewayv1.HTTPRouteRetryStatusCode(n))
		case w == "non_idempotent":
			r.note("requests that may have been acted on are not sent again")
		default:
			return fmt.Errorf("%.40q is no case for another attempt", w)
		}
	}
	tries := 3
	if t := r.get("proxy-next-upstream-tries"); t != "" {
		var err error
		if tries, err = number(t, 0, 100); err != nil {
			return err
		}
	}
	if tries == 0 {
		tries = 3
		r.note("three attempts: there is always a bound")
	}
	attempts := tries - 1
	out.Attempts = &attempts
	r.retry = out
	return nil
}

func (r *reader) enableCORS(v string) error {
	yes, err := truth(v)
	if err != nil {
		return err
	}
	if !yes {
		return r.holds("it asks for nothing")
	}
	or := func(name, missing string) string {
		if v := r.get(name); v != "" {
			return v
		}
		return missing
	}
	out, err := corsOf(or("cors-allow-origin", "*"), or("cors-allow-methods", "GET, PUT, POST, DELETE, PATCH, OPTIONS"),
		or("cors-allow-headers", "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization"), r.get("cors-expose-headers"))
	if err != nil {
		return err
	}
	credentials, err := truth(or("cors-allow-credentials", "true"))
	if err != nil {
		return err
	}
	if credentials && out.AllowOrigins[0] != "*" {
		out.AllowCredentials = &credentials
	}
	age, err := number(or("cors-max-age", "1728000"), 0, 1<<31-1)
	if err != nil {
		return err
	}
	out.MaxAge = int32(max(age, 1)) //nolint:gosec // number bounds it
	return r.origins(out)
}

// corsOf reads lists of a CORS policy. What browsers send is in lower case, and without
// the port of its scheme.
func corsOf(origins, methods, headers, exposed string) (*gatewayv1.HTTPCORSFilter, error) {
	out := &gatewayv1.HTTPCORSFilter{}
	for _, o := range list(origins) {
		if o == "*" {
			out.AllowOrigins = []gatewayv1.CORSOrigin{"*"}
			break
		}
		u, err := url.Parse(strings.Replace(strings.ToLower(o), "*.", "any.", 1))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" || u.RawQuery != "" || !hostName.MatchString(u.Hostname()) {
			return nil, fmt.Errorf("%.80q is no origin: a scheme, \"://\" and a name, of which \"*.\" may be the beginning", o)
		}
		out.AllowOrigins = append(out.AllowOrigins, gatewayv1.CORSOrigin(strings.ToLower(o)))
	}
	if len(out.AllowOrigins) == 0 {
		return nil, fmt.Errorf("no origin is named")
	}
	for _, m := range list(methods) {
		m = strings.ToUpper(m)
		if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"}, m) {
			return nil, fmt.Errorf("%.20q is no method that an HTTPRoute knows", m)
		}
		out.AllowMethods = append(out.AllowMethods, gatewayv1.HTTPMethodWithWildcard(m))
	}
	if slices.Contains(out.AllowMethods, "*") {
		out.AllowMethods = []gatewayv1.HTTPMethodWithWildcard{"*"}
	}
	var err error
	if out.AllowHeaders, err = names(headers); err != nil {
		return nil, err
	}
	if slices.Contains(out.AllowHeaders, "*") {
		out.AllowHeaders = []gatewayv1.HTTPHeaderName{"*"}
	}
	out.ExposeHeaders, err = names(exposed)
	return out, err
}

// mirrorTarget reads where copies go: the URL of a Service.
func (r *reader) mirrorTarget(v string) error {
	v = strings.TrimSuffix(strings.TrimSuffix(v, "$request_uri"), "/")
	to, path, err := serviceOf(v, r.ingress.Namespace)
	if err != nil {
		return err
	}
	if path != "" {
		return fmt.Errorf("a copy has the path of the request, not %.60q", path)
	}
	if to.Namespace != r.ingress.Namespace {
		return fmt.Errorf("copies for namespace %s are not converted: name a Service of %s", to.Namespace, r.ingress.Namespace)
	}
	r.mirror = &gatewayv1.HTTPRequestMirrorFilter{BackendRef: serviceRef(to.Name.Name, to.port).BackendObjectReference}
	return nil
}

// customHeaders reads lines that clients get from a ConfigMap.
func (r *reader) customHeaders(v string) error {
	namespace, name, split := strings.Cut(v, "/")
	if !split {
		namespace, name = r.ingress.Namespace, v
	}
	lines, there := r.conversion.configMaps[Name{Namespace: namespace, Name: name}]
	if !there {
		return fmt.Errorf("ConfigMap %.80q is not in the input, or write its lines into a ResponseHeaderModifier", v)
	}
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		if err := r.set(&r.response, line, lines[line]); err != nil {
			return err
		}
	}
	return nil
}

// set sets a header line.
func (r *reader) set(f *gatewayv1.HTTPHeaderFilter, name, value string) error {
	if !headerName.MatchString(name) {
		return fmt.Errorf("%.60q is no name of a header line", name)
	}
	if value == "" || len(value) > 4096 || strings.ContainsAny(value, "$\r\n") {
		return fmt.Errorf("the value of %s is empty, has variables, or is none of a header line", name)
	}
	f.Set = append(f.Set, gatewayv1.HTTPHeader{Name: gatewayv1.HTTPHeaderName(name), Value: value})
	return nil
}
