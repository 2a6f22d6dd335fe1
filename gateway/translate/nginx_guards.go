// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// policyName is what the policies of an Ingress are called.
func (m *manner) policyName() string { return "ingress/" + nameOf(m.ingress).String() }

// own are the policies of an Ingress, which it has if one of them is asked for.
func (m *manner) own() *guards {
	if m.guards == nil {
		m.guards = &guards{}
	}
	return m.guards
}

// limits reads how much each address may ask for.
func (m *manner) limits() {
	const most = 1_000_000
	burst := cmp.Or(m.number("limit-burst-multiplier", 1, 1000), 5) // as ingress-nginx has it
	p := &config.TrafficPolicy{Name: m.policyName()}
	key := []string{"client.ip"}
	for _, l := range []struct {
		name string
		per  time.Duration
	}{{"limit-rps", time.Second}, {"limit-rpm", time.Minute}} {
		if n := m.number(l.name, 1, most); n > 0 {
			p.RateLimits = append(p.RateLimits, config.RateLimit{Name: l.name, Key: key, Limit: config.Limit{Requests: n, Per: config.Duration(l.per), Burst: n * burst}})
		}
	}
	if n := m.number("limit-connections", 1, most); n > 0 {
		p.Concurrency = &config.Concurrency{Requests: n, Key: key}
	}
	if len(p.RateLimits) > 0 || p.Concurrency != nil {
		m.own().traffic = p
	}
}

// access reads who is let in: one policy for addresses, passwords and the service that
// is asked.
func (m *manner) access() {
	if v, given := m.value("satisfy"); given && v != "all" {
		m.fault("satisfy", fmt.Sprintf("%.80q: all that is asked for has to hold", v))
	}
	p := &config.AccessPolicy{Name: m.policyName()}
	allow := append(m.networks("whitelist-source-range"), m.networks("allowlist-source-range")...)
	deny := m.networks("denylist-source-range")
	if len(deny) > 0 {
		p.Authorization.Rules = append(p.Authorization.Rules, config.AccessRule{Name: "denylist", Deny: &config.Condition{SourceRanges: deny}})
	}
	p.Authorization.Rules = append(p.Authorization.Rules, config.AccessRule{Name: "allow", Allow: &config.Condition{SourceRanges: allow}})
	who := m.passwords()
	p.ExternalAuth = m.service()
	if who == nil && p.ExternalAuth == nil && len(allow)+len(deny) == 0 {
		return
	}
	if who == nil {
		who = &config.Authenticator{Name: "anybody", Anonymous: &config.Anonymous{}}
		p.Forward.Credentials = "Keep"
	}
	p.Authentication.AnyOf = []config.Authenticator{*who}
	m.own().access = p
}

// passwords reads names and passwords; nil if none are asked for.
func (m *manner) passwords() *config.Authenticator {
	of, given := m.value("auth-type")
	secret, named := m.value("auth-secret")
	switch {
	case !given && !named:
		return nil
	case of != "basic":
		m.fault("auth-type", fmt.Sprintf("%.80q is not basic", of))
		return nil
	case !named:
		m.fault("auth-secret", "it is missing beside auth-type")
		return nil
	}
	name, refusal := m.refer(secret, secretKind)
	if refusal != "" {
		m.fault("auth-secret", refusal)
		return nil
	}
	s := m.secret(name)
	if s == nil {
		m.fault("auth-secret", m.absent(secretKind, name))
		return nil
	}
	var users []byte
	switch form, _ := m.value("auth-secret-type"); form {
	case "", "auth-file":
		users = s.Data["auth"]
	case "auth-map":
		for _, user := range slices.Sorted(maps.Keys(s.Data)) {
			users = fmt.Appendf(users, "%s:%s\n", user, s.Data[user])
		}
	default:
		m.fault("auth-secret-type", fmt.Sprintf("%.80q is neither auth-file nor auth-map", form))
		return nil
	}
	realm, _ := m.value("auth-realm")
	out := config.Authenticator{Name: "password", Basic: &config.Basic{Realm: realm, Users: config.Secret(users)}}
	if users == nil {
		m.fault("auth-secret", fmt.Sprintf("Secret %s has no key auth", name))
		return nil
	}
	if fault := authenticates(out); fault != "" {
		m.fault("auth-secret", fmt.Sprintf("Secret %s: %s", name, fault))
		return nil
	}
	return &out
}

// authenticates has the data plane's own rules judge an authenticator, alone.
func authenticates(a config.Authenticator, keys ...config.KeySet) string {
	weight := 1
	for _, f := range faults(&config.Snapshot{
		KeySets:        keys,
		AccessPolicies: []config.AccessPolicy{{Name: "p", Authentication: config.Authentication{AnyOf: []config.Authenticator{a}}, Authorization: config.Authorization{Rules: []config.AccessRule{{Name: "r", Allow: &config.Condition{}}}}}},
		Routes:         []config.Route{{Name: "r", Access: []string{"p"}, Target: config.Target{Backends: []config.Weighted{{Weight: &weight, Status: 503}}}}},
	}) {
		return f.What
	}
	return ""
}

// service reads the service that is asked about requests; nil if none is.
func (m *manner) service() *config.ExternalAuth {
	v, given := m.value("auth-url")
	if method, other := m.value("auth-method"); other && method != "GET" {
		m.fault("auth-method", fmt.Sprintf("%.80q is not GET", method))
	}
	lines := m.words("auth-response-headers")
	if !given {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(v, "$?#") {
		m.fault("auth-url", fmt.Sprintf("%.80q is no address of a Service such as http://auth.shop.svc/check, without a query and variables", v))
		return nil
	}
	name, found := serviceOf(u.Hostname())
	port, err := strconv.Atoi(cmp.Or(u.Port(), "80"))
	if !found || err != nil || port < 1 || port > 65535 {
		m.fault("auth-url", fmt.Sprintf("%.80q is no name of a Service: SERVICE.NAMESPACE.svc", u.Host))
		return nil
	}
	number, namespace := gatewayv1.PortNumber(port), gatewayv1.Namespace(name.Namespace)
	b, fault := m.backend(&route{name: nameOf(m.ingress), of: ingressKind}, &gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(name.Name), Namespace: &namespace, Port: &number})
	if fault != nil {
		m.fault("auth-url", cmp.Or(fault.message, "its BackendTLSPolicy cannot be kept"))
		return nil
	}
	m.backends = append(m.backends, b)
	return &config.ExternalAuth{HTTP: &config.ExternalHTTP{
		Backend: b.Name, Path: cmp.Or(u.EscapedPath(), "/"), ExternalHeaders: config.ExternalHeaders{RequestHeaders: []string{"Cookie"}, ResponseHeaders: lines},
	}}
}

// serviceOf reads the name of a Service in the cluster (the DNS specification of
// Kubernetes, section 2.3).
func serviceOf(host string) (Name, bool) {
	labels := strings.Split(strings.TrimSuffix(strings.ToLower(host), ".cluster.local"), ".")
	if len(labels) != 3 || labels[2] != "svc" || labels[0] == "" || labels[1] == "" {
		return Name{}, false
	}
	return Name{Namespace: labels[1], Name: labels[0]}, true
}
