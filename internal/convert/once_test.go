// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"strings"
	"testing"
)

func TestAServiceTakesNoGuardFromItsIngress(t *testing.T) {
	t.Parallel()
	const nginx, alb = "nginx.ingress.kubernetes.io/", "alb.ingress.kubernetes.io/"
	either := []string{nginx + "whitelist-source-range: 10.0.0.0/8", nginx + "auth-type: basic", nginx + "auth-secret: users"}
	for name, tc := range map[string]struct {
		class   string
		ingress []string
		service string
		access  string
		ranges  string
		fault   string
	}{
		"another list of addresses of nginx":   {"nginx", []string{nginx + "whitelist-source-range: 10.0.0.0/8"}, nginx + "whitelist-source-range: 0.0.0.0/0", "a: anybody; allowed-addresses", "10.0.0.0/8", ""},
		"satisfy of nginx":                     {"nginx", either, nginx + "satisfy: any", "a: password; allowed-addresses", "10.0.0.0/8", ""},
		"another list of addresses of AWS":     {"alb", []string{alb + "inbound-cidrs: 10.0.0.0/8"}, alb + "inbound-cidrs: 0.0.0.0/0", "", "", "on another list as well"},
		"the same list of addresses of AWS":    {"alb", []string{alb + "inbound-cidrs: 10.0.0.0/8"}, alb + "inbound-cidrs: 10.0.0.0/8", "a: anybody; allowed-addresses", "10.0.0.0/8", ""},
		"a list of addresses of AWS by itself": {"alb", nil, alb + "inbound-cidrs: 10.0.0.0/8", "a: anybody; allowed-addresses", "10.0.0.0/8", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := strings.Replace(webService, "namespace: shop", `namespace: shop, annotations: {"`+strings.Replace(tc.service, ": ", `": "`, 1)+`"}`, 1)
			r := convertText(t, guardedIngress("a", tc.class, "a.example.com", "/", tc.ingress...), service)
			if got := faultOf(r); tc.fault == "" && got != "" || !strings.Contains(got, tc.fault) {
				t.Errorf("got fault %q, want %q", got, tc.fault)
			}
			if got := accessOf(r); got != tc.access {
				t.Errorf("got %q, want %q", got, tc.access)
			}
			if got := rangesOf(r); got != tc.ranges {
				t.Errorf("got %q, want %q", got, tc.ranges)
			}
		})
	}
}

func TestOfTwoBoundsTheLeastHolds(t *testing.T) {
	t.Parallel()
	const router = "traefik.ingress.kubernetes.io/router.middlewares: shop-a@kubernetescrd,shop-b@kubernetescrd"
	for name, tc := range map[string]struct {
		a, b  string
		has   []string
		fault string
	}{
		"of requests under way": {"{inFlightReq: {amount: 3}}", "{inFlightReq: {amount: 300}}", []string{"requests: 3\n"}, ""},
		"of bodies":             {"{buffering: {maxRequestBodyBytes: 7}}", "{buffering: {maxRequestBodyBytes: 70}}", []string{"bodyBytes: 7\n"}, ""},
		"rates hold both":       {"{rateLimit: {average: 3}}", "{rateLimit: {average: 300}}", []string{"name: requests\n", "name: requests-2\n"}, ""},
		"origins of browsers":   {"{headers: {accessControlAllowOriginList: [\"https://a.example.com\"]}}", "{headers: {accessControlAllowOriginList: [\"*\"]}}", nil, "CORS is said twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := convertText(t, guardedIngress("a", "traefik", "a.example.com", "/", router), webService, middlewareText("a", tc.a), middlewareText("b", tc.b))
			if got := faultOf(r); tc.fault == "" && got != "" || !strings.Contains(got, tc.fault) {
				t.Errorf("got fault %q, want %q", got, tc.fault)
			}
			for _, want := range tc.has {
				if got := string(written(t, r)); !strings.Contains(got, want) {
					t.Errorf("there is no %q in %s", want, got)
				}
			}
		})
	}
}
