// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// maxChain is how deep chains of Middlewares are followed.
const maxChain = 8

// traefikQuiet are Middlewares without which requests are answered as before.
var traefikQuiet = map[string]string{
	"compress": "backends compress", "errors": noErrorPages, "circuitBreaker": "a pod that fails is passed over by itself",
	"contentType": "types are the backend's", "grpcWeb": "let a proxy of the backend translate", "passTLSClientCert": "forward.claimsToHeaders of an AccessPolicy tells the subject",
}

// middleware converts one.
func (r *reader) middleware(of Name, depth int) error {
	u, err := r.conversion.other("Middleware", of.Namespace, of.Name)
	if err != nil {
		return err
	}
	spec, _ := u.Object["spec"].(map[string]any)
	all := settingsOf("spec", spec)
	for _, what := range slices.Sorted(maps.Keys(spec)) {
		if why := traefikQuiet[what]; why != "" {
			all.ignore(what)
			r.note("%s is dropped: %s", what, why)
			continue
		}
		s := all.object(what)
		if s == nil {
			s = settingsOf("spec."+what, nil)
		}
		if err := r.middlewareOf(what, s, of, depth); err != nil {
			return err
		}
		if err := s.rest(); err != nil {
			return err
		}
	}
	return all.rest()
}

func (r *reader) middlewareOf(what string, s *settings, of Name, depth int) error {
	switch what {
	case "stripPrefix":
		return r.stripPrefixes(s)
	case "addPrefix":
		return r.addPrefix(s.text("prefix"))
	case "replacePath":
		to := s.text("path")
		return r.rewriteOnce(func(u *rule) error {
			u.rewrite = &gatewayv1.HTTPPathModifier{Type: gatewayv1.FullPathHTTPPathModifier, ReplaceFullPath: &to}
			return nil
		})
	case "redirectScheme":
		return r.redirectScheme(s)
	case "ipAllowList", "ipWhiteList":
		words, err := s.words("sourceRange")
		if err != nil {
			return err
		}
		if s.object("ipStrategy") != nil {
			r.note("whose word about clients counts is said by trustedProxies of a ClientPolicy")
		}
		s.ignore("rejectStatusCode")
		r.access.allow, err = ranges(strings.Join(words, ","))
		return err
	case "basicAuth":
		secret := s.text("secret")
		s.ignore("removeHeader")
		if s.text("headerField") != "" {
			return errors.New("basicAuth.headerField: use forward.claimsToHeaders of the AccessPolicy")
		}
		ref, err := reference(secret, of.Namespace)
		if err != nil {
			return err
		}
		if of.Namespace != r.ingress.Namespace {
			ref.Namespace = of.Namespace
		}
		r.access.basic = &v1alpha1.Basic{SecretRefs: []v1alpha1.PolicyReference{ref}, Realm: s.text("realm")}
		r.note("the lines of Secret %s are under users there: put them under auth, with bcrypt", secret)
	case "forwardAuth":
		return r.forwardAuth(s)
	case "rateLimit":
		return r.traefikRate(s)
	case "inFlightReq":
		n, err := s.whole("amount")
		if err != nil || n == 0 {
			return errors.Join(err, errors.New("inFlightReq.amount is missing"))
		}
		r.limits.concurrency = int32(n) //nolint:gosec // whole bounds it
		return s.sources(r)
	case "headers":
		return r.traefikHeaders(s)
	case "retry":
		n, err := s.whole("attempts")
		s.ignore("initialInterval")
		if n > 0 {
			n-- // the first is none
		}
		r.retry = &gatewayv1.HTTPRouteRetry{Attempts: &n}
		return err
	case "buffering":
		n, err := s.whole("maxRequestBodyBytes")
		bytes := int64(n)
		s.ignore("memRequestBodyBytes", "memResponseBodyBytes", "maxResponseBodyBytes")
		if n > 0 {
			r.client.body = &bytes
		}
		return err
	case "chain":
		return r.chain(s, of, depth)
	default:
		return fmt.Errorf("%s is not converted", what)
	}
	return nil
}

