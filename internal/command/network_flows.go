// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// flowsOver reads recordings over the objects of a model. Several are taken as one:
// the parts of a rotated file. add gives
// each flow to the collector, as it is or without what does not count.
func (a *app) flowsOver(ctx context.Context, paths []string, o flows.Options, add func(*flows.Collector, *flows.Flow) error) (flows.Result, error) {
	names := make([]string, 0, len(paths))
	for _, path := range paths {
		names = append(names, placeOf(path, 0))
	}
	o.Where = strings.Join(names, ", ")
	c := flows.NewCollector(o)
	bar := a.progress("reading MiB of flows", 0)
	r := flows.Reader{Read: func(n int64) { bar.set(int(n >> 20)) }}
	var err error
	for _, path := range paths {
		if err = a.readRecording(ctx, &r, path, func(f *flows.Flow) error { return add(c, f) }); err != nil {
			break
		}
	}
	bar.stop()
	if err != nil {
		return flows.Result{}, err
	}
	if r.Stats.Flows == 0 {
		return flows.Result{}, fmt.Errorf("read flows of %s: there is none", o.Where)
	}
	c.Lose(r.Stats.Lost)
	for _, f := range r.Stats.Faults {
		a.say("warning: %s: %s", o.Where, f)
	}
	if n := r.Stats.Broken - len(r.Stats.Faults); n > 0 {
		a.say("warning: %s: %d more lines could not be read", o.Where, n)
	}
	return c.Result(), nil
}

func (a *app) readRecording(ctx context.Context, r *flows.Reader, path string, add func(*flows.Flow) error) error {
	in := a.In
	if path != files.Stdin {
		f, err := os.Open(path) //nolint:gosec // the path is what the user asked for
		if err != nil {
			return fmt.Errorf("read flows: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	if err := r.Each(interruptible{ctx, in}, add); err != nil {
		return fmt.Errorf("%s: %w", placeOf(path, 0), err)
	}
	return nil
}

// tellFlows says what a recording held and what it did not: edges that were learned
// are worth what the recording is.
func (a *app) tellFlows(r *flows.Result, inv *inventory.Inventory, u *generator.Universe) {
	a.say("note: %d flows, from %s to %s: %s", r.Summary.Flows, momentOf(r.Window.First()), momentOf(r.Window.Last()), count(len(r.Edges), "connection"))
	for reason, n := range r.Summary.Left {
		if n > 0 {
			a.say("note: %d flows make no connection: %s", n, flows.Reason(reason))
		}
	}
	if n := r.Window.Lost; n > 0 {
		a.say("warning: the recorder lost %d events", n)
	}
	gaps := r.Coverage(inv, u)
	for i, gap := range gaps {
		if i == maxGaps {
			a.say("warning: and %d more workloads of which the recording says too little", len(gaps)-i)
			break
		}
		a.say("warning: the recording says too little: %s", gap)
	}
}

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
	if read.seen == nil {
		return
	}
	for _, c := range read.model.Conflicts(func(id generator.WorkloadID) bool { return read.seen.Covers(id, seenFor) }) {
		a.say("note: %s", c)
	}
}

// stillUnreached leaves out Services that the flows lead to.
func (r *modelled) stillUnreached() []generator.Peer {
	if r.seen == nil {
		return r.found.Unreached
	}
	reached := map[generator.Peer]bool{}
	for _, e := range r.model.Edges {
		if e.From != e.To && e.From.Kind != generator.MonitoringPeer {
			reached[e.To] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(r.found.Unreached), func(p generator.Peer) bool {
		behind, err := r.behind(p, generator.Port{})
		return err == nil && slices.ContainsFunc(behind, func(e generator.Edge) bool { return reached[e.To] })
	})
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
