// SPDX-License-Identifier: Apache-2.0

package translate

//go:generate go test . -run ^TestThePageHasTheAnnotations$ -update

// nginxPrefix is how annotations of ingress-nginx begin.
const nginxPrefix = "nginx.ingress.kubernetes.io/"

// answer is what becomes of an annotation.
type answer uint8

const (
	refused  answer = iota
	needless        // what it asks for is so, or means nothing here
	taken
)

// annotation is one of ingress-nginx: those of its page "Annotations", up to version
// 1.15, its last.
type annotation struct {
	name   string
	answer answer
	// guards tells whether more would be let in without it: an Ingress for which it cannot
	// be kept is answered 503.
	guards guarding
	say    string // how it is taken, why it is needless, or what to use instead
}

// guarding tells whether something is let in that an annotation would have kept out.
type guarding bool

const (
	open guarding = false
	bars guarding = true
)

const (
	useAccess  = "an AccessPolicy for the route"
	useTraffic = "a TrafficPolicy for the route"
	useTLS     = "a BackendTLSPolicy for the Service, by which its certificate is always verified"
	useRoute   = "an HTTPRoute, which says it in fields of its own"
	useWAF     = "a filter before the gateway: it has none"
	streams    = "bodies are passed on as they come, and are in no file"
	oneTrace   = "telemetry is the gateway's configuration, for all routes"
	ownPages   = "an HTTPRoute or the backend's own pages: the gateway's errors are problem details (RFC 9457)"
	noSession  = "a session that all replicas of the backend know: requests go to the one that has least to do"
	noHash     = "nothing: requests go to the endpoint that has least to do"
	noSnippet  = "fields of HTTPRoute, AccessPolicy and TrafficPolicy: text of a configuration language is taken from nobody (CVE-2021-25742)"
)

