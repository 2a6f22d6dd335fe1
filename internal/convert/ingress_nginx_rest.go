// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func nginxRest() []Annotation {
	return slices.Concat([]Annotation{
		closing("configuration-snippet", "", noSnippets, noText), closing("server-snippet", "", noSnippets, noText), closing("stream-snippet", "", noSnippets, noText),
		converted("proxy-body-size", "ClientPolicy spec.limits.bodyBytes", "the largest that an Ingress of the Gateway allows", (*reader).bodySize),
		refused("custom-http-errors", noErrorPages), refused("default-backend", noErrorPages), needless("disable-proxy-intercept-errors", noErrorPages),
		needless("proxy-ssl-verify", "certificates of backends are always verified"), needless("proxy-ssl-verify-depth", "chains are verified to an authority, however long"),
		needless("proxy-ssl-server-name", "backends are always asked for their name"), needless("proxy-ssl-name", "read with backend-protocol"),
		{Name: "proxy-ssl-secret", Outcome: Converted, To: toBackendTLS, Say: "its authorities, in a ConfigMap of its name; backends that want a certificate of the gateway get that of Gateway spec.tls.backend", read: (*reader).upstreamSecret},
		needless("secure-verify-ca-secret", "ingress-nginx has dropped it: proxy-ssl-secret"), needless("secure-backends", "ingress-nginx has dropped it: backend-protocol"), needless("grpc-backend", "ingress-nginx has dropped it: backend-protocol"),
		needless("proxy-ssl-ciphers", noCiphers), needless("proxy-ssl-protocols", noCiphers), needless("ssl-ciphers", noCiphers), needless("ssl-prefer-server-ciphers", noCiphers),
		needless("http2-push-preload", "browsers have dropped push"),
		needless("fastcgi-index", "backends speak no FastCGI: see backend-protocol"), needless("fastcgi-params-configmap", "backends speak no FastCGI: see backend-protocol"),
		guarded("lua-resty-waf", noWAF, "inactive"),
		refused("use-port-in-redirects", "redirects name no port but that of HTTPS"),
		refused("service-upstream", "requests go to pods; a Service without a selector, or a mesh, may stand before them"),
		refused("load-balance", noUpstream), refused("upstream-hash-by", noAffinity), part("upstream-hash-by-subset", "upstream-hash-by", ""), part("upstream-hash-by-subset-size", "upstream-hash-by", ""),
		refused("affinity", noAffinity), part("affinity-mode", "affinity", ""), part("affinity-canary-behavior", "affinity", ""),
		needless("proxy-http-version", "backends are spoken to by HTTP/1.1, or HTTP/2 where they say so"),
		refused("enable-access-log", noLog), refused("enable-rewrite-log", noLog), refused("enable-opentracing", noLog), refused("opentracing-trust-incoming-span", noLog),
		refused("enable-opentelemetry", noLog), refused("opentelemetry-trust-incoming-span", noLog), refused("opentelemetry-operation-name", noLog),
		refused("enable-influxdb", noLog), part("influxdb-measurement", "enable-influxdb", ""), part("influxdb-port", "enable-influxdb", ""), part("influxdb-host", "enable-influxdb", ""), part("influxdb-server-name", "enable-influxdb", ""),
	},
		each(needless, noBuffers, "client-body-buffer-size", "proxy-request-buffering", "proxy-buffering", "proxy-buffers-number", "proxy-buffer-size", "proxy-busy-buffers-size", "proxy-max-temp-file-size"),
		each(func(n, _ string) Annotation { return part("session-cookie-"+n, "affinity", "") }, "", "name", "path", "domain", "secure", "samesite", "conditional-samesite-none", "expires", "max-age", "change-on-failure", "hash", "partitioned"))
}

// noText takes a snippet that is empty.
func noText(r *reader, v string) error {
	if v == "" {
		return r.holds("it asks for nothing")
	}
	return fmt.Errorf("%s", noSnippets)
}

func (r *reader) bodySize(v string) error {
	n, err := size(v)
	if err != nil {
		return err
	}
	r.bounded(n)
	if n == 0 {
		return r.holds("bodies have no limit unless a ClientPolicy says so")
	}
	return nil
}

// upstreamSecret is read with backend-protocol, without which backends are spoken to in
// clear.
func (r *reader) upstreamSecret(string) error {
	if !strings.HasSuffix(strings.ToUpper(r.get("backend-protocol")), "S") {
		return r.holds("backends are spoken to in clear")
	}
	return nil
}

var sizeForm = regexp.MustCompile(`^([0-9]{1,15})([kKmMgG]?)$`)

// size reads bytes as nginx writes them: 8m.
func size(v string) (int64, error) {
	parts := sizeForm.FindStringSubmatch(v)
	if parts == nil {
		return 0, fmt.Errorf("%.40q is no size, such as 8m", v)
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	factor := map[string]int64{"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[strings.ToLower(parts[2])]
	if err != nil || n > 1<<50/factor {
		return 0, fmt.Errorf("%.40q is too much", v)
	}
	return n * factor, nil
}
