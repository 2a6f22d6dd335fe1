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

// maxLinks bounds the Middlewares of one Ingress: chains may name one many times.
const maxLinks = 128

// traefikQuiet are Middlewares without which requests are answered as before.
var traefikQuiet = map[string]string{
	"compress": "backends compress", "errors": noErrorPages, "circuitBreaker": "a pod that fails is passed over by itself",
	"contentType": "types are the backend's", "grpcWeb": "let a proxy of the backend translate", "passTLSClientCert": "forward.claimsToHeaders of an AccessPolicy tells the subject",
}

// middleware converts one.
func (r *reader) middleware(of Name, depth int) error {
	if r.links++; r.links > maxLinks {
		return fmt.Errorf("there are more than %d Middlewares, counted as often as they are named", maxLinks)
	}
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
		return r.traefikAddresses(s)
	case "basicAuth":
		return r.traefikPasswords(s, of)
	case "forwardAuth":
		return r.forwardAuth(s)
	case "rateLimit":
		return r.traefikRate(s)
	case "inFlightReq":
		n, err := s.whole("amount")
		if err != nil || n == 0 {
			return errors.Join(err, errors.New("inFlightReq.amount is missing"))
		}
		r.concurrent(n)
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
		s.ignore("memRequestBodyBytes", "memResponseBodyBytes", "maxResponseBodyBytes")
		if n > 0 {
			r.bounded(int64(n))
		}
		return err
	case "chain":
		return r.chain(s, of, depth)
	default:
		return fmt.Errorf("%s is not converted", what)
	}
}

// traefikAddresses reads who is let in.
func (r *reader) traefikAddresses(s *settings) error {
	words, err := s.words("sourceRange")
	if err != nil {
		return err
	}
	if s.object("ipStrategy") != nil {
		r.note("whose word about clients counts is said by trustedProxies of a ClientPolicy")
	}
	s.ignore("rejectStatusCode")
	found, err := ranges(strings.Join(words, ","))
	if err != nil {
		return err
	}
	return r.allows(found)
}

// traefikPasswords reads whose passwords are taken. The Secret is in the namespace of the
// Middleware.
func (r *reader) traefikPasswords(s *settings, of Name) error {
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
	r.note("the lines of Secret %s are under users there: put them under auth, with bcrypt", secret)
	return r.password(&v1alpha1.Basic{SecretRefs: []v1alpha1.PolicyReference{ref}, Realm: s.text("realm")})
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
	return r.asks(out)
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
