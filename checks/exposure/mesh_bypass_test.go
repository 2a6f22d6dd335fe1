// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestMeshValuesAreReadAsTheMeshDoes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		key, value string
		label      bool
		want       int
	}{
		"Istio: false":                            {"sidecar.istio.io/inject", "false", false, 1},
		"Istio: a word that is not true":          {"sidecar.istio.io/inject", "disabled", false, 1},
		"Istio: true with a blank is not true":    {"sidecar.istio.io/inject", "true ", false, 1},
		"Istio: YES is true":                      {"sidecar.istio.io/inject", "YES", false, 0},
		"Istio: empty is the namespace's default": {"sidecar.istio.io/inject", "", true, 0},
		"Istio: no port is captured":              {"traffic.sidecar.istio.io/includeInboundPorts", "", false, 1},
		"Istio: every port is captured":           {"traffic.sidecar.istio.io/includeInboundPorts", "*", false, 0},
		"Istio: no interception":                  {"sidecar.istio.io/interceptionMode", "NONE", false, 1},
		"Istio: REDIRECT intercepts":              {"sidecar.istio.io/interceptionMode", "REDIRECT", false, 0},
		"ambient: the label takes part":           {"istio.io/dataplane-mode", "ambient", true, 0},
		"ambient: an annotation says nothing":     {"istio.io/dataplane-mode", "none", false, 0},
		"Linkerd: enabled":                        {"linkerd.io/inject", "enabled", false, 0},
		"Linkerd: a label says nothing":           {"linkerd.io/inject", "disabled", true, 0},
		"Consul: false":                           {"consul.hashicorp.com/connect-inject", "false", false, 1},
		"Kuma: disabled":                          {"kuma.io/sidecar-injection", "disabled", true, 1},
		"Kuma: enabled":                           {"kuma.io/sidecar-injection", "enabled", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := &corev1.Pod{}
			if tc.label {
				pod.Labels = map[string]string{tc.key: tc.value}
			} else {
				pod.Annotations = map[string]string{tc.key: tc.value}
			}
			got := meshBypass().Run(checks.Input{Object: pod, Inventory: inventory.New(pod), Parameters: checks.DefaultParameters()})
			if len(got) != tc.want {
				t.Errorf("findings = %v, want %d", got, tc.want)
			}
		})
	}
}

func TestGatewayMarksMayNotGo(t *testing.T) {
	t.Parallel()
	all := map[string]string{"gatehouse.sh/gateway": "gatehouse-system/gatehouse", tlsAnnotation: "redirect", exposeAnnotation: "a.example.com", keepNodePorts: "", "example.com/x": "1"}
	without := func(keys ...string) map[string]string {
		out := maps.Clone(all)
		for _, k := range keys {
			delete(out, k)
		}
		return out
	}
	for name, tc := range map[string]struct {
		before, after map[string]string
		want          int
	}{
		"nothing changes":               {all, all, 0},
		"the gateway goes":              {all, without("gatehouse.sh/gateway"), 1},
		"the redirect goes":             {all, without(tlsAnnotation), 1},
		"the object is withdrawn":       {all, without(tlsAnnotation, exposeAnnotation), 0},
		"an annotation of others goes":  {all, without("example.com/x"), 0},
		"an exception is withdrawn":     {all, without(keepNodePorts), 0},
		"everything goes":               {all, nil, 1},
		"an annotation comes":           {without("gatehouse.sh/gateway"), all, 0},
		"what was empty is not removed": {map[string]string{"gatehouse.sh/gateway": ""}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old, now := &corev1.Service{}, &corev1.Service{}
			old.Annotations, now.Annotations = tc.before, tc.after
			in := checks.Input{Object: now, Old: old, Parameters: checks.DefaultParameters()}
			if got := removedGatewayMarks(in); len(got) != tc.want {
				t.Errorf("findings = %v, want %d", got, tc.want)
			}
		})
	}
}

func TestLoopbackAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"127.0.0.1": true, "127.8.8.8": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "localhost": false, "127.1": false,
	} {
		if got := loopback(address); got != want {
			t.Errorf("loopback(%q) = %v, want %v", address, got, want)
		}
	}
}
