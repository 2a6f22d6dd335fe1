// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// tellFlows says what a recording held and what it did not: edges that were learned
// are worth what the recording is.
func (a *app) tellFlows(r *flows.Result, inv *inventory.Inventory, u *generator.Universe) {
	a.say("note: %s, from %s to %s: %s", count(r.Summary.Flows, "flow"), momentOf(r.Window.First()), momentOf(r.Window.Last()), count(len(r.Edges), "connection"))
	for reason, n := range r.Summary.Left {
		if n > 0 {
			a.say("note: no connection comes of %s: %s%s", count(n, "flow"), flows.Reason(reason), namesOf(r.Notes, flows.Reason(reason)))
		}
	}
	a.tellTimes(&r.Window)
	for i, e := range r.Old {
		if i == maxGaps {
			a.say("note: and %s more", count(len(r.Old)-i, "connection"))
			break
		}
		a.say("note: too long ago (--%s): %s, last seen at %s", flagKeep, e, momentOf(e.Because[0].Last))
	}
	for i := range r.Edges {
		if e := &r.Edges[i]; e.From.Kind == generator.ExternalPeer || e.To.Kind == generator.ExternalPeer {
			a.say("note: every address outside of the cluster is allowed (--%s): %s, %s", flagExternal, e, e.Because[0].What)
		}
	}
	if n := r.Window.Lost; n > 0 {
		a.say("warning: the recorder lost %s", count(n, "event"))
	}
	gaps := r.Coverage(inv, u)
	for i, gap := range gaps {
		if i == maxGaps {
			a.say("warning: and %s more of which the recording says too little", count(len(gaps)-i, "workload"))
			break
		}
		a.say("warning: the recording says too little: %s", gap)
	}
}

// tellTimes says when nobody looked, and which times are of clocks that are wrong.
func (a *app) tellTimes(w *flows.Window) {
	if gaps := w.Gaps(); len(gaps) > 0 {
		var sum time.Duration
		for _, g := range gaps {
			sum += g.Last.Sub(g.First)
		}
		a.say("note: nobody looked in %s of more than %s, %s together", count(len(gaps), "silence"), w.Gap, sum.Round(time.Second))
	}
	if n := w.Backwards; n > 0 {
		a.say("note: the times of flows go back by more than %s, %s: clocks jumped, or the recordings are in another order", w.Gap, count(n, "time"))
	}
	if n := w.Timeless; n > 0 {
		a.say("note: %s without a time", count(n, "flow"))
	}
	if n := w.Ahead; n > 0 {
		a.say("warning: %s of the future: a clock is wrong, and these times do not count", count(n, "flow"))
	}
	var strays uint64
	for _, s := range w.Strays {
		strays += s.Flows
	}
	if strays > 0 {
		a.say("warning: %s from %s to %s, more than a year from the others: a clock was wrong, and these times do not count",
			count(strays, "flow"), momentOf(w.Strays[0].First), momentOf(w.Strays[len(w.Strays)-1].Last))
	}
}

// namesOf names the most frequent causes for which flows made no connection: " (pod
// gone/x, 2 flows; pod gone/y, 1 flow; and more)".
func namesOf(notes []flows.Note, reason flows.Reason) string {
	var names []string
	more := 0
	for _, n := range notes { // the most frequent first
		switch {
		case n.Reason != reason:
		case len(names) == maxCauses || n.What == "":
			more++
		default:
			names = append(names, fmt.Sprintf("%.200s, %s", n.What, count(n.Flows, "flow")))
		}
	}
	if more > 0 {
		names = append(names, "and more")
	}
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, "; ") + ")"
}

// maxCauses is how many causes are named for each reason.
const maxCauses = 3

// maxGaps is how many workloads are named of which nothing is known.
const maxGaps = 10

func momentOf(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format(time.RFC3339)
}

// seenFor is how long a workload must have been seen before its silence about a
// connection is told: a day and a night.
const seenFor = 24 * time.Hour

// disagreements tells where manifests and flows differ. The connections are in the
// model all the same.
func (a *app) disagreements(read *modelled) {
	for _, c := range read.conflicts() {
		a.say("note: %s", c)
	}
}

// conflicts are where manifests and what people ask for differ from what was seen.
func (r *modelled) conflicts() []generator.Conflict {
	if r.seen == nil {
		return nil
	}
	return r.model.Conflicts(func(id generator.WorkloadID) bool { return r.seen.Covers(id, seenFor) })
}

// stillUnreached leaves out Services that flows or what people ask for lead to, and those
// of namespaces that are not guarded, where nothing is refused.
func (r *modelled) stillUnreached() []generator.Peer {
	guarded := slices.DeleteFunc(slices.Clone(r.found.Unreached), func(p generator.Peer) bool {
		_, is := r.model.Guards[p.Namespace]
		return !is
	})
	if r.seen == nil && !r.asked {
		return guarded
	}
	return r.model.Silent(r.inventory, guarded)
}

// behind is what a Service leads to on a port, or on every port for the zero one.
func (r *modelled) behind(service generator.Peer, port generator.Port) ([]generator.Edge, error) {
	m, problems := generator.Build(generator.Input{Inventory: r.inventory, Universe: r.model.Universe, Environment: r.model.Environment, Edges: []generator.Edge{{
		From: generator.Peer{Kind: generator.ClusterPeer}, To: service, Port: port, Because: []generator.Evidence{{Source: generator.Intent}},
	}}})
	if len(m.Edges) > 0 {
		return m.Edges, nil
	}
	for _, p := range problems {
		return nil, errors.New(p.What)
	}
	return nil, fmt.Errorf("nothing is behind %s", service)
}

// dropped is a recorded connection that policies would refuse.
type dropped struct {
	From    string       `json:"from"`
	To      string       `json:"to"`
	Port    string       `json:"port"`
	Flows   uint64       `json:"flows"`
	First   string       `json:"first"`
	Last    string       `json:"last"`
	Egress  decisionLine `json:"egress"`
	Ingress decisionLine `json:"ingress"`

	why string
}

// byFlows orders what would be dropped: the most frequent first.
func byFlows(x, y dropped) int {
	return cmp.Or(cmp.Compare(y.Flows, x.Flows), strings.Compare(x.From, y.From), strings.Compare(x.To, y.To), strings.Compare(x.Port, y.Port))
}
