// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"testing"
)

const streaming = `listeners:
- {name: db, address: "127.0.0.1:5432", protocol: TCP}
- {name: dns, address: "127.0.0.1:5432", protocol: UDP}
- {name: tls, address: "127.0.0.1:8443", protocol: TLS}
- {name: web, address: "127.0.0.1:8080", protocol: HTTP}
streams:
- {name: db, listeners: [db], backends: [{name: b}]}
- {name: dns, listeners: [dns], backends: [{name: b}]}
- {name: one, listeners: [tls], hosts: [a.example.com, "*.example.com"], backends: [{name: b}]}
- {name: rest, listeners: [tls], backends: [{name: b}]}
routes:
- {name: r, listeners: [web], redirect: {scheme: https}}
backends:
- {name: b, endpoints: ["127.0.0.1:1"]}
`

func TestStreamsAreChecked(t *testing.T) {
	t.Parallel()
	for _, whole := range []string{
		streaming, strings.Replace(streaming, "protocol: TLS", "protocol: HTTPS, hosts: [www.example.com]", 1),
		strings.Replace(streaming, "hosts: [a.example.com", "tls: {}, hosts: [a.example.com", 1),
		strings.NewReplacer("[db], backends: [{name: b}]", "[db], backends: [{name: c}]", "backends:\n", "backends:\n- {name: c, tls: {serverName: c}}\n").Replace(streaming),
	} {
		if _, err := Decode("f", []byte(whole)); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct{ old, new, want string }{
		"a listener without a stream":       {"listeners: [dns]", "listeners: [db]", "f:3: listeners[1]: no stream names it"},
		"two streams for one listener":      {"listeners: [dns]", "listeners: [dns, db]", `f:8: streams[1].listeners[1]: stream "db" has "*" of listener "db" already`},
		"two streams for one name":          {"listeners: [tls], backends", "listeners: [tls], hosts: [a.example.com], backends", `f:10: streams[3].listeners[0]: stream "one" has "a.example.com" of listener "tls" already`},
		"a stream without a listener":       {"listeners: [db]", "listeners: []", "f:7: streams[0].listeners: there is none"},
		"a stream of requests":              {"listeners: [db]", "listeners: [db, web]", `f:7: streams[0].listeners[1]: there is no listener "web" of TCP, TLS, UDP or HTTPS`},
		"a name where none is asked for":    {"listeners: [db]", "listeners: [db], hosts: [a]", `f:7: streams[0].hosts: listener "db" is of TCP, where no name is asked for`},
		"a name that is none":               {"[a.example.com,", "[A.example.com,", `f:9: streams[2].hosts[0]: "A.example.com" is no name of a host`},
		"an unknown backend":                {"[db], backends: [{name: b}]", "[db], backends: [{name: c}]", `f:7: streams[0].backends[0].name: there is no backend "c"`},
		"a backend of requests":             {"{name: b, end", "{name: b, protocol: h2c, end", `f:7: streams[0].backends[0].name: backend "b" has protocol, and a stream uses nothing but endpoints and tls`},
		"TLS to a backend within TLS":       {"{name: b, end", "{name: b, tls: {serverName: b}, end", `f:8: streams[1].backends[0].name: backend "b" has tls, and what is passed on is TLS already, or datagrams`},
		"no backend":                        {"[db], backends: [{name: b}]", "[db], backends: []", "f:7: streams[0].backends: there is none with a weight"},
		"no backend with a weight":          {"[db], backends: [{name: b}]", "[db], backends: [{name: b, weight: 0}]", "f:7: streams[0].backends: there is none with a weight"},
		"a weight below nothing":            {"[db], backends: [{name: b}]", "[db], backends: [{name: b, weight: -1}]", "f:7: streams[0].backends[0].weight: -1 is not between 0 and 1000000"},
		"requests where there are none":     {"listeners: [web]", "listeners: [db]", `f:12: routes[0].listeners[0]: listener "db" has no requests, but streams`},
		"access where nothing is read":      {"protocol: TCP", "protocol: TCP, access: [x]", "f:2: listeners[0].access: a listener of TCP has none"},
		"limits where nothing is read":      {"protocol: TCP", "protocol: TCP, traffic: [x]", "f:2: listeners[0].traffic: a listener of TCP has none"},
		"an end of TLS where there is none": {"listeners: [db]", "listeners: [db], tls: {}", `f:7: streams[0].tls: listener "db" is of TCP, where none is ended`},
		"an unknown certificate":            {"hosts: [a.example.com", "tls: {certificates: [c]}, hosts: [a.example.com", `f:9: streams[2].tls.certificates[0]: there is no certificate "c"`},
		"clients whom nobody could verify":  {"hosts: [a.example.com", "tls: {client: {}}, hosts: [a.example.com", `f:9: streams[2].tls.client.caFiles: there is none`},
		"a name that requests have":         {"protocol: TLS", "protocol: HTTPS, hosts: [a.example.com]", `f:9: streams[2].listeners[0]: listener "tls" answers requests for "a.example.com", so no stream can have it`},
		"all names, which requests have":    {"protocol: TLS", "protocol: HTTPS", `f:10: streams[3].listeners[0]: listener "tls" answers requests for "*", so no stream can have it`},
		"TLS where it is left as it is":     {"protocol: TLS", "protocol: TLS, tls: {}", "f:4: listeners[2].tls: a listener of TLS has none"},
		"proxies of datagrams":              {"protocol: UDP", "protocol: UDP, client: {proxyProtocolFrom: [10.0.0.0/8]}", "f:3: listeners[1].client.proxyProtocolFrom: a listener of UDP has none"},
		"a port that another one has":       {`"127.0.0.1:8443"`, `"127.0.0.1:5432"`, `f:4: listeners[2].address: listener "db" has 127.0.0.1:5432 already`},
		"HTTP/2 where nothing is read":      {"protocol: TCP", "protocol: TCP, http2: on", "f:2: listeners[0].http2: a listener of TCP has none"},
		"a redirect where nothing is read":  {"protocol: TCP", "protocol: TCP, redirectToHTTPS: 443", "f:2: listeners[0].redirectToHTTPS: a listener of TCP has none"},
		"whose word counts, of no requests": {"protocol: TCP", "protocol: TCP, client: {trustedProxies: [10.0.0.0/8]}", "f:2: listeners[0].client.trustedProxies: a listener of TCP has none"},
	} {
		changed := strings.Replace(streaming, tc.old, tc.new, 1)
		if changed == streaming {
			t.Fatalf("%s: %q is not in the configuration", name, tc.old)
		}
		if _, err := Decode("f", []byte(changed)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, tc.want)
		}
	}
}