// sources are what requests are counted by: the address alone has a counterpart.
func (s *settings) sources(r *reader) error {
	if o := s.object("sourceCriterion"); o != nil {
		if o.object("ipStrategy") == nil {
			return fmt.Errorf("%s.sourceCriterion is not counted by: addresses are", s.at)
		}
		r.note("whose word about clients counts is said by trustedProxies of a ClientPolicy")
		return o.rest()
	}
	return nil
}

func (r *reader) chain(s *settings, of Name, depth int) error {
	if depth == maxChain {
		return fmt.Errorf("chains are deeper than %d", maxChain)
	}
	links, _ := s.take("middlewares").([]any)
	for _, each := range links {
		m, _ := each.(map[string]any)
		name, _ := m["name"].(string)
		to := Name{Namespace: of.Namespace, Name: name}
		if in, _ := m["namespace"].(string); in != "" {
			to.Namespace = in
		}
		if err := r.middleware(to, depth+1); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (r *reader) stripPrefixes(s *settings) error {
	prefixes, err := s.words("prefixes")
	s.ignore("forceSlash")
	if err != nil {
		return err
	}
	return r.rewriteOnce(func(u *rule) error {
		for _, p := range prefixes {
			p = strings.TrimRight(p, "/")
			rest, is := strings.CutPrefix(u.path.value, p)
			if is && (rest == "" || strings.HasPrefix(rest, "/")) {
				if rest == "" {
					rest = "/"
				}
				var err error
				u.rewrite, err = replaced(u.path, rest)
				return err
			}
			if u.path.kind == gatewayv1.PathMatchPathPrefix && strings.HasPrefix(p, strings.TrimRight(u.path.value, "/")+"/") {
				return fmt.Errorf("prefix %s is taken from a part of the paths only: make a rule for it", p)
			}
		}
		return nil
	})
}

// rewriteOnce has the path of the backend made by one Middleware: what two of them make
// together cannot be said.
func (r *reader) rewriteOnce(by func(*rule) error) error {
	if r.plan.rewrite != nil {
		return errors.New("two Middlewares change the path: make one of them")
	}
	r.plan.rewrite = by
	return nil
}

func (r *reader) addPrefix(v string) error {
	m, err := prefix(v)
	if err != nil {
		return err
	}
	return r.rewriteOnce(func(u *rule) (err error) {
		u.rewrite, err = replaced(u.path, strings.TrimRight(m.value, "/")+u.path.value)
		return err
	})
}

func (r *reader) redirectScheme(s *settings) error {
	if scheme := s.text("scheme"); scheme != "https" {
		return fmt.Errorf("redirectScheme.scheme %.20q: a redirect leads to https", scheme)
	}
	if port := s.text("port"); port != "" && port != "443" {
		return errors.New("redirectScheme.port: HTTPS is on port 443")
	}
	r.secure, r.always = 302, true
	if s.yes("permanent") {
		r.secure = 301
	}
	return nil
}

func (r *reader) forwardAuth(s *settings) error {
	to, path, err := serviceOf(s.text("address"), r.ingress.Namespace)
	if err != nil {
		return err
	}
	out := &v1alpha1.ExternalHTTP{BackendRef: backendOf(to, r.ingress.Namespace), Path: path}
	if out.ResponseHeaders, err = s.words("authResponseHeaders"); err != nil {
		return err
	}
	if out.RequestHeaders, err = s.words("authRequestHeaders"); err != nil {
		return err
	}
	if len(out.RequestHeaders) == 0 {
		out.RequestHeaders = []string{"Cookie"}
		r.note("of the client's lines the service is told Authorization and Cookie")
	}
	s.ignore("trustForwardHeader", "addAuthCookiesToResponse", "preserveLocationHeader", "maxBodySize")
	r.access.external = out
	return nil
}

func (r *reader) traefikRate(s *settings) error {
	average, err := s.whole("average")
	if err != nil {
		return err
	}
	burst, err := s.whole("burst")
	if err != nil {
		return err
	}
	per := time.Second
	if p := s.take("period"); p != nil {
		if per, err = seconds(fmt.Sprint(p)); err != nil || per == 0 {
			return fmt.Errorf("rateLimit.period %v is no time", p)
		}
	}
	if average == 0 {
		r.note("rateLimit without average is no limit")
		return nil
	}
	r.rate("requests", average, per, max(burst, 1))
	return s.sources(r)
}

func (r *reader) traefikHeaders(s *settings) error {
	for name, to := range map[string]*gatewayv1.HTTPHeaderFilter{"customRequestHeaders": &r.request, "customResponseHeaders": &r.response} {
		o := s.object(name)
		if o == nil {
			continue
		}
		for _, line := range slices.Sorted(maps.Keys(o.left)) {
			value, is := o.left[line].(string)
			switch {
			case !is || !headerName.MatchString(line):
				return fmt.Errorf("headers.%s.%.60q is no header line", name, line)
			case value == "":
				to.Remove = append(to.Remove, line)
			default:
				if err := r.set(to, line, value); err != nil {
					return err
				}
			}
		}
	}
	return r.traefikPages(s)
}

// traefikPages converts what the headers Middleware tells browsers.
func (r *reader) traefikPages(s *settings) error {
	age, err := s.whole("stsSeconds")
	if err != nil {
		return err
	}
	sub, preload := s.yes("stsIncludeSubdomains"), s.yes("stsPreload")
	s.ignore("forceSTSHeader")
	if age > 0 {
		text := fmt.Sprintf("max-age=%d", age)
		if sub {
			text += "; includeSubDomains"
		}
		if preload {
			text += "; preload"
		}
		if err := r.set(&r.response, "Strict-Transport-Security", text); err != nil {
			return err
		}
	}
	for name, line := range map[string]string{"contentSecurityPolicy": "Content-Security-Policy", "referrerPolicy": "Referrer-Policy", "permissionsPolicy": "Permissions-Policy", "customFrameOptionsValue": "X-Frame-Options"} {
		if v := s.text(name); v != "" {
			err = errors.Join(err, r.set(&r.response, line, v))
		}
	}
	for name, line := range map[string][2]string{"frameDeny": {"X-Frame-Options", "DENY"}, "contentTypeNosniff": {"X-Content-Type-Options", "nosniff"}, "browserXssFilter": {"X-XSS-Protection", "1; mode=block"}} {
		if s.yes(name) {
			err = errors.Join(err, r.set(&r.response, line[0], line[1]))
		}
	}
	slices.SortFunc(r.response.Set, func(a, b gatewayv1.HTTPHeader) int { return strings.Compare(string(a.Name), string(b.Name)) })
	var lists [4]string
	for i, name := range []string{"accessControlAllowOriginList", "accessControlAllowMethods", "accessControlAllowHeaders", "accessControlExposeHeaders"} {
		words, wrong := s.words(name)
		lists[i], err = strings.Join(words, ","), errors.Join(err, wrong)
	}
	credentials := s.yes("accessControlAllowCredentials")
	maxAge, wrong := s.whole("accessControlMaxAge")
	s.ignore("addVaryHeader")
	if err = errors.Join(err, wrong); err != nil || lists[0] == "" {
		return err
	}
	if r.cors, err = corsOf(lists[0], lists[1], lists[2], lists[3]); err != nil {
		return err
	}
	if r.cors.MaxAge = int32(maxAge); credentials && r.cors.AllowOrigins[0] != "*" { //nolint:gosec // whole bounds it
		r.cors.AllowCredentials = &credentials
	}
	return nil
}
