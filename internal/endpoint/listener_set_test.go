// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"slices"
	"strings"
	"testing"
)

const setRoute = `
---
kind: ListenerSet
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: more, namespace: shop}
spec:
  parentRef: {name: edge, namespace: gatehouse-system}
  listeners:
  - {name: side, port: 8081, protocol: HTTP}
  - {name: taken, port: 80, protocol: HTTP}
  - {name: own, port: 80, protocol: HTTP, hostname: own.example.com}
---
kind: HTTPRoute
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: side, namespace: shop}
spec:
  parentRefs: [{kind: ListenerSet, name: more, sectionName: side}]
  rules: [{backendRefs: [{name: orders, port: 80}]}]
`

// taking has the Gateway of shop take ListenerSets.
func taking(from string) string {
	return strings.Replace(shop, "  gatewayClassName: gatehouse\n", "  gatewayClassName: gatehouse\n  allowedListeners: {namespaces: {from: "+from+"}}\n", 1) + strings.TrimPrefix(setRoute, "\n")
}

func TestWhatIsServedAtAListenerSetIsAnEndpoint(t *testing.T) {
	t.Parallel()
	const want = "http://*:8081 | Gateway gatehouse-system/edge | backends | none | none | unknown | orders: none"
	for from, there := range map[string]bool{"All": true, "Same": false} {
		r := world(t, taking(from)).Report()
		i := slices.IndexFunc(r.Endpoints, func(e Endpoint) bool { return line(&e) == want })
		if (i >= 0) != there {
			var got []string
			for k := range r.Endpoints {
				got = append(got, line(&r.Endpoints[k]))
			}
			t.Fatalf("from %s: got\n%s", from, strings.Join(got, "\n"))
		}
		var faults []string
		for _, n := range r.NotServed {
			faults = append(faults, n.String())
		}
		text := strings.Join(faults, "\n")
		if there {
			if got := r.Endpoints[i].Listener.Name; got != "shop/more/side" {
				t.Errorf("it is at listener %s", got)
			}
			if !slices.ContainsFunc(r.Fails([]string{"unauthenticated"}), func(f string) bool { return strings.Contains(f, ":8081") }) {
				t.Error("nothing says that it is open to everybody")
			}
			if !strings.Contains(text, "ListenerSet shop/more listener taken: HostnameConflict") {
				t.Errorf("not served:\n%s", text)
			}
		} else if !strings.Contains(text, "ListenerSet shop/more: NotAllowed") {
			t.Errorf("not served:\n%s", text)
		}
	}
}

func TestARequestIsExplainedAtTheListenerOfASet(t *testing.T) {
	t.Parallel()
	w := world(t, taking("All"))
	for _, tc := range []struct {
		host string
		port int
		want string
	}{
		{"any.example.com", 8081, "shop/more/side"},
		{"own.example.com", 80, "shop/more/own"},
		{"other.example.com", 80, "http"},
	} {
		trace, err := w.Explain(&Question{Host: tc.host, Target: "/", Port: tc.port})
		if err != nil || len(trace.Answers) != 1 {
			t.Fatalf("%s: %v, %+v", tc.host, err, trace)
		}
		if got := trace.Answers[0].Listener.Name; got != tc.want {
			t.Errorf("%s:%d is asked of listener %s, want %s", tc.host, tc.port, got, tc.want)
		}
	}
}
