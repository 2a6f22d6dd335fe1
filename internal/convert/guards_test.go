// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// guardedIngress is an Ingress of shop whose only Service is web.
func guardedIngress(name, class, host, path string, annotations ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: %s\n  namespace: shop\n", name)
	if len(annotations) > 0 {
		b.WriteString("  annotations:\n")
	}
	for _, a := range annotations {
		fmt.Fprintf(&b, "    %s\n", a)
	}
	fmt.Fprintf(&b, "spec:\n  ingressClassName: %s\n  tls: [{hosts: [%s], secretName: tls}]\n", class, host)
	fmt.Fprintf(&b, "  rules: [{host: %s, http: {paths: [{path: %s, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]\n", host, path)
	return b.String()
}

const webService = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {ports: [{name: http, port: 80}]}\n"

func convertText(t *testing.T, documents ...string) *Result {
	t.Helper()
	return Convert(decode(t, []byte(strings.Join(documents, "---\n"))), Options{})
}

// accessOf are who an AccessPolicy takes for somebody, and whom it allows.
func accessOf(r *Result) string {
	var out []string
	for _, o := range r.Objects {
		p, is := o.(*v1alpha1.AccessPolicy)
		if !is {
			continue
		}
		var who, rules []string
		for _, a := range p.Spec.Authentication.AnyOf {
			who = append(who, a.Name)
		}
		for _, u := range p.Spec.Authorization.Rules {
			rules = append(rules, u.Name)
		}
		out = append(out, fmt.Sprintf("%s: %s; %s", p.Name, strings.Join(who, ","), strings.Join(rules, ",")))
	}
	return strings.Join(out, "\n")
}

func TestAnAddressStandsInForAPasswordOnlyWhereOneIsAllowed(t *testing.T) {
	t.Parallel()
	const nginx = "nginx.ingress.kubernetes.io/"
	basic := []string{nginx + "auth-type: basic", nginx + "auth-secret: users", nginx + "satisfy: any"}
	for name, tc := range map[string]struct {
		more []string
		want string
	}{
		"without a list the password is the only way in":      {nil, "a: password; everybody"},
		"with addresses that are kept out it is as well":      {[]string{nginx + "denylist-source-range: 192.0.2.0/24"}, "a: password; denied-addresses,everybody"},
		"an address that is allowed stands in for a password": {[]string{nginx + "whitelist-source-range: 10.0.0.0/8"}, "a: password,anybody; allowed-addresses,password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := convertText(t, guardedIngress("a", "nginx", "a.example.com", "/", append(slices.Clone(basic), tc.more...)...), webService)
			if got := accessOf(r); got != tc.want || len(r.Closed) > 0 {
				t.Errorf("got %s, closed %v, want %s", got, r.Closed, tc.want)
			}
		})
	}
}

func TestACertificateIsAskedForWhateverSatisfySays(t *testing.T) {
	t.Parallel()
	const nginx = "nginx.ingress.kubernetes.io/"
	r := convertText(t, guardedIngress("a", "nginx", "a.example.com", "/", nginx+"auth-tls-secret: shop/ca", nginx+"satisfy: any", nginx+"whitelist-source-range: 10.0.0.0/8"), webService)
	if got, want := accessOf(r), "a: certificate; allowed-addresses"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// rangesOf are the addresses that rules of AccessPolicies allow.
func rangesOf(r *Result) string {
	var out []string
	for _, o := range r.Objects {
		p, is := o.(*v1alpha1.AccessPolicy)
		if !is {
			continue
		}
		for _, u := range p.Spec.Authorization.Rules {
			if u.Allow != nil {
				for _, each := range u.Allow.SourceRanges {
					out = append(out, string(each))
				}
			}
		}
	}
	return strings.Join(out, ",")
}

func TestGuardsOfRequestsThatNobodySeesClose(t *testing.T) {
	t.Parallel()
	const nginx = "nginx.ingress.kubernetes.io/"
	for name, tc := range map[string]struct {
		path   string
		guards []string
		closed string
	}{
		"an allow-list":          {"/", []string{nginx + "whitelist-source-range: 10.0.0.0/8"}, "a"},
		"a rate":                 {"/", []string{nginx + "limit-rps: '5'"}, "a"},
		"nothing that guards":    {"/", nil, ""},
		"a header of requests":   {"/", []string{nginx + "upstream-vhost: in.example.com"}, ""},
		"paths that are not all": {"/open", nil, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := convertText(t, guardedIngress("a", "nginx", "a.example.com", tc.path, append([]string{nginx + "ssl-passthrough: 'true'"}, tc.guards...)...), webService)
			if got := closedOf(r); got != tc.closed {
				t.Errorf("closed are %q, want %q: %s", got, tc.closed, faultOf(r))
			}
		})
	}
}

func TestTwoCredentialsAtOnceAreNotOneOfTwo(t *testing.T) {
	t.Parallel()
	const nginx = "nginx.ingress.kubernetes.io/"
	password := []string{nginx + "auth-type: basic", nginx + "auth-secret: users"}
	for name, tc := range map[string]struct {
		annotations []string
		closed      string
	}{
		"a password and a certificate": {append([]string{nginx + "auth-tls-secret: shop/ca"}, password...), "a"},
		"a password":                   {password, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := convertText(t, guardedIngress("a", "nginx", "a.example.com", "/", tc.annotations...), webService)
			if got := closedOf(r); got != tc.closed {
				t.Errorf("closed are %q, want %q: %s", got, tc.closed, faultOf(r))
			}
		})
	}
}

func TestTLSIsPassedOnToTheServiceOfAllPaths(t *testing.T) {
	t.Parallel()
	ingress := guardedIngress("a", "nginx", "a.example.com", "/", "nginx.ingress.kubernetes.io/ssl-passthrough: 'true'", "nginx.ingress.kubernetes.io/backend-protocol: HTTPS")
	ingress = strings.Replace(ingress, "paths: [", "paths: [{path: /a, pathType: Prefix, backend: {service: {name: other, port: {number: 80}}}}, ", 1)
	r := convertText(t, ingress, webService)
	got := string(written(t, r))
	if _, route, _ := strings.Cut(got, "kind: TLSRoute"); !strings.Contains(route, "name: web\n") || strings.Contains(route, "name: other\n") {
		t.Errorf("got %s", got)
	}
	if report := string(told(r)); !strings.Contains(report, "backend-protocol: equivalent: TLS is passed on") {
		t.Errorf("got %s", report)
	}
}
