// SPDX-License-Identifier: Apache-2.0

package intents

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Kinds of which objects in the inventory are read too, as files have them.
var (
	ClientIntentsKind = schema.GroupKind{Group: "k8s.otterize.com", Kind: "ClientIntents"}
	NetworkPlanKind   = schema.GroupKind{Group: v1alpha1.GroupName, Kind: v1alpha1.NetworkPlanKind}
)

// Options are objects that the inventory does not hold. The zero value is usable.
type Options struct {
	Plans         []*v1alpha1.NetworkPlan
	ClientIntents []*unstructured.Unstructured

	// Judge says why an API server would not take a NetworkPlan of the inventory. Nil for
	// plans that one took.
	Judge func(plan map[string]any) field.ErrorList
}

// Wish is a connection that an object asks for.
type Wish struct {
	Namespace string         // of the object; one end of the edge is pods of it
	Edge      generator.Edge // with one piece of evidence: the object and the field
}

// Found is what is asked for.
type Found struct {
	Wishes   []Wish              // in order, each once
	Problems []generator.Problem // what cannot be read or cannot be meant, in order
}

// Read finds what the objects ask for: the annotations of the workloads and
// Services of the inventory, ClientIntents and NetworkPlans. The evidence names
// objects and fields; Found.Placed makes lines of them. The arguments are read and
// not kept.
func Read(inv *inventory.Inventory, u *generator.Universe, env *generator.Environment, o Options) Found {
	r := reader{inv: inv, universe: u, env: env, judge: o.Judge}
	r.annotations()
	r.plans(o.Plans)
	r.clientIntents(o.ClientIntents)
	return r.result()
}

// Edges returns every wish as an edge, whoever asked for it: for objects of one
// author.
func (f *Found) Edges() []generator.Edge {
	return f.where(func(string) bool { return true })
}

// For returns the edges for a model that guards one namespace: what its own
// objects ask for, and those of namespaces that it trusts. Nil trusts nobody else.
func (f *Found) For(namespace string, trusts func(string) bool) []generator.Edge {
	return f.where(func(author string) bool { return author == namespace || trusts != nil && trusts(author) })
}

func (f *Found) where(counts func(namespace string) bool) []generator.Edge {
	var out []generator.Edge
	for i := range f.Wishes {
		if counts(f.Wishes[i].Namespace) {
			out = append(out, f.Wishes[i].Edge)
		}
	}
	return out
}

// Placed fills in where the evidence of wishes and problems stands; see
// generator.Placed.
func (f *Found) Placed(place func(object inventory.Key, field string) string) {
	for i := range f.Wishes {
		generator.Placed([]generator.Edge{f.Wishes[i].Edge}, place)
	}
	for i := range f.Problems {
		generator.Placed([]generator.Edge{f.Problems[i].Edge}, place)
	}
}

// reader is the state of one call of Read.
type reader struct {
	inv      *inventory.Inventory
	universe *generator.Universe
	env      *generator.Environment
	judge    func(map[string]any) field.ErrorList
	out      Found
}

// place is where one wish stands.
type place struct {
	object  inventory.Key
	field   string
	what    string         // in words: `annotation gatehouse.sh/allow-to "shop/db:5432"`
	about   generator.Peer // the end that the object speaks for, where it is known
	expires time.Time

	requests generator.Requests // of HTTP
}

func (p *place) because() []generator.Evidence {
	return []generator.Evidence{{
		Source: generator.Intent, Confidence: generator.Certain, Object: p.object, Field: p.field, What: p.what, Expires: p.expires, Requests: p.requests,
	}}
}

func (r *reader) problem(at *place, format string, args ...any) {
	what := at.what + ": " + fmt.Sprintf(format, args...)
	r.out.Problems = append(r.out.Problems, generator.Problem{Edge: generator.Edge{From: at.about, Because: at.because()}, What: what})
}

// wish keeps the connection on each of the ports, or says why it cannot be meant. It stands
// in an object of the namespace at.object.Namespace, and the caller has seen
// to it that one end is pods of that.
func (r *reader) wish(at *place, from, to generator.Peer, ports []generator.Port) {
	if from.Kind == generator.FQDNPeer {
		r.problem(at, "a domain name opens no connections: say its addresses")
		return
	}
	for _, end := range []generator.Peer{from, to} {
		if fault := r.refuse(end); fault != "" {
			r.problem(at, "%s", fault)
			return
		}
	}
	if len(ports) == 0 {
		var fault string
		if ports, fault = r.usual(to); fault != "" {
			r.problem(at, "%s", fault)
			return
		}
		if tcp := overTCP(ports); !at.requests.All() && len(tcp) > 0 {
			ports = tcp
		}
	}
	for _, p := range ports {
		fault := r.nameless(to, p)
		if fault == "" && !at.requests.All() {
			fault = unasked(to, p)
		}
		if fault != "" {
			r.problem(at, "%s", fault)
			continue
		}
		r.out.Wishes = append(r.out.Wishes, Wish{at.object.Namespace, generator.Edge{From: from, To: to, Port: p, Because: at.because()}})
	}
}

// refuse says why an end cannot be meant; empty for one that can.
func (r *reader) refuse(p generator.Peer) string {
	switch p.Kind { //nolint:exhaustive // nothing is to be said of the others
	case generator.CIDRPeer:
		for _, m := range r.env.Metadata {
			if p.Prefix != m && p.Prefix.Overlaps(m) {
				return fmt.Sprintf("%s holds the metadata service %s, which hands out the node's credentials: say other blocks or \"world\", which is without it, or that address alone", p, m.Addr())
			}
		}
	case generator.FQDNPeer:
		if strings.HasSuffix(p.Name, ".svc") || strings.HasSuffix(p.Name, "."+r.env.Domain) {
			return p.Name + " is a name of this cluster: say service/namespace/name"
		}
	}
	return ""
}

// found looks up a workload, and says what is wrong where there is none or several.
func (r *reader) found(at *place, p generator.Peer) (generator.Peer, bool) {
	found, err := notation.Find(r.universe, p)
	if err != nil {
		r.problem(at, "%v", err)
	}
	return found, err == nil
}

// result orders what was found and leaves out what was found twice.
func (r *reader) result() Found {
	slices.SortStableFunc(r.out.Wishes, func(a, b Wish) int {
		return cmp.Or(a.Edge.Compare(b.Edge), cmp.Compare(a.Namespace, b.Namespace), a.Edge.Because[0].Compare(b.Edge.Because[0]), a.Edge.Expires().Compare(b.Edge.Expires()))
	})
	r.out.Wishes = slices.CompactFunc(r.out.Wishes, func(a, b Wish) bool {
		return a.Namespace == b.Namespace && a.Edge.Compare(b.Edge) == 0 && a.Edge.Because[0] == b.Edge.Because[0]
	})
	slices.SortStableFunc(r.out.Problems, func(a, b generator.Problem) int {
		return cmp.Or(a.Edge.Because[0].Compare(b.Edge.Because[0]), cmp.Compare(a.What, b.What))
	})
	r.out.Problems = slices.CompactFunc(r.out.Problems, func(a, b generator.Problem) bool {
		return a.What == b.What && a.Edge.Because[0] == b.Edge.Because[0]
	})
	return r.out
}
