// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"strings"
	"testing"
)

func TestAServiceWhoseAnnotationsAreNotKnownCloses(t *testing.T) {
	t.Parallel()
	for class, want := range map[string]string{"kong": "a", "traefik": "a", "alb": "a", "gce": "a", "nginx": "", "azure/application-gateway": ""} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			ingress := guardedIngress("a", class, "a.example.com", "/")
			if got := closedOf(convertText(t, ingress)); got != want {
				t.Errorf("without the Service closed are %q, want %q", got, want)
			}
			if r := convertText(t, ingress, webService); len(r.Closed) > 0 {
				t.Errorf("with the Service: %s", faultOf(r))
			}
			for _, l := range convertText(t, ingress).Lines {
				if l.Closes && !strings.Contains(l.Message, "Service shop/web is not in the input") {
					t.Error(fmt.Sprint(l))
				}
			}
		})
	}
}

func TestAServiceOfAnActionIsReadAsOthersAre(t *testing.T) {
	t.Parallel()
	const alb = "alb.ingress.kubernetes.io/"
	action := alb + `actions.web: '{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"orders","servicePort":80}]}}'`
	service := func(annotations string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: orders, namespace: shop, annotations: {%s}}\nspec: {ports: [{name: http, port: 80}]}\n", annotations)
	}
	for name, tc := range map[string]struct {
		more  []string
		fault string
	}{
		"it is not in the input": {nil, "Service shop/orders is not in the input"},
		"its users log in":       {[]string{service(alb + "auth-type: oidc")}, "the gateway logs nobody in"},
		"it asks for nothing":    {[]string{service("")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := convertText(t, append([]string{guardedIngress("a", "alb", "a.example.com", "/", action)}, tc.more...)...)
			if got := faultOf(r); tc.fault == "" && got != "" || !strings.Contains(got, tc.fault) {
				t.Errorf("got %q, want %q", got, tc.fault)
			}
		})
	}
	r := convertText(t, guardedIngress("a", "alb", "a.example.com", "/", action), service(alb+"backend-protocol: HTTPS"))
	if got := string(written(t, r)); !strings.Contains(got, "kind: BackendTLSPolicy") || !strings.Contains(got, "name: orders\n") {
		t.Errorf("its pods are spoken to in clear: %s", got)
	}
}
