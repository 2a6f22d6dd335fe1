// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Source says where a piece of evidence comes from. The zero value is none.
type Source uint8

// The sources, the most deliberate first: what a person asked for, what a preset
// gives, what manifests declare, what was seen.
const (
	Intent Source = 1 + iota
	Template
	Manifest
	Flow
)

var sources = [...]string{Intent: "intent", Template: "template", Manifest: "manifest", Flow: "flow"}

// String returns the source in one word.
func (s Source) String() string {
	if int(s) < len(sources) && sources[s] != "" {
		return sources[s]
	}
	return "no source"
}

// Confidence says how sure a piece of evidence is. The zero value is the least.
type Confidence uint8

// The degrees of confidence.
const (
	Guessed Confidence = iota // an address somewhere in a text
	Likely                    // an address where addresses are configured
	Certain                   // declared as a connection, or seen with its beginning
)

// String returns the degree in one word.
func (c Confidence) String() string {
	return [...]string{"guessed", "likely", "certain"}[min(c, Certain)]
}

// Evidence is one reason for an edge.
type Evidence struct {
	Source     Source
	Confidence Confidence

	// Where is the place: "shop/web.yaml:31" for a file, "NetworkPlan shop/web",
	// "template dns". What says in words what stands there, without any value
	// that could be a secret: "env CART_ADDR of container server".
	Where, What string

	// Object and Field are the place inside a manifest, as a finding has it. What
	// reads manifests knows no files and leaves Where empty; Placed fills it in.
	Object inventory.Key // zero for what is not an object
	Field  string        // "spec.template.spec.containers[0].env[3].value"

	// Of flows: how many there were, and when the first and the last was seen.
	Flows       uint64
	First, Last time.Time

	// Expires is when the evidence stops counting; zero for never.
	Expires time.Time

	// Requests, of an intent, are those of HTTP that somebody asks for.
	Requests Requests
}

// String returns the reason in words: "manifest shop/web.yaml:31 (env CART_ADDR of
// container server)".
func (e Evidence) String() string {
	text := e.Source.String()
	if e.Where != "" {
		text = strings.TrimPrefix(e.Where, text+" ") // "template dns" names its source
		text = e.Source.String() + " " + text
	}
	if e.What != "" {
		text += " (" + e.What + ")"
	}
	return text
}

// Compare orders evidence by source, place and words.
func (e Evidence) Compare(o Evidence) int {
	return cmp.Or(cmp.Compare(e.Source, o.Source), cmp.Compare(e.Where, o.Where), cmp.Compare(e.What, o.What),
		e.Object.Compare(o.Object), cmp.Compare(e.Field, o.Field),
		e.First.Compare(o.First), e.Last.Compare(o.Last), cmp.Compare(e.Flows, o.Flows), e.Requests.Compare(o.Requests))
}

// Placed fills in where evidence stands that only names an object and a field:
// by what place says of them, "shop/web.yaml:31", or by the name of the object
// where place is nil or says nothing. The edges are changed in place; call it
// before Build.
func Placed(edges []Edge, place func(object inventory.Key, field string) string) {
	for i := range edges {
		because := edges[i].Because
		for j := range because {
			e := &because[j]
			if e.Where != "" || e.Object == (inventory.Key{}) {
				continue
			}
			if place != nil {
				e.Where = place(e.Object, e.Field)
			}
			if e.Where == "" {
				e.Where = e.Object.String()
			}
		}
	}
}

// Edge is a connection that is wanted: From opens it, To accepts it on Port.
//
// The port is that of the accepting pods, after the address of a Service was
// translated. Only where To is a Service it is the port of the Service, by
// number or name. The zero value means every port of that Service, or of that
// group (Group.Ports); towards another peer Build refuses it.
type Edge struct {
	From, To Peer
	Port     Port
	Because  []Evidence
}

// Compare orders edges by their ends and their port.
func (e Edge) Compare(o Edge) int {
	return cmp.Or(e.From.Compare(o.From), e.To.Compare(o.To), e.Port.Compare(o.Port))
}

// Confidence is that of the best evidence.
func (e Edge) Confidence() Confidence {
	best := Guessed
	for _, b := range e.Because {
		best = max(best, b.Confidence)
	}
	return best
}

// Expires is when the last piece of evidence stops counting; zero for never.
func (e Edge) Expires() time.Time {
	var last time.Time
	for _, b := range e.Because {
		if b.Expires.IsZero() {
			return time.Time{}
		}
		if b.Expires.After(last) {
			last = b.Expires
		}
	}
	return last
}

// current returns the evidence that has not expired by now; all of it for the
// zero time. The list is shared where nothing has.
func current(because []Evidence, now time.Time) []Evidence {
	over := func(e Evidence) bool { return !now.IsZero() && !e.Expires.IsZero() && !e.Expires.After(now) }
	if !slices.ContainsFunc(because, over) {
		return because
	}
	return slices.DeleteFunc(slices.Clone(because), over)
}

// String returns "Deployment shop/web -> Deployment shop/carts TCP/8080".
func (e Edge) String() string {
	return e.From.String() + " -> " + e.To.String() + " " + e.Port.String()
}

// merged orders edges and makes one of those that are about the same
// connection; each piece of evidence stays once.
func merged(edges []Edge) []Edge {
	slices.SortStableFunc(edges, Edge.Compare)
	out := edges[:0]
	for _, e := range edges {
		if n := len(out); n > 0 && out[n-1].Compare(e) == 0 {
			out[n-1].Because = slices.Concat(out[n-1].Because, e.Because)
			continue
		}
		out = append(out, e)
	}
	for i := range out {
		if len(out[i].Because) < 2 {
			continue // shared with the input, whose edges are values
		}
		because := slices.Clone(out[i].Because)
		slices.SortFunc(because, Evidence.Compare)
		out[i].Because = slices.Compact(because)
	}
	return out
}
