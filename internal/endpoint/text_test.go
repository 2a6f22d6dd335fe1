// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatOthersPresentIsNotKnown(t *testing.T) {
	t.Parallel()
	column := slices.Index(Header(), "CERTIFICATE")
	for class, want := range map[string]string{
		"nginx":     "unknown",
		"gatehouse": "unknown (Secret shop/old)",
	} {
		text := strings.NewReplacer("CLASS", class, "  rules:\n", "  tls: [{hosts: [old.example.com], secretName: old}]\n  rules:\n").Replace(twoPaths)
		found := 0
		r := world(t, text).Report()
		for i := range r.Endpoints {
			e := &r.Endpoints[i]
			if e.TLS.State != TLSTerminated {
				continue
			}
			found++
			if got := e.Row(now)[column]; got != want {
				t.Errorf("class %s: the certificate is %q, want %q", class, got, want)
			}
		}
		if found == 0 {
			t.Errorf("class %s: TLS is terminated nowhere", class)
		}
	}
}

func TestOnlyTheGatewayIsKnownToMakeACertificate(t *testing.T) {
	t.Parallel()
	for own, want := range map[bool]string{true: "made by itself, trusted by nobody", false: "unknown"} {
		e := Endpoint{Through: Through{Gateway: own}, TLS: TLS{State: TLSTerminated}}
		if got := e.certificateText(now); got != want {
			t.Errorf("the gateway's own %v: got %q, want %q", own, got, want)
		}
	}
}

func TestWhatIsNotServedIsToldOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ old, new string }{
		"listeners that are in conflict":                       {"  - name: https\n", "  - {name: twin, port: 80, protocol: HTTP}\n  - name: https\n"},
		"a listener whose certificate is of another namespace": {"{name: shop}]}", "{name: shop, namespace: shop}]}"},
	} {
		r := world(t, strings.Replace(shop, tc.old, tc.new, 1)).Report()
		told := map[NotServed]int{}
		listeners := 0
		for _, n := range r.NotServed {
			if told[n]++; told[n] > 1 {
				t.Errorf("%s: told again: %s", name, n.String())
			}
			if n.Kind == "Gateway" && n.Part != "" {
				listeners++
			}
		}
		if listeners == 0 || r.Summary.NotServed != len(r.NotServed) {
			t.Errorf("%s: %d of listeners, %d counted of %v", name, listeners, r.Summary.NotServed, r.NotServed)
		}
	}
}
