// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// kongPlugins converts those that an annotation names.
func (r *reader) kongPlugins(v string) error {
	if err := r.single(); err != nil {
		return err
	}
	var faults []string
	r.line.object = several
	for _, word := range list(v) {
		namespace, name := r.ingress.Namespace, word
		if in, of, split := strings.Cut(word, ":"); split {
			namespace, name = in, of
		}
		if err := r.kongPlugin(namespace, name); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", word, err))
		}
	}
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}

// kongQuiet are plugins without which requests are answered as before.
var kongQuiet = map[string]string{
	"prometheus": noLog, "file-log": noLog, "http-log": noLog, "tcp-log": noLog, "udp-log": noLog, "syslog": noLog, "loggly": noLog, "kafka-log": noLog,
	"opentelemetry": noLog, "zipkin": noLog, "datadog": noLog, "statsd": noLog, "correlation-id": "X-Request-Id is set by the gateway", "proxy-cache": "nothing is kept: backends answer",
}

// kongUsers are plugins whose users are KongConsumers.
var kongUsers = map[string]bool{"basic-auth": true, "key-auth": true, "jwt": true, "hmac-auth": true, "oauth2": true, "acl": true, "ldap-auth": true, "openid-connect": true}

func (r *reader) kongPlugin(namespace, name string) error {
	u, err := r.conversion.other("KongPlugin", namespace, name)
	if err != nil {
		return err
	}
	if off, _ := u.Object["disabled"].(bool); off {
		r.note("%s is off", name)
		return nil
	}
	if u.Object["configFrom"] != nil || u.Object["configPatches"] != nil {
		return errors.New("settings in a Secret are not read")
	}
	of, _ := u.Object["plugin"].(string)
	switch by := r.plugins[of]; {
	case by == "":
	case by == "Ingress" && r.line.Kind == "Service": // a route's own is in the place of its Service's
		r.note("%s of the Ingress is in the place of %s", of, name)
		return nil
	default:
		return fmt.Errorf("there is another plugin %s of the %s: Kong has one of a kind", of, by)
	}
	if r.plugins == nil {
		r.plugins = map[string]string{}
	}
	r.plugins[of] = r.line.Kind
	config, _ := u.Object["config"].(map[string]any)
	s := settingsOf("config", config)
	if why := kongQuiet[of]; why != "" {
		r.note("%s is dropped: %s", of, why)
		return nil
	}
	if kongUsers[of] {
		return fmt.Errorf("the users of %s are KongConsumers: write an AccessPolicy with a Secret of them", of)
	}
	switch of {
	case "rate-limiting":
		err = r.kongRates(s)
	case "ip-restriction":
		err = r.kongAddresses(s)
	case "cors":
		err = r.kongCORS(s)
	case "request-size-limiting":
		err = r.kongBody(s)
	case "request-transformer":
		err = kongLines(s, &r.request, "http_method", "template")
	case "response-transformer":
		err = kongLines(s, &r.response)
	default:
		return fmt.Errorf("%.40q is not converted", of)
	}
	if err == nil {
		err = s.rest()
	}
	if err == nil {
		r.note("%s %s", of, map[string]string{"rate-limiting": "is a TrafficPolicy", "ip-restriction": "is an AccessPolicy", "cors": "is a filter", "request-size-limiting": "is a ClientPolicy", "request-transformer": "is a filter", "response-transformer": "is a filter"}[of])
	}
	return err
}

