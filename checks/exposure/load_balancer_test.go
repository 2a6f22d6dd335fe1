// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// input is what a check is given about a Service under the default parameters.
func input(svc *corev1.Service) checks.Input {
	return checks.Input{Object: svc, Inventory: inventory.New().With(svc), Parameters: checks.DefaultParameters()}
}

// service makes a Service of namespace shop.
func service(spec corev1.ServiceSpec) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, Spec: spec}
}

// subjects lists the subjects of findings, those that are undetermined marked
// with "?".
func subjects(findings []checks.Finding) string {
	var out []string
	for _, f := range findings {
		s := f.Subject
		if f.Certainty == checks.Undetermined {
			s += "?"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestRangePrefixes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"a network":                         {"10.0.0.0/24", "10.0.0.0/24"},
		"a network with host bits":          {"10.0.0.9/24", "10.0.0.0/24"},
		"a range that is one network":       {"10.0.0.0-10.0.0.255", "10.0.0.0/24"},
		"a range with spaces":               {" 10.0.0.1 - 10.0.0.2 ", "10.0.0.1/32 10.0.0.2/32"},
		"a range over several networks":     {"10.0.0.10-10.0.0.20", "10.0.0.10/31 10.0.0.12/30 10.0.0.16/30 10.0.0.20/32"},
		"one address":                       {"10.0.0.9-10.0.0.9", "10.0.0.9/32"},
		"every IPv4 address":                {"0.0.0.0-255.255.255.255", "0.0.0.0/0"},
		"a range of IPv6":                   {"fd00::-fd00::ffff", "fd00::/112"},
		"the last IPv6 address":             {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
		"IPv4 written as IPv6":              {"::ffff:10.0.0.0-::ffff:10.0.0.1", "10.0.0.0/31"},
		"a range backwards is not read":     {"10.0.0.9-10.0.0.1", "invalid Prefix"},
		"a range of two families is not":    {"10.0.0.1-fd00::1", "invalid Prefix"},
		"a range with a zone is not":        {"fe80::1%eth0-fe80::2%eth0", "invalid Prefix"},
		"an address without length is not":  {"10.0.0.9", "invalid Prefix"},
		"a range without an end is not":     {"10.0.0.1-", "invalid Prefix"},
		"a range with leading zeros is not": {"010.0.0.1-010.0.0.2", "invalid Prefix"},
		"nothing is not":                    {"", "invalid Prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range rangePrefixes(tc.text) {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzRangePrefixes(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/24", "10.0.0.10-10.0.0.20", "0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "1-2", "-", "::ffff:1.2.3.4-1.2.3.9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		prefixes := rangePrefixes(text)
		if len(prefixes) == 0 || len(prefixes) > 254 {
			t.Fatalf("%d prefixes of %q", len(prefixes), text)
		}
		var before netip.Addr
		for i, p := range prefixes {
			if !p.IsValid() {
				if len(prefixes) > 1 {
					t.Fatalf("%q is partly read: %v", text, prefixes)
				}
				continue
			}
			if i > 0 && before.Next() != p.Addr() {
				t.Fatalf("%q leaves a gap before %s", text, p)
			}
			before = lastAddress(p)
		}
	})
}

// TestClean says that Services without a fault cost next to nothing: what one
// allocates, every admission pays.
func TestClean(t *testing.T) {
	set, err := checks.NewSet(serviceChecks()...)
	if err != nil {
		t.Fatal(err)
	}
	plain := corev1.ServiceSpec{
		Type: corev1.ServiceTypeClusterIP, Selector: map[string]string{"app": "web"},
		Ports: []corev1.ServicePort{{Port: 80}},
	}
	annotated := service(plain)
	annotated.Annotations = map[string]string{"prometheus.io/scrape": "true", "example.com/owner": "shop"}
	for name, svc := range map[string]*corev1.Service{"without annotations": service(plain), "with annotations": annotated} {
		for update, old := range map[string]inventory.Object{"created": nil, "updated": service(plain)} {
			in := input(svc)
			in.Old = old
			if got := set.Evaluate(in); len(got) > 0 {
				t.Fatalf("%s, %s: %v", name, update, got)
			}
			if n := testing.AllocsPerRun(100, func() { set.Evaluate(in) }); n > 0 {
				t.Errorf("%s, %s: %v allocations", name, update, n)
			}
		}
	}
}
