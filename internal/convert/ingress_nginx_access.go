// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

func nginxAccess() []Annotation {
	allow := func(r *reader, v string) error { return r.addresses(v, r.allows) }
	return []Annotation{
		closing("allowlist-source-range", toAuthorization, "the address is the connection's, or what trustedProxies of a ClientPolicy tell", allow),
		closing("whitelist-source-range", toAuthorization, "the address is the connection's, or what trustedProxies of a ClientPolicy tell", func(r *reader, v string) error {
			if r.get("allowlist-source-range") != "" {
				return r.holds("allowlist-source-range is there")
			}
			return allow(r, v)
		}),
		closing("denylist-source-range", toAuthorization, "the address is the connection's, or what trustedProxies of a ClientPolicy tell", func(r *reader, v string) error { return r.addresses(v, r.denies) }),
		closing("auth-type", toAuthentication, "basic, with a Secret whose auth has lines of htpasswd with bcrypt: make them anew if they have MD5 or SHA", (*reader).authType),
		part("auth-secret", "auth-type", ""), part("auth-secret-type", "auth-type", ""), part("auth-realm", "auth-type", ""),
		closing("auth-url", toExternal, "a Service of the cluster that is asked by GET", (*reader).authURL),
		closingPart("auth-method", "GET", "the question is a GET"),
		part("auth-response-headers", "auth-url", ""),
		refused("auth-signin", "let the service answer 302 with Location, which the client gets"),
		refused("auth-signin-redirect-param", "let the service answer 302 with Location, which the client gets"),
		refused("auth-request-redirect", "the service is told the place in X-Forwarded-Uri and X-Forwarded-Host"),
		guarded("auth-snippet", noSnippets),
		needless("auth-cache-key", "nothing is remembered: every request is asked about"), needless("auth-cache-duration", "nothing is remembered: every request is asked about"),
		needless("auth-keepalive", "connections are kept"), needless("auth-keepalive-requests", "connections are kept"), needless("auth-keepalive-timeout", "connections are kept"),
		needless("auth-keepalive-share-vars", "connections are kept"), needless("auth-always-set-cookie", "cookies of a refusal reach the client, those of a yes do not"),
		guarded("auth-proxy-set-headers", "lines of a ConfigMap are not sent to the service, which could miss what it decides by"),
		guarded("enable-global-auth", "what it means is in the ConfigMap of the controller: write an AccessPolicy for the Gateway", "false"),
		closing("satisfy", toAuthorization, "any: an address that is allowed needs no credential", (*reader).satisfy),
		closing("auth-tls-secret", "Gateway spec.tls.frontend", "the authorities of a ConfigMap of that name with ca.crt, for all hosts of the Gateway; an AccessPolicy wants the certificate", (*reader).authTLS),
		part("auth-tls-verify-client", "auth-tls-secret", ""),
		needless("auth-tls-verify-depth", "chains are verified to an authority, however long"),
		refused("auth-tls-error-page", noErrorPages),
		refused("auth-tls-pass-certificate-to-upstream", "backends are not told of certificates: forward.claimsToHeaders of the AccessPolicy tells them the subject"),
		guarded("auth-tls-match-cn", "add a rule with claims: {commonName: [...]} to the AccessPolicy"),
		guarded("enable-modsecurity", noWAF, "false"), guarded("enable-owasp-core-rules", noWAF, "false"), guarded("modsecurity-snippet", noWAF),
		refused("modsecurity-transaction-id", noWAF),
	}
}

// closingPart is one that only has one value that holds anyway.
func closingPart(name, only, say string) Annotation {
	return closing(name, "", say, func(r *reader, v string) error {
		if v == only || v == "" {
			return r.holds("%s", say)
		}
		return errors.New(say)
	})
}

func (r *reader) addresses(v string, set func([]netip.Prefix) error) error {
	if v == "" {
		return r.holds("it asks for nothing")
	}
	found, err := ranges(v)
	if err != nil {
		return err
	}
	return set(found)
}

func (r *reader) authType(v string) error {
	if v != "basic" {
		return fmt.Errorf("%.20q is not known here: basic is", v)
	}
	if t := r.get("auth-secret-type"); t != "" && t != "auth-file" {
		return errors.New("a Secret with a key for each user is not read: put lines of htpasswd with bcrypt into auth")
	}
	ref, err := reference(r.get("auth-secret"), r.ingress.Namespace)
	if err != nil {
		return fmt.Errorf("auth-secret: %w", err)
	}
	return r.password(&v1alpha1.Basic{SecretRefs: []v1alpha1.PolicyReference{ref}, Realm: r.get("auth-realm")})
}

func (r *reader) authURL(v string) error {
	to, path, err := serviceOf(v, r.ingress.Namespace)
	if err != nil {
		return err
	}
	out := &v1alpha1.ExternalHTTP{BackendRef: backendOf(to, r.ingress.Namespace), Path: path}
	out.RequestHeaders = []string{"Cookie"}
	lines, err := names(r.get("auth-response-headers"))
	if err != nil {
		return err
	}
	for _, l := range lines {
		out.ResponseHeaders = append(out.ResponseHeaders, string(l))
	}
	r.note("of the client's lines it is told Authorization and Cookie")
	return r.asks(out)
}

func backendOf(to servicePort, namespace string) v1alpha1.PolicyBackend {
	out := v1alpha1.PolicyBackend{PolicyReference: v1alpha1.PolicyReference{Name: to.Name.Name}, Port: to.port}
	if to.Namespace != namespace {
		out.Namespace = to.Namespace
	}
	return out
}

func (r *reader) satisfy(v string) error {
	switch v {
	case "all", "":
		return r.holds("everything has to agree")
	case "any":
	default:
		return fmt.Errorf("%.20q is neither all nor any", v)
	}
	if r.get("auth-url") != "" {
		return errors.New("a service is asked about every request that the addresses let in, and cannot stand in for them")
	}
	r.access.any = true
	return nil
}

func (r *reader) authTLS(v string) error {
	switch verify := r.get("auth-tls-verify-client"); verify {
	case "", "on":
		r.access.certificate = true
	case "off":
		return r.holds("nobody is asked for a certificate")
	case "optional":
		r.note("clients may come without one")
	default:
		return fmt.Errorf("auth-tls-verify-client %.20q: certificates are verified, or not asked for", verify)
	}
	ref, err := reference(v, r.ingress.Namespace)
	if err != nil {
		return err
	}
	if ref.Namespace != "" {
		return fmt.Errorf("authorities of namespace %s are not converted: copy them into a ConfigMap of %s", ref.Namespace, r.ingress.Namespace)
	}
	if len(r.ingress.Spec.TLS) == 0 {
		return errors.New("the Ingress has no TLS, and without it nobody shows a certificate")
	}
	r.client.authority = ref.Name
	return nil
}

func (r *reader) limitRate(v, unit string) error {
	n, err := number(v, 0, 100_000_000)
	if err != nil {
		return err
	}
	if n == 0 {
		return r.holds("0 is no limit")
	}
	factor := 5
	if f := r.get("limit-burst-multiplier"); f != "" {
		if factor, err = number(f, 1, 10); err != nil {
			return fmt.Errorf("limit-burst-multiplier: %w", err)
		}
	}
	per := map[string]time.Duration{"second": time.Second, "minute": time.Minute}[unit]
	r.rate("per-"+unit, n, per, n*factor)
	return nil
}

func (r *reader) limitConnections(v string) error {
	n, err := number(v, 0, 100_000_000)
	if err != nil {
		return err
	}
	if n == 0 {
		return r.holds("0 is no limit")
	}
	r.concurrent(n)
	return nil
}
