// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// defaulted returns what the API server stores: cyclonus reads no policy without
// policyTypes (k8s.io/kubernetes/pkg/apis/networking/v1/defaults.go).
func defaulted(list []*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	out := make([]*networkingv1.NetworkPolicy, len(list))
	for i, p := range list {
		out[i] = p.DeepCopy()
		if len(p.Spec.PolicyTypes) == 0 {
			out[i].Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
			if len(p.Spec.Egress) > 0 {
				out[i].Spec.PolicyTypes = append(out[i].Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
			}
		}
	}
	return out
}

// question is one that both are asked.
type question struct {
	from, to *host
	protocol corev1.Protocol
	number   int32
}

func (q question) String() string {
	return fmt.Sprintf("%s -> %s %s/%d", q.from.end, q.to.end, q.protocol, q.number)
}

func peerOf(h *host) *matcher.TrafficPeer {
	out := &matcher.TrafficPeer{IP: h.address}
	if h.namespace != "" {
		out.Internal = &matcher.InternalPeer{PodLabels: h.labels, NamespaceLabels: h.own, Namespace: h.namespace}
	}
	return out
}

// namesOf returns the names that lead to a port: of containers with one name
// and protocol the first (k8s.io/kubernetes/pkg/api/v1/pod FindPort). Without
// any, the empty name, which no rule has.
func namesOf(h *host, protocol corev1.Protocol, number int32) []string {
	var out []string
	first := map[string]bool{}
	for _, c := range h.ports {
		if c.Protocol.String() == string(protocol) && !first[c.Name] {
			first[c.Name] = true
			if int32(c.Number) == number {
				out = append(out, c.Name)
			}
		}
	}
	if len(out) == 0 {
		out = []string{""}
	}
	return out
}

// theirs is the answer of cyclonus. It knows one name of a port at a time, while
// a port may have several, and each side may know it by another.
func theirs(p *matcher.Policy, q question) bool {
	ingress, egress := false, false
	for _, name := range namesOf(q.to, q.protocol, q.number) {
		got := p.IsTrafficAllowed(&matcher.Traffic{
			Source: peerOf(q.from), Destination: peerOf(q.to), ResolvedPort: int(q.number), ResolvedPortName: name, Protocol: q.protocol,
		})
		ingress, egress = ingress || got.Ingress.IsAllowed(), egress || got.Egress.IsAllowed()
	}
	return ingress && egress
}

func ours(t testing.TB, s *verify.Set, q question) bool {
	t.Helper()
	protocol, err := generator.ParseProtocol(string(q.protocol))
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.Allowed(q.from.end, q.to.end, generator.NumberedPort(protocol, uint16(q.number)))
	if err != nil {
		t.Fatal(err)
	}
	return v.Allowed
}

func compile(t testing.TB, m *generator.Model, list []*networkingv1.NetworkPolicy) *verify.Set {
	t.Helper()
	policies, err := netpol.Read(list)
	if err != nil {
		t.Fatal(err)
	}
	s, err := verify.Compile(policies, m, verify.Options{Blocks: verify.BlocksMatchPods})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// questions yields every question of a world, until told to stop.
func (w *world) questions(yield func(question) bool) {
	for i := range w.hosts {
		for j := range w.hosts {
			if w.hosts[i].namespace == "" && w.hosts[j].namespace == "" {
				continue // nobody's policies are about it
			}
			for _, protocol := range protocols {
				for _, number := range append(numbers, 1, 65535) {
					if !yield(question{&w.hosts[i], &w.hosts[j], protocol, number}) {
						return
					}
				}
			}
		}
	}
}

// TestCyclonusAgrees asks at least a million questions. The policies go to
// cyclonus twice: as they are, and with the selectors that it reads otherwise
// than Kubernetes written in another way (see otherwise). Written so, no answer
// may differ; as they are, only answers that a rewriting explains may, and they
// are counted and shown.
func TestCyclonusAgrees(t *testing.T) {
	t.Parallel()
	const enough = 1_000_000
	seed := seedOf(t)
	asked, worlds, allowed := 0, uint64(0), 0
	known := map[string]int{}
	example := map[string]string{}
	for ; asked < enough; worlds++ {
		d := newDice(seed, worlds)
		w, list := d.world(t), d.policies()
		set := compile(t, w.model, list)
		simplify := worlds%2 == 0
		rewritten := matcher.BuildNetworkPolicies(simplify, rewrite(defaulted(list), otherwise))
		literal := matcher.BuildNetworkPolicies(simplify, defaulted(list))
		for q := range w.questions {
			asked++
			mine := ours(t, set, q)
			if mine {
				allowed++
			}
			if theirs(rewritten, q) != mine {
				differ := func(smaller []*networkingv1.NetworkPolicy) bool {
					return theirs(matcher.BuildNetworkPolicies(simplify, rewrite(defaulted(smaller), otherwise)), q) != ours(t, compile(t, w.model, smaller), q)
				}
				t.Fatalf("seed %d, world %d: %s: we say %v, cyclonus the opposite\n%s", seed, worlds, q, mine, describe(t, q, minimise(list, differ)))
			}
			if theirs(literal, q) != mine {
				why := explain(q, list, simplify, mine)
				known[why]++
				if example[why] == "" {
					example[why] = fmt.Sprintf("seed %d, world %d: %s", seed, worlds, q)
				}
			}
		}
	}
	t.Logf("seed %d: %d questions about %d worlds, %d allowed, 0 differences", seed, asked, worlds, allowed)
	for _, r := range otherwise {
		t.Logf("%d questions that cyclonus answers otherwise, as %s\n  (e.g. %s)\n  source: %s", known[r.why], r.why, example[r.why], r.source)
		if known[r.why] == 0 {
			t.Errorf("never seen: %s", r.why)
		}
	}
	if n := known[together]; n > 0 {
		t.Logf("%d for both reasons at once (e.g. %s)", n, example[together])
	}
	if allowed*10 < asked || allowed*10 > asked*9 {
		t.Errorf("%d of %d allowed: the questions are too easy", allowed, asked)
	}
}

// explain says which rewriting alone takes a difference away.
func explain(q question, list []*networkingv1.NetworkPolicy, simplify, want bool) string {
	for _, r := range otherwise {
		if theirs(matcher.BuildNetworkPolicies(simplify, rewrite(defaulted(list), []rewriting{r})), q) == want {
			return r.why
		}
	}
	return together
}

const together = "both"

// describe is what a person needs to see and repeat a difference.
func describe(t testing.TB, q question, list []*networkingv1.NetworkPolicy) string {
	t.Helper()
	var out strings.Builder
	for _, h := range []*host{q.from, q.to} {
		fmt.Fprintf(&out, "%s: labels %v, namespace %v, ports %v, at %s\n", h.end, h.labels, h.own, h.ports, h.address)
	}
	for _, p := range list {
		raw, err := yaml.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "---\n%s", raw)
	}
	return out.String()
}
