// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestNoObjectIsTooLargeToAnswerInTime pairs each bound with the nearest object
// within it. What is beyond is refused before it is decoded.
func TestNoObjectIsTooLargeToAnswerInTime(t *testing.T) {
	t.Parallel()
	service := func(spec string) string { return `{"metadata":{"name":"web"},"spec":{` + spec + `}}` }
	list := func(n int) string { return strings.TrimSuffix(strings.Repeat(`"10.0.0.0/16",`, n), ",") }
	wide := func(n int) string { return strings.TrimSuffix(strings.Repeat(`{"name":[1,2,3,4,5,6,7,8]},`, n), ",") }
	nested := func(n int) string { return strings.Repeat(`{"a":[`, n) + strings.Repeat(`]}`, n) }
	for name, tc := range map[string]struct {
		object string
		says   string // empty: judged
	}{
		"a list as long as may be":          {service(`"loadBalancerSourceRanges":[` + list(usual.entries) + `]`), ""},
		"a list that is longer":             {service(`"loadBalancerSourceRanges":[` + list(usual.entries+1) + `]`), "more than 2000 entries"},
		"entries in all as many as may be":  {service(`"x":[` + wide(1_999) + `]`), ""},
		"entries in all that are more":      {service(strings.Repeat(`"x":[`+wide(1_000)+`],`, 5) + `"y":[` + wide(1_000) + `]`), "more than 50000 entries in all"},
		"a deep object":                     {service(`"x":` + nested(inventory.MaxDepth/2-1)), ""},
		"a deeper one":                      {service(`"x":` + nested(inventory.MaxDepth/2)), "nests deeper than 512"},
		"commas and brackets inside a text": {service(`"externalName":"a` + strings.Repeat(`\\\",{[`, usual.entries) + `"`), ""},
		"a text that does not end":          {`{"metadata":{"name":"` + strings.Repeat(`,`, usual.entries*2), "decode AdmissionReview"},
		"ends without beginnings":           {strings.Repeat("]}", usual.entries), "decode AdmissionReview"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got := handler(t, Validator{engine(t)}).answer(t.Context(), review("CREATE", "", "v1", "Service", "services", tc.object, ""))
			if got.Allowed != (tc.says == "") || !strings.Contains(got.Message, tc.says) {
				t.Errorf("allowed %v: %.300s", got.Allowed, got.Message)
			}
		})
	}
	t.Run("a NetworkPolicy of many networks is judged", func(t *testing.T) {
		t.Parallel()
		object := `{"metadata":{"name":"web"},"spec":{"podSelector":{},"egress":[{"to":[` + strings.TrimSuffix(strings.Repeat(`{"ipBlock":{"cidr":"10.0.0.0/16"}},`, 9_000), ",") + `]}]}}`
		_, got := handler(t, Validator{engine(t)}).answer(t.Context(), review("CREATE", "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", object, ""))
		if !got.Allowed {
			t.Error(got.Message)
		}
	})
	t.Run("an object that was too large can be made smaller", func(t *testing.T) {
		t.Parallel()
		old := service(`"loadBalancerSourceRanges":[` + list(usual.entries+1) + `]`)
		for object, allowed := range map[string]bool{clusterIP: true, nodePort: false} {
			_, got := handler(t, Validator{engine(t)}).answer(t.Context(), review("UPDATE", "", "v1", "Service", "services", object, old))
			if got.Allowed != allowed {
				t.Errorf("allowed %v: %s", got.Allowed, got.Message)
			}
		}
	})
}

func BenchmarkBounded(b *testing.B) {
	data := []byte(`{"a":[` + strings.TrimSuffix(strings.Repeat(`{"name":"web-1","number":80},`, 1_999), ",") + `]}`)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := bounded(data); err != nil {
			b.Fatal(err)
		}
	}
}