func (r *reader) kongRates(s *settings) error {
	s.ignore("policy", "fault_tolerant", "hide_client_headers", "redis", "redis_host", "redis_port", "redis_password", "redis_timeout", "redis_database", "error_code", "error_message", "sync_rate")
	key := []string{byAddress}
	switch by := s.text("limit_by"); by {
	case "", "ip", "consumer", "credential": // without users that are known, the address
		s.ignore("header_name", "path")
	case "service":
		key = nil
	case "header":
		name := s.text("header_name")
		if !headerName.MatchString(name) {
			return fmt.Errorf("config.header_name %.40q is no name of a header line", name)
		}
		key = []string{"header:" + name}
	default:
		return fmt.Errorf("config.limit_by %.20q is not counted by", by)
	}
	some := false
	for _, unit := range []struct {
		name string
		per  time.Duration
	}{{"second", time.Second}, {"minute", time.Minute}, {"hour", time.Hour}, {"day", 24 * time.Hour}, {"month", 30 * 24 * time.Hour}} {
		n, err := s.whole(unit.name)
		if err != nil {
			return err
		}
		if n > 0 {
			some = true
			r.rate("per-"+unit.name, n, unit.per, n)
			r.limits.rates[len(r.limits.rates)-1].Key = key
		}
	}
	if !some {
		return errors.New("it names no limit")
	}
	return nil
}

func (r *reader) kongAddresses(s *settings) error {
	s.ignore("status", "message")
	for _, name := range []string{"allow", "deny", "whitelist", "blacklist"} {
		words, err := s.words(name)
		if err != nil {
			return err
		}
		if len(words) == 0 {
			continue
		}
		found, err := ranges(strings.Join(words, ","))
		if err != nil {
			return err
		}
		if name == "allow" || name == "whitelist" {
			r.access.allow = append(r.access.allow, found...)
		} else {
			r.access.deny = append(r.access.deny, found...)
		}
	}
	return nil
}

func (r *reader) kongCORS(s *settings) error {
	var lists [4]string
	for i, name := range []string{"origins", "methods", "headers", "exposed_headers"} {
		words, err := s.words(name)
		if err != nil {
			return err
		}
		lists[i] = strings.Join(words, ",")
	}
	if lists[0] == "" {
		lists[0] = "*"
	}
	if lists[1] == "" {
		lists[1] = "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT"
	}
	out, err := corsOf(lists[0], lists[1], lists[2], lists[3])
	if err != nil {
		return err
	}
	if yes := s.yes("credentials"); yes && out.AllowOrigins[0] != "*" {
		out.AllowCredentials = &yes
	}
	age, err := s.whole("max_age")
	out.MaxAge = int32(age) //nolint:gosec // whole bounds it
	s.ignore("preflight_continue", "private_network")
	return errors.Join(err, r.origins(out))
}

func (r *reader) kongBody(s *settings) error {
	n, err := s.whole("allowed_payload_size")
	if err != nil {
		return err
	}
	unit := map[string]int64{"": 1 << 20, "megabytes": 1 << 20, "kilobytes": 1 << 10, "bytes": 1}[s.text("size_unit")]
	s.ignore("require_content_length")
	if n == 0 {
		n = 128
	}
	bytes := int64(n) * unit
	if unit == 0 {
		return errors.New("config.size_unit is not known")
	}
	r.bounded(bytes)
	return nil
}

// kongLines converts changes of header lines. Those that depend on whether a line is
// there have no counterpart.
func kongLines(s *settings, to *gatewayv1.HTTPHeaderFilter, ignored ...string) error {
	s.ignore(ignored...)
	for _, what := range []string{"remove", "append"} {
		o := s.object(what)
		if o == nil {
			continue
		}
		words, err := o.words("headers")
		if err != nil {
			return err
		}
		for _, w := range words {
			name, value, _ := strings.Cut(w, ":")
			if !headerName.MatchString(name) || what == "append" && strings.ContainsAny(value, "$\r\n") {
				return fmt.Errorf("config.%s: %.60q is no header line without variables", what, w)
			}
			if what == "remove" {
				to.Remove = append(to.Remove, name)
			} else {
				to.Add = append(to.Add, gatewayv1.HTTPHeader{Name: gatewayv1.HTTPHeaderName(name), Value: value})
			}
		}
		if err := o.rest(); err != nil {
			return err
		}
	}
	return nil
}
