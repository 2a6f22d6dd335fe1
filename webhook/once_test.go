// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// carefully is DecodeReview without decodeOnce.
func carefully(t *testing.T, body []byte) Review {
	t.Helper()
	var w wireReview[json.RawMessage]
	if err := json.Unmarshal(body, &w); err != nil {
		t.Fatal(err)
	}
	r, err := w.review()
	if err != nil {
		t.Fatal(err)
	}
	r.Object, r.OldObject = present(w.Request.Object), present(w.Request.OldObject)
	return r
}

func TestDecodingOnceReadsTheSame(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"a creation":                    review("CREATE", "", "v1", "Service", "services", nodePort, ""),
		"an update":                     review("UPDATE", "", "v1", "Service", "services", nodePort, clusterIP),
		"an object without namespace":   review("CREATE", "", "v1", "Pod", "pods", `{"metadata":{"generateName":"web-"},"spec":{"containers":[{"name":"a"}]}}`, ""),
		"names in another case":         review("CREATE", "", "v1", "Service", "services", `{"metadata":{"name":"a"},"Spec":{"type":"NodePort"},"spec":{"Type":"NodePort","type":"ClusterIP"}}`, ""),
		"integers and nulls":            review("CREATE", "", "v1", "Service", "services", `{"metadata":{"name":"a","labels":null},"spec":{"ports":[{"port":80,"targetPort":"x"},{"port":81,"targetPort":8081}]}}`, ""),
		"an empty object":               review("CREATE", "", "v1", "Service", "services", `{}`, `{}`),
		"a type of the gateway's group": review("CREATE", "gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", `{"metadata":{"name":"a"},"spec":{"hostnames":["x.example.com"]}}`, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, once := decodeOnce(body)
			if !once {
				t.Fatal("was not decoded once")
			}
			want := carefully(t, body)
			current, old, err := want.objects()
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(current, got.current); d != "" {
				t.Errorf("object (-careful +once):\n%s", d)
			}
			if d := cmp.Diff(old, got.old); d != "" {
				t.Errorf("old object (-careful +once):\n%s", d)
			}
			want.Object, want.OldObject, got.current, got.old = nil, nil, nil, nil
			if d := cmp.Diff(want, got, cmp.AllowUnexported(Review{})); d != "" {
				t.Errorf("review (-careful +once):\n%s", d)
			}
		})
	}
}

func TestDecodingOnceLeavesTheUnusualToTheCarefulWay(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"no object":                           review("DELETE", "", "v1", "Service", "services", "null", nodePort),
		"an object that is absent":            []byte(strings.Replace(string(review("CREATE", "", "v1", "Service", "services", "null", "")), `"object":null,`, "", 1)),
		"a list as object":                    review("CREATE", "", "v1", "Service", "services", "[]", ""),
		"a kind without a type":               review("CREATE", "traefik.io", "v1alpha1", "IngressRoute", "ingressroutes", "{}", ""),
		"a kind that nobody knows":            review("CREATE", "example.com", "v1", "Thing", "things", "{}", ""),
		"a kind that is told twice":           []byte(strings.Replace(string(review("CREATE", "", "v1", "Service", "services", nodePort, "")), `"operation":`, `"kind":{"group":"","version":"v1","kind":"Pod"},"operation":`, 1)),
		"a kind in another place":             []byte(strings.Replace(string(review("CREATE", "", "v1", "Service", "services", nodePort, "")), `"uid":`, `"x":{"kind":{"group":"","version":"v1","kind":"Pod"}},"uid":`, 1)),
		"a null request":                      []byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","x":{"kind":{"version":"v1","kind":"Pod"}},"request":null}`),
		"a wrong type in the object":          review("CREATE", "", "v1", "Service", "services", `{"spec":{"ports":"all"}}`, ""),
		"an object that nests without bounds": review("CREATE", "", "v1", "Service", "services", strings.Repeat(`{"a":`, 2000)+"1"+strings.Repeat("}", 2000), ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r, once := decodeOnce(body); once {
				t.Errorf("was decoded once, as %+v", r)
			}
		})
	}
}

// TestABufferIsNotReadAfterwards: what a review says must not change when the
// body's buffer is used for the next one.
func TestABufferIsNotReadAfterwards(t *testing.T) {
	t.Parallel()
	body := review("UPDATE", "", "v1", "Service", "services", nodePort, clusterIP)
	want, err := DecodeReview(append([]byte(nil), body...))
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeReview(body)
	if err != nil {
		t.Fatal(err)
	}
	for i := range body {
		body[i] = 'x'
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(Review{})); d != "" {
		t.Errorf("changed:\n%s", d)
	}
}
