// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample is a snapshot without faults that has what routes and backends name.
func sample() *Snapshot {
	s := &Snapshot{
		Listeners: []Listener{
			{Name: "a", Address: netip.MustParseAddrPort("[::]:80"), Protocol: HTTP},
			{Name: "b", Address: netip.MustParseAddrPort("[::]:81"), Protocol: HTTP},
		},
		Certificates:    []Certificate{{Name: "shown", Cert: []byte{0}}},
		TrafficPolicies: []TrafficPolicy{{Name: "slow", Unresolved: "nobody knows"}},
		AccessPolicies:  []AccessPolicy{{Name: "closed", Unresolved: "nobody knows", Authentication: Authentication{AnyOf: []Authenticator{{Name: "nobody", Anonymous: &Anonymous{}}}}, Authorization: Authorization{Rules: []AccessRule{{Name: "nothing", Deny: &Condition{}}}}}},
	}
	for i := range 4 {
		s.Backends = append(s.Backends, Backend{Name: fmt.Sprintf("to-%d", i), Endpoints: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:80")}})
		s.Routes = append(s.Routes, Route{
			Name: fmt.Sprintf("r-%d", i), Listeners: []string{"a", "b"}[i%2 : i%2+1], Hosts: []string{fmt.Sprintf("h%d.example.com", i)},
			Matches: []Match{{Path: PathMatch{Prefix: "/"}, Headers: []ValueMatch{{Name: "X-A", Regex: "a+"}}}},
			Target:  Target{Backends: []Weighted{{Name: fmt.Sprintf("to-%d", i)}}, Mirrors: []Mirror{{Backend: fmt.Sprintf("to-%d", (i+1)%4)}}},
		})
	}
	s.Backends[0].Protocol, s.Backends[0].TLS = "h2", &BackendTLS{ServerName: "to.example.com", ClientCertificate: "shown"}
	s.Routes[0].Traffic, s.Routes[1].Access = []string{"slow"}, []string{"closed"}
	return s
}

// edits are what may become of a snapshot, of which nothing is shared with another one's.
var edits = map[string]func(s *Snapshot, r *rand.Rand){
	"nothing":                         func(*Snapshot, *rand.Rand) {},
	"a route is gone":                 func(s *Snapshot, _ *rand.Rand) { s.Routes = slices.Delete(s.Routes, 0, min(1, len(s.Routes))) },
	"the routes are in another order": func(s *Snapshot, _ *rand.Rand) { slices.Reverse(s.Routes) },
	"a backend is gone": func(s *Snapshot, r *rand.Rand) {
		i := r.IntN(len(s.Backends))
		s.Backends = slices.Delete(s.Backends, i, i+1)
	},
	"a listener is gone":         func(s *Snapshot, _ *rand.Rand) { s.Listeners = s.Listeners[:1] },
	"a listener redirects":       func(s *Snapshot, _ *rand.Rand) { s.Listeners[0].Redirect = 443 },
	"a listener passes on":       func(s *Snapshot, _ *rand.Rand) { s.Listeners[0].Protocol = TCP },
	"a listener is there twice":  func(s *Snapshot, _ *rand.Rand) { s.Listeners = append(s.Listeners, s.Listeners[0]) },
	"a route is there twice":     func(s *Snapshot, _ *rand.Rand) { s.Routes = append(s.Routes, s.Routes[0]) },
	"the certificate is gone":    func(s *Snapshot, _ *rand.Rand) { s.Certificates = nil },
	"the traffic policy is gone": func(s *Snapshot, _ *rand.Rand) { s.TrafficPolicies = nil },
	"the access policy is gone":  func(s *Snapshot, _ *rand.Rand) { s.AccessPolicies = nil },
	"an expression is none":      func(s *Snapshot, r *rand.Rand) { s.Routes[r.IntN(len(s.Routes))].Matches[0].Headers[0].Regex = "(" },
	"a host is none":             func(s *Snapshot, r *rand.Rand) { s.Routes[r.IntN(len(s.Routes))].Hosts[0] = "A b" },
	"a path is another one":      func(s *Snapshot, r *rand.Rand) { s.Routes[r.IntN(len(s.Routes))].Matches[0].Path.Prefix = "/x" },
	"many routes are new": func(s *Snapshot, _ *rand.Rand) {
		for i := range fewOthers + 1 {
			own := s.Routes[0]
			own.Name = fmt.Sprintf("new-%d", i)
			s.Routes = slices.Insert(s.Routes, len(s.Routes)/2, own)
		}
	},
	"a route is there again": func(s *Snapshot, r *rand.Rand) { s.Routes = append(s.Routes, s.Routes[r.IntN(len(s.Routes))]) },
	"a name is that of another": func(s *Snapshot, r *rand.Rand) {
		s.Routes[r.IntN(len(s.Routes))].Name = s.Routes[r.IntN(len(s.Routes))].Name
	},
	"a name is no name":     func(s *Snapshot, r *rand.Rand) { s.Routes[r.IntN(len(s.Routes))].Name = "a b" },
	"a name is missing":     func(s *Snapshot, r *rand.Rand) { s.Routes[r.IntN(len(s.Routes))].Name = "" },
	"a name is another one": func(s *Snapshot, r *rand.Rand) { s.Routes[r.IntN(len(s.Routes))].Name = "r-new" },
	"an endpoint is another one": func(s *Snapshot, r *rand.Rand) {
		s.Backends[r.IntN(len(s.Backends))].Endpoints[0] = netip.MustParseAddrPort("192.0.2.2:80")
	},
	"an endpoint is none": func(s *Snapshot, r *rand.Rand) { s.Backends[r.IntN(len(s.Backends))].Endpoints[0] = netip.AddrPort{} },
	"a protocol is none":  func(s *Snapshot, r *rand.Rand) { s.Backends[r.IntN(len(s.Backends))].Protocol = "h9" },
	"a weight is too much": func(s *Snapshot, r *rand.Rand) {
		s.Routes[r.IntN(len(s.Routes))].Backends[0].Weight = new(maxWeight + 1)
	},
}

// TestWhatIsJudgedSinceIsWhatIsJudgedAnew, whatever becomes of a snapshot.
func TestWhatIsJudgedSinceIsWhatIsJudgedAnew(t *testing.T) {
	t.Parallel()
	if wrong := sample().Validate(); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range edits {
			if !yield(name) {
				return
			}
		}
	})
	faulty, fine := 0, 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		s, did := sample(), []string{}
		for range 1 + r.IntN(2) {
			if name := names[r.IntN(len(names))]; len(s.Routes) > 0 && len(s.Backends) > 0 {
				edits[name](s, r)
				did = append(did, name)
			}
		}
		want := s.Validate()
		if diff := cmp.Diff(want, s.ValidateSince(sample())); diff != "" {
			t.Fatalf("%v: %s", did, diff)
		}
		before := sample()
		sharing(s, before)
		if diff := cmp.Diff(want, s.ValidateSince(before)); diff != "" {
			t.Fatalf("%v, and what is the same is shared: %s", did, diff)
		}
		if len(want) > 0 {
			faulty++
		} else {
			fine++
		}
	}
	if faulty < 500 || fine < 500 {
		t.Errorf("%d with faults and %d without", faulty, fine)
	}
}

// sharing has a snapshot share with another one what is the same.
func sharing(s, with *Snapshot) {
	for i := range s.Routes {
		if k := slices.IndexFunc(with.Routes, func(r Route) bool { return reflect.DeepEqual(r, s.Routes[i]) }); k >= 0 {
			s.Routes[i] = with.Routes[k]
		}
	}
	for i := range s.Backends {
		if k := slices.IndexFunc(with.Backends, func(b Backend) bool { return reflect.DeepEqual(b, s.Backends[i]) }); k >= 0 {
			s.Backends[i] = with.Backends[k]
		}
	}
}

// TestWhatWasJudgedIsPassedOver: or nothing would be won. Not parallel: it counts what is
// allocated.
func TestWhatWasJudgedIsPassedOver(t *testing.T) {
	before, s := sample(), sample()
	whole, since := testing.AllocsPerRun(10, func() { s.Validate() }), testing.AllocsPerRun(10, func() { s.ValidateSince(before) })
	if since > whole*2/3 {
		t.Errorf("%.0f allocations, and %.0f when all is judged", since, whole)
	}
}
