// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// suite is the cipher of all contestants: that of Go, where OpenSSL would take AES-256.
const suite = "TLS_AES_128_GCM_SHA256"

// setting is what a contestant is configured for.
type setting struct {
	layer      layer
	folder     string // of the certificate: cert.pem, key.pem, both.pem
	population string // folder of the tokens, if there are any
	work       string // its own
	self       string
	gateway    string
	address    string
	backend    string
	allowed    int // requests a second, of a layer with a limit
}

// contestant is a program that forwards.
type contestant struct {
	name    string
	command func(setting) ([]string, error)
}

// begin starts a contestant; nil is one that cannot do what is asked.
func (c *contestant) begin(ctx context.Context, s setting) (r *runner, stop func(), err error) {
	if s.address, err = free(ctx); err != nil {
		return nil, nil, err
	}
	if s.work, err = os.MkdirTemp(s.folder, c.name); err != nil {
		return nil, nil, err
	}
	args, err := c.command(s)
	if err != nil || args == nil {
		return nil, nil, err
	}
	stop, pid, err := start(ctx, "0", filepath.Join(s.work, "log"), s.address, args...)
	if err != nil {
		return nil, nil, err
	}
	r = &runner{name: c.name, pid: pid, url: "http://" + s.address, tokens: s.layer.tokens}
	if s.layer.tls {
		r.url = "https://" + s.address
	}
	if s.layer.tokens != nil {
		r.script = filepath.Join(s.population, "load.lua")
	}
	return r, stop, nil
}

// contestants write their configuration and say how they are started, or nothing if
// they cannot do it. All keep connections on both sides, write no log, and use one
// processor.
var contestants = []contestant{
	{"gatehouse", func(s setting) ([]string, error) {
		protocol, certificates, use := "HTTP", "", ""
		if s.layer.tls {
			protocol, use = "HTTPS", ", tls: {certificates: [c]}"
			certificates = fmt.Sprintf("certificates: [{name: c, certFile: %q, keyFile: %q}]\n", s.folder+"/cert.pem", s.folder+"/key.pem")
		}
		attached, policies := "", ""
		if s.layer.limit {
			attached += ", traffic: [t]"
			policies += fmt.Sprintf("trafficPolicies: [{name: t, rateLimits: [{name: l, key: [client.ip], limit: {requests: %d, per: 1s}}]}]\n", s.allowed)
		}
		if t := s.layer.tokens; t != nil {
			attached += ", access: [a]"
			policies += fmt.Sprintf(`keySets: [{name: k, file: %q}]
accessPolicies:
- name: a
  authentication: {anyOf: [{name: j, jwt: {issuer: %q, audiences: [%s], keySet: k, algorithms: [%s]}}]}
  authorization: {rules: [{name: r, allow: {scopes: [%s]}}]}
`, s.population+"/keys.json", issuer, audience, t.algorithm, scope)
		}
		return s.written("gateway.yaml", fmt.Sprintf(`listeners: [{name: l, address: %q, protocol: %s%s%s}]
%sroutes: [{name: r, backends: [{name: b}]}]
backends: [{name: b, endpoints: [%q]}]
%stelemetry: {decisions: {to: "off"}}
`, s.address, protocol, use, attached, certificates, s.backend, policies), s.gateway, "--config")
	}},
	{"haproxy", func(s setting) ([]string, error) {
		bind := s.address
		if s.layer.tls {
			bind += " ssl crt " + s.folder + "/both.pem alpn h2,http/1.1"
		}
		return s.written("haproxy.cfg", fmt.Sprintf(`global
  nbthread 1
  maxconn 4096
  ssl-default-bind-options ssl-min-ver TLSv1.2
  ssl-default-bind-ciphersuites `+suite+`
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  timeout http-request 10s
  option forwardfor
  http-reuse always
frontend f
  bind %s
%s  default_backend b
backend b
  server s %s
`, bind, s.haproxyRules(), s.backend), "haproxy", "-db", "-f")
	}},
	{"nginx", func(s setting) ([]string, error) {
		if s.layer.tokens != nil {
			return nil, nil // JSON Web Tokens are of NGINX Plus
		}
		zone, limit := "", ""
		if s.layer.limit {
			n := min(s.allowed, 1_000_000) // more it does not count
			zone = fmt.Sprintf("limit_req_zone $binary_remote_addr zone=z:10m rate=%dr/s; limit_req_status 429;", n)
			limit = fmt.Sprintf("limit_req zone=z burst=%d nodelay;", n)
		}
		listen := s.address
		if s.layer.tls {
			listen += " ssl http2"
		}
		args, err := s.written("nginx.conf", fmt.Sprintf(`daemon off; master_process off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  keepalive_requests 100000000; ssl_protocols TLSv1.2 TLSv1.3; ssl_conf_command Ciphersuites `+suite+`; ssl_certificate %[2]s/cert.pem; ssl_certificate_key %[2]s/key.pem;
  %[5]s
  upstream b { server %[4]s; keepalive 512; keepalive_requests 100000000; }
  server {
    listen %[3]s;
    location / { %[6]s proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; }
  }
}
`, s.work, s.folder, listen, s.backend, zone, limit), "nginx", "-p", s.work, "-c")
		return args, err
	}},
	{"reverseproxy", func(s setting) ([]string, error) {
		if s.layer.limit && s.layer.tokens == nil {
			return nil, nil // it has no limit; with tokens, it does without one
		}
		args := []string{s.self, "-serve", "reverse", "-address", s.address, "-backend", s.backend}
		if s.layer.tls {
			args = append(args, "-folder", s.folder)
		}
		if s.layer.tokens != nil {
			args = append(args, "-keys", s.population+"/keys.json")
		}
		return args, nil
	}},
}

// haproxyRules are what HAProxy asks of a request (HAProxy 2.6, configuration manual,
// section 7.3.1: jwt_verify and its relatives). It verifies each time.
func (s setting) haproxyRules() string {
	rules := ""
	if s.layer.limit {
		rules += "  stick-table type ip size 100k expire 10s store http_req_rate(1s)\n  http-request track-sc0 src\n" +
			"  http-request deny deny_status 429 if { sc_http_req_rate(0) gt " + strconv.Itoa(s.allowed) + " }\n"
	}
	if t := s.layer.tokens; t != nil {
		rules += fmt.Sprintf(`  http-request set-var(txn.b) http_auth_bearer
  http-request set-var(txn.alg) var(txn.b),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str %s }
  http-request deny deny_status 401 unless { var(txn.b),jwt_verify(txn.alg,"%s") 1 }
  http-request deny deny_status 401 unless { var(txn.b),jwt_payload_query('$.iss') -m str %s }
  http-request deny deny_status 401 unless { var(txn.b),jwt_payload_query('$.aud') -m str %s }
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 if { var(txn.b),jwt_payload_query('$.exp','int'),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 403 unless { var(txn.b),jwt_payload_query('$.scope') -m sub %s }
`, t.algorithm, s.population+"/public.pem", issuer, audience, scope)
	}
	return rules
}

// written writes a configuration, and returns the command with its name behind.
func (s setting) written(name, text string, command ...string) ([]string, error) {
	file := filepath.Join(s.work, name)
	return append(command, file), os.WriteFile(file, []byte(text), 0o600)
}
