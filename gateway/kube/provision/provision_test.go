// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

var update = flag.Bool("update", false, "rewrite the objects in testdata")

func quantity(t *testing.T, s string) *resource.Quantity {
	t.Helper()
	q := resource.MustParse(s)
	return &q
}

func options() *Options {
	return &Options{Image: "registry.example/gatehouse-gateway:v1", Control: "gatehouse-gateway.gatehouse-system.svc:9443", Controller: "example.com/own", Audience: "gatehouse.sh/gateway", Metrics: 19090}
}

func TestTheObjectsOfAGateway(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]*Gateway{
		"by-default": {
			Namespace: "shop", Name: "edge", Class: "gatehouse", UID: "u-1", Bundle: []byte("PEM\n"), Address: "192.0.2.7",
			Ports:  []Port{{Number: 80}, {Number: 443}, {Number: 443, Datagrams: true}},
			Labels: map[string]string{"team": "shop", MarkLabel: "another"}, Annotations: map[string]string{"lb.example/kind": "inner", ControllerAnnotation: "another"},
		},
		"kept": {Namespace: "shop", Name: "edge", Class: "inner", UID: "u-1", Bundle: []byte("PEM\n"), Keep: true},
		"with-parameters": {
			Namespace: "shop", Name: "edge", Class: "inner", UID: "u-1", Bundle: []byte("PEM\n"),
			Parameters: &v1alpha1.GatewayParametersSpec{
				Service: v1alpha1.GatewayService{Type: "ClusterIP"}, Replicas: v1alpha1.GatewayReplicas{Min: new(int32(3)), Max: new(int32(3))},
				Resources: v1alpha1.GatewayResources{CPU: quantity(t, "1"), Memory: quantity(t, "1Gi")},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := Objects(g, options())
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for _, o := range all {
				text, err := yaml.JSONToYAML(o.Body)
				if err != nil {
					t.Fatal(err)
				}
				got.WriteString("---\n# " + o.Path(g.Namespace) + "\n" + string(text))
			}
			file := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", &got, want)
			}
		})
	}
}

func TestNamesAreThoseOfServicesAndOfOneGatewayEach(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	long := strings.Repeat("a", 253)
	for gateway, want := range map[string]string{
		"edge": "edge-gatehouse", "edge.shop": "edge-shop-", "edge-shop": "edge-shop-gatehouse", "1st": "g1st-", "g1st": "g1st-gatehouse",
		long: strings.Repeat("a", 40), long[1:]: strings.Repeat("a", 40), long[:53]: long[:53] + suffix, long[:54]: strings.Repeat("a", 40),
	} {
		got := Name(gateway)
		if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, suffix) || len(got) > maxName || strings.Contains(got, ".") {
			t.Errorf("%s: got %s", gateway, got)
		}
		if other, is := seen[got]; is {
			t.Errorf("%s and %s are both %s", gateway, other, got)
		}
		seen[got] = gateway
	}
}
