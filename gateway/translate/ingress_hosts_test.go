// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
)

// TestWhatIsSaidOfTLSForAHost is found as by who reads all of it: first the host, then what
// covers it, then what is for all.
func TestWhatIsSaidOfTLSForAHost(t *testing.T) {
	t.Parallel()
	read := func(i *networkingv1.Ingress, host string) *networkingv1.IngressTLS {
		for _, fits := range []func(string) bool{
			func(h string) bool { return hostOf(h) == host },
			func(h string) bool { return h != "" && host != "*" && covers(hostOf(h), host) },
		} {
			for n := range i.Spec.TLS {
				if slices.ContainsFunc(i.Spec.TLS[n].Hosts, fits) {
					return &i.Spec.TLS[n]
				}
			}
		}
		for n := range i.Spec.TLS {
			if len(i.Spec.TLS[n].Hosts) == 0 {
				return &i.Spec.TLS[n]
			}
		}
		return nil
	}
	words := []string{"", "*", "a.example.com", "A.example.com", "*.example.com", "b.a.example.com", "*.a.example.com", "example.com", "*.com", "com"}
	found := 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		i := &networkingv1.Ingress{}
		for range r.IntN(4) {
			entry := networkingv1.IngressTLS{}
			for range r.IntN(3) {
				entry.Hosts = append(entry.Hosts, words[r.IntN(len(words))])
			}
			i.Spec.TLS = append(i.Spec.TLS, entry)
		}
		all := tlsHostsOf(i)
		for _, w := range words {
			got, want := all.of(hostOf(w)), read(i, hostOf(w))
			if got != want {
				t.Fatalf("%v: %s", i.Spec.TLS, w)
			}
			if got != nil {
				found++
			}
		}
	}
	if found < 1000 {
		t.Errorf("%d are found", found)
	}
}

// TestWhoHadAHostBefore is found as by who looks at all: somebody of another namespace who
// is older, if there is one.
func TestWhoHadAHostBefore(t *testing.T) {
	t.Parallel()
	l := &listener{}
	found := 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		var routes []*route
		all := shared{}
		for n := range 1 + r.IntN(6) {
			own := &route{of: httpRouteKind, name: Name{Namespace: []string{"a", "b", "c"}[r.IntN(3)], Name: fmt.Sprint(n)}, created: time.Unix(int64(r.IntN(3)), 0)}
			own.parents = []*parent{{at: []attachment{{l, []string{[]string{"x", "y"}[r.IntN(2)]}}}}}
			routes = append(routes, own)
			all.add(own)
		}
		for _, own := range routes {
			want := slices.ContainsFunc(routes, func(other *route) bool {
				return other.name.Namespace != own.name.Namespace && older(other, own) == other && other.parents[0].at[0].hosts[0] == own.parents[0].at[0].hosts[0]
			})
			got := all.before(own, func(a attachment) string { return a.hosts[0] })
			if (got != nil) != want || got != nil && (got.name.Namespace == own.name.Namespace || older(got, own) != got) {
				t.Fatalf("seed %d: %v has %v before it, %t", seed, own.name, got, want)
			}
			if want {
				found++
			}
		}
	}
	if found < 500 {
		t.Errorf("%d had somebody before them", found)
	}
}

// TestPathsOfAnIngressAreBounded, with those of its aliases: what has more answers 503 and
// no more rules than hosts.
func TestPathsOfAnIngressAreBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		aliases, paths int
		told           string
		rules          int
		served         bool
	}{
		"as many names as may be":   {aliases: maxAliases, paths: 2, rules: 2 * (maxAliases + 1), served: true},
		"a name more":               {aliases: maxAliases + 1, paths: 2, told: "UnsupportedAnnotation", rules: 2, served: true},
		"as many paths as may be":   {aliases: 9, paths: maxPaths / 10, rules: maxPaths, served: true},
		"a path more for each host": {aliases: 9, paths: maxPaths/10 + 1, told: "TooManyPaths", rules: 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var aliases []string
			for n := range tc.aliases {
				aliases = append(aliases, fmt.Sprintf("a%d.example.com", n))
			}
			o := read(t, []byte(ourClass+"---\napiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: shop}\nspec: {ports: [{port: 80}]}\n"+annotated("a", "/", map[string]string{"server-alias": strings.Join(aliases, ",")})))
			http := o.Ingresses[0].Spec.Rules[0].HTTP
			for n := 1; n < tc.paths; n++ {
				own := *http.Paths[0].DeepCopy()
				own.Path = fmt.Sprintf("/p%d", n)
				http.Paths = append(http.Paths, own)
			}
			r := Translate(o, options)
			s := r.Snapshots[Builtin("gatehouse")]
			if s == nil || len(s.Routes) != tc.rules || (s.Routes[0].Backends[0].Name != "") != tc.served {
				t.Fatalf("%+v", r.Events)
			}
			if told := slices.ContainsFunc(r.Events, func(e Event) bool { return e.Reason == tc.told }); told != (tc.told != "") || len(r.Events) > 1 {
				t.Errorf("%+v", r.Events)
			}
		})
	}
}

// BenchmarkHostsOfOneIngress translates one Ingress with so many hosts, each with an entry
// of TLS and an expression.
func BenchmarkHostsOfOneIngress(b *testing.B) {
	for _, n := range []int{1000, 4000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			o := read(b, []byte(ourClass+"---\napiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: shop}\nspec: {ports: [{port: 80}]}\n"+annotated("a", "/x.*", map[string]string{"use-regex": "true"})))
			i := o.Ingresses[0]
			first := i.Spec.Rules[0]
			first.HTTP.Paths[0].PathType = new(networkingv1.PathTypeImplementationSpecific)
			i.Spec.Rules = nil
			for k := range n {
				own := *first.DeepCopy()
				own.Host = fmt.Sprintf("h%d.example.com", k)
				i.Spec.Rules, i.Spec.TLS = append(i.Spec.Rules, own), append(i.Spec.TLS, tlsFor(own.Host))
			}
			for b.Loop() {
				if s := Translate(o, options).Snapshots[Builtin("gatehouse")]; len(s.Routes) < n {
					b.Fatal(len(s.Routes))
				}
			}
		})
	}
}
