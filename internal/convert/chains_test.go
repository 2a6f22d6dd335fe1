// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"strings"
	"testing"
)

func middlewareText(name, spec string) string {
	return fmt.Sprintf("apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: %s, namespace: shop}\nspec: %s\n", name, spec)
}

// faultOf is what is said by the lines that close something.
func faultOf(r *Result) string {
	var out []string
	for _, l := range r.Lines {
		if l.Closes {
			out = append(out, l.Name+": "+l.Message)
		}
	}
	return strings.Join(out, "\n")
}

func TestOfTwoMiddlewaresOfAKindNoneIsLost(t *testing.T) {
	t.Parallel()
	const router = "traefik.ingress.kubernetes.io/router.middlewares: shop-a@kubernetescrd,shop-b@kubernetescrd"
	for name, tc := range map[string]struct{ a, b, fault string }{
		"two lists of addresses":      {"{ipAllowList: {sourceRange: [10.0.0.0/8]}}", "{ipAllowList: {sourceRange: [10.1.0.0/16]}}", "on another list as well"},
		"one list twice":              {"{ipAllowList: {sourceRange: [10.0.0.0/8]}}", "{ipAllowList: {sourceRange: [10.0.0.0/8]}}", ""},
		"two services that are asked": {`{forwardAuth: {address: "http://who.shop.svc/"}}`, `{forwardAuth: {address: "http://may.shop.svc/"}}`, "a service is asked twice"},
		"one service twice":           {`{forwardAuth: {address: "http://who.shop.svc/"}}`, `{forwardAuth: {address: "http://who.shop.svc/"}}`, ""},
		"passwords of two Secrets":    {"{basicAuth: {secret: users}}", "{basicAuth: {secret: admins}}", "a password is asked for twice"},
		"passwords and addresses":     {"{basicAuth: {secret: users}}", "{ipAllowList: {sourceRange: [10.0.0.0/8]}}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := convertText(t, guardedIngress("a", "traefik", "a.example.com", "/", router), webService, middlewareText("a", tc.a), middlewareText("b", tc.b))
			if got := faultOf(r); tc.fault == "" && got != "" || !strings.Contains(got, tc.fault) {
				t.Errorf("got %q, want %q", got, tc.fault)
			}
		})
	}
}

func TestAPluginOfTheIngressIsInThePlaceOfItsService(t *testing.T) {
	t.Parallel()
	plugin := func(name, allow string) string {
		return fmt.Sprintf("apiVersion: configuration.konghq.com/v1\nkind: KongPlugin\nmetadata: {name: %s, namespace: shop}\nplugin: ip-restriction\nconfig: {allow: [%s]}\n", name, allow)
	}
	service := strings.Replace(webService, "namespace: shop", `namespace: shop, annotations: {konghq.com/plugins: wide}`, 1)
	for name, tc := range map[string]struct {
		of, ranges, fault string
	}{
		"a plugin of the Ingress":      {"konghq.com/plugins: few", "10.0.0.0/8", ""},
		"two of a kind on the Ingress": {"konghq.com/plugins: few,wide", "", "Kong has one of a kind"},
		"none on the Ingress":          {"konghq.com/preserve-host: 'true'", "192.0.2.0/24", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := convertText(t, guardedIngress("a", "kong", "a.example.com", "/", tc.of), service, plugin("few", "10.0.0.0/8"), plugin("wide", "192.0.2.0/24"))
			if got := faultOf(r); tc.fault == "" && got != "" || !strings.Contains(got, tc.fault) {
				t.Errorf("got %q, want %q", got, tc.fault)
			}
			if got := rangesOf(r); got != tc.ranges {
				t.Errorf("got %q, want %q", got, tc.ranges)
			}
		})
	}
}

func TestNamesThatMultiplyAreBounded(t *testing.T) {
	t.Parallel()
	t.Run("conditions of a load balancer", func(t *testing.T) {
		t.Parallel()
		of := func(n int) string {
			one := `{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"X-A","values":["a","b"]}}`
			list := strings.TrimSuffix(strings.Repeat(one+",", n), ",")
			r := convertText(t, guardedIngress("a", "alb", "a.example.com", "/", "alb.ingress.kubernetes.io/conditions.web: '["+list+"]'"), webService)
			return faultOf(r)
		}
		if got := of(30); !strings.Contains(got, "more than 64 ways") {
			t.Errorf("got %q", got)
		}
		if got := of(6); got != "" {
			t.Errorf("of 64 ways: %q", got)
		}
	})
	t.Run("chains", func(t *testing.T) {
		t.Parallel()
		of := func(wide int) string {
			documents := []string{guardedIngress("a", "traefik", "a.example.com", "/", "traefik.ingress.kubernetes.io/router.middlewares: shop-m0@kubernetescrd"), webService}
			for i := range 7 {
				link := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("{name: m%d},", i+1), wide), ",")
				documents = append(documents, middlewareText(fmt.Sprintf("m%d", i), "{chain: {middlewares: ["+link+"]}}"))
			}
			return faultOf(convertText(t, append(documents, middlewareText("m7", "{compress: {}}"))...))
		}
		if got := of(50); !strings.Contains(got, "more than 128 Middlewares") {
			t.Errorf("got %q", got)
		}
		if got := of(1); got != "" {
			t.Errorf("of 8 Middlewares: %q", got)
		}
	})
}