// nginxAnnotations are all that ingress-nginx knows or knew, in order.
var nginxAnnotations = []annotation{
	{"affinity", refused, open, noSession},
	{"affinity-canary-behavior", refused, open, noSession},
	{"affinity-mode", refused, open, noSession},
	{"allowlist-source-range", taken, bars, "networks whose addresses are let in; others get 403"},
	{"app-root", taken, open, "`/` is redirected there with 302"},
	{"auth-always-set-cookie", refused, open, "an authentication service that sets cookies of its answers itself"},
	{"auth-cache-duration", refused, open, "nothing: each request is asked about"},
	{"auth-cache-key", refused, open, "nothing: each request is asked about"},
	{"auth-keepalive", needless, open, "connections to services are kept"},
	{"auth-keepalive-requests", needless, open, "connections to services are kept"},
	{"auth-keepalive-share-vars", needless, open, "there are no variables"},
	{"auth-keepalive-timeout", needless, open, "connections to services are kept"},
	{"auth-method", taken, bars, "`GET`, which is how the service is asked"},
	{"auth-proxy-set-headers", refused, bars, useAccess + ", whose externalAuth names header lines"},
	{"auth-realm", taken, open, "what browsers ask the password for"},
	{"auth-request-redirect", refused, open, "an authentication service that reads X-Forwarded-Uri"},
	{"auth-response-headers", taken, bars, "lines of the service that the backend gets; no client can send them"},
	{"auth-secret", taken, bars, "a Secret of the namespace, or one that a ReferenceGrant names; bcrypt only (`htpasswd -B`)"},
	{"auth-secret-type", taken, bars, "`auth-file` (default) or `auth-map`"},
	{"auth-signin", refused, open, "an authentication service that answers with a redirect, which clients get; they get its 401 now"},
	{"auth-signin-redirect-param", refused, open, "an authentication service that answers with a redirect"},
	{"auth-snippet", refused, bars, noSnippet},
	{"auth-tls-error-page", refused, open, ownPages},
	{"auth-tls-match-cn", refused, bars, "an AccessPolicy with clientCertificate, which compares subject alternative names"},
	{"auth-tls-pass-certificate-to-upstream", refused, open, "an AccessPolicy with claimsToHeaders: the backend is told who asks"},
	{"auth-tls-secret", refused, bars, "spec.tls.frontend of the Gateway that the IngressClass names: who may open connections is a listener's to say"},
	{"auth-tls-verify-client", refused, bars, "spec.tls.frontend of the Gateway that the IngressClass names"},
	{"auth-tls-verify-depth", refused, bars, "spec.tls.frontend of the Gateway: chains are verified whole"},
	{"auth-type", taken, bars, "`basic`, with auth-secret; digest is refused"},
	{"auth-url", taken, bars, "`http://SERVICE.NAMESPACE.svc[.cluster.local][:PORT]/PATH` of a Service, without variables; outside names and https are refused"},
	{"backend-protocol", taken, bars, "`HTTP`, `GRPC`; `HTTPS` and `GRPCS` with a BackendTLSPolicy for the Service; others are refused"},
	{"canary", taken, bars, "an Ingress that gets a part of the requests of another one of its namespace"},
	{"canary-by-cookie", taken, bars, "`always` and `never`"},
	{"canary-by-header", taken, bars, "`always` and `never`, or the value or pattern that is given"},
	{"canary-by-header-pattern", taken, bars, "RE2, of the whole value"},
	{"canary-by-header-value", taken, bars, "the value"},
	{"canary-weight", taken, bars, "of canary-weight-total"},
	{"canary-weight-total", taken, bars, "100 without it"},
	{"client-body-buffer-size", needless, open, streams},
	{"configuration-snippet", refused, bars, noSnippet},
	{"connection-proxy-header", refused, open, "nothing: the line is the connection's"},
	{"cors-allow-credentials", taken, open, "`true` only beside origins that are named; `false` without it where any is allowed"},
	{"cors-allow-headers", taken, open, "as ingress-nginx has it"},
	{"cors-allow-methods", taken, open, "as ingress-nginx has it"},
	{"cors-allow-origin", taken, open, "origins, with `*.` for one label or more, or `*`"},
	{"cors-expose-headers", taken, open, "as ingress-nginx has it"},
	{"cors-max-age", taken, open, "seconds; 1728000 without it"},
	{"custom-headers", taken, bars, "a ConfigMap of lines that clients get, of the namespace, or one that a ReferenceGrant names"},
	{"custom-http-errors", refused, open, ownPages},
	{"default-backend", refused, open, "spec.defaultBackend; a Service without endpoints is answered 503"},
	{"denylist-source-range", taken, bars, "networks whose addresses get 403"},
	{"disable-proxy-intercept-errors", needless, open, "errors of backends are passed on"},
	{"enable-access-log", refused, open, oneTrace},
	{"enable-cors", taken, open, "`true`, with the annotations cors-*"},
	{"enable-global-auth", refused, bars, "an AccessPolicy for the Gateway whose mode is Default"},
	{"enable-influxdb", refused, open, oneTrace},
	{"enable-modsecurity", refused, bars, useWAF},
	{"enable-opentelemetry", refused, open, oneTrace},
	{"enable-opentracing", refused, open, oneTrace},
	{"enable-owasp-core-rules", refused, bars, useWAF},
	{"enable-rewrite-log", needless, open, "there is no such log: decisions are logged with their route"},
	{"fastcgi-index", refused, open, "a server that speaks HTTP beside the application"},
	{"fastcgi-params-configmap", refused, open, "a server that speaks HTTP beside the application"},
	{"force-ssl-redirect", taken, bars, "`true`: clients are sent to HTTPS, also without spec.tls"},
	{"from-to-www-redirect", refused, open, "an Ingress for the other host with permanent-redirect"},
	{"global-rate-limit", refused, bars, useTraffic + " whose scope is Gateway"},
	{"global-rate-limit-ignored-cidrs", refused, bars, useTraffic},
	{"global-rate-limit-key", refused, bars, useTraffic},
	{"global-rate-limit-window", refused, bars, useTraffic},
	{"grpc-backend", refused, bars, "backend-protocol: GRPC"},
	{"http2-push-preload", needless, open, "browsers take no pushes"},
	{"influxdb-host", refused, open, oneTrace},
	{"influxdb-measurement", refused, open, oneTrace},
	{"influxdb-port", refused, open, oneTrace},
	{"influxdb-server-name", refused, open, oneTrace},
	{"limit-allowlist", refused, bars, useTraffic + ", whose tiers say for whom another limit holds"},
	{"limit-burst-multiplier", taken, bars, "5 without it"},
	{"limit-connections", taken, bars, "requests of one address that are under way; more get 429"},
	{"limit-rate", refused, bars, "limits of requests: bytes a second are not counted by route"},
	{"limit-rate-after", refused, bars, "limits of requests: bytes a second are not counted by route"},
	{"limit-rpm", taken, bars, "of each address; more get 429"},
	{"limit-rps", taken, bars, "of each address; more get 429"},
	{"limit-whitelist", refused, bars, useTraffic + ", whose tiers say for whom another limit holds"},
	{"load-balance", taken, open, "`round_robin`; `ewma` is the endpoint that has least to do"},
	{"lua-resty-waf", refused, bars, useWAF},
	{"mirror-host", refused, open, "an HTTPRoute with a RequestMirror filter"},
	{"mirror-request-body", refused, open, "an HTTPRoute with a RequestMirror filter"},
	{"mirror-target", refused, open, "an HTTPRoute with a RequestMirror filter"},
	{"modsecurity-snippet", refused, bars, useWAF},
	{"modsecurity-transaction-id", refused, open, useWAF},
	{"opentelemetry-operation-name", refused, open, oneTrace},
	{"opentelemetry-trust-incoming-span", refused, open, oneTrace},
	{"opentracing-trust-incoming-span", refused, open, oneTrace},
	{"permanent-redirect", taken, bars, "an address without a query and variables"},
	{"permanent-redirect-code", taken, open, "301 (default), 302, 303, 307, 308"},
	{"preserve-trailing-slash", needless, open, "slashes at the end stay"},
	{"proxy-body-size", taken, bars, "bytes, or with `k`, `m`, `g`; 0 is as the listener has it; more get 413"},
	{"proxy-buffer-size", needless, open, streams},
	{"proxy-buffering", needless, open, streams},
	{"proxy-buffers-number", needless, open, streams},
	{"proxy-busy-buffers-size", needless, open, streams},
	{"proxy-connect-timeout", taken, open, "seconds"},
	{"proxy-cookie-domain", refused, open, "a backend that says its own domain"},
	{"proxy-cookie-path", refused, open, "a backend that says its own path"},
	{"proxy-http-version", needless, open, "backends are spoken to by HTTP/1.1, or by HTTP/2 (backend-protocol: GRPC)"},
	{"proxy-max-temp-file-size", needless, open, streams},
	{"proxy-next-upstream", taken, open, "`error`, `timeout`, `invalid_header`, `http_4xx` and `http_5xx` by number, `non_idempotent`, `off`"},
	{"proxy-next-upstream-timeout", refused, open, "HTTPRoute's timeouts.request"},
	{"proxy-next-upstream-tries", taken, open, "the first one counts; at least 1"},
	{"proxy-read-timeout", taken, open, "seconds, until the head of the response of each attempt"},
	{"proxy-redirect-from", refused, open, useRoute},
	{"proxy-redirect-to", refused, open, useRoute},
	{"proxy-request-buffering", needless, open, streams},
	{"proxy-send-timeout", needless, open, "a backend that reads nothing is given up"},
	{"proxy-ssl-ciphers", refused, open, useTLS},
	{"proxy-ssl-name", refused, open, useTLS},
	{"proxy-ssl-protocols", refused, open, useTLS},
	{"proxy-ssl-secret", refused, open, useTLS},
	{"proxy-ssl-server-name", refused, open, useTLS},
	{"proxy-ssl-verify", refused, open, useTLS},
	{"proxy-ssl-verify-depth", refused, open, useTLS},
	{"relative-redirects", needless, open, "redirects name the host that was asked for"},
	{"rewrite-target", taken, bars, "a path for all requests; `/TO/$2` with the path `/FROM(/|$)(.*)`, and `/TO/$1` with `/(.*)`; other groups are refused"},
	{"satisfy", taken, bars, "`all`, which is so; any is refused"},
	{"secure-backends", refused, bars, useTLS},
	{"secure-verify-ca-secret", refused, bars, useTLS},
	{"server-alias", taken, open, "hosts, with `*.` for one label, 64 of them; no expressions"},
	{"server-snippet", refused, bars, noSnippet},
	{"service-upstream", needless, open, "endpoints are followed without a reload"},
	{"session-cookie-change-on-failure", refused, open, noSession},
	{"session-cookie-conditional-samesite-none", refused, open, noSession},
	{"session-cookie-domain", refused, open, noSession},
	{"session-cookie-expires", refused, open, noSession},
	{"session-cookie-hash", refused, open, noSession},
	{"session-cookie-max-age", refused, open, noSession},
	{"session-cookie-name", refused, open, noSession},
	{"session-cookie-partitioned", refused, open, noSession},
	{"session-cookie-path", refused, open, noSession},
	{"session-cookie-samesite", refused, open, noSession},
	{"session-cookie-secure", refused, open, noSession},
	{"ssl-ciphers", refused, open, "nothing: TLS 1.2 and 1.3 are spoken with authenticated encryption only"},
	{"ssl-passthrough", refused, bars, "a TLSRoute at a listener of TLS whose mode is Passthrough"},
	{"ssl-prefer-server-ciphers", needless, open, "the gateway chooses"},
	{"ssl-redirect", taken, bars, "`false` serves hosts of spec.tls in clear, too; without it clients are sent to HTTPS"},
	{"stream-snippet", refused, bars, noSnippet},
	{"temporal-redirect", taken, bars, "an address without a query and variables"},
	{"temporal-redirect-code", taken, open, "302 (default), 301, 303, 307, 308"},
	{"upstream-hash-by", refused, open, noHash},
	{"upstream-hash-by-subset", refused, open, noHash},
	{"upstream-hash-by-subset-size", refused, open, noHash},
	{"upstream-vhost", taken, open, "the host that the backend is asked for"},
	{"use-port-in-redirects", needless, open, "redirects name the listener's port where it does not go without saying"},
	{"use-regex", taken, bars, "RE2, without regard to case, of the beginning of the path; on a host that another namespace had first it is refused"},
	{"whitelist-source-range", taken, bars, "networks whose addresses are let in; others get 403"},
	{"x-forwarded-prefix", taken, open, "a line that the backend gets"},
}
