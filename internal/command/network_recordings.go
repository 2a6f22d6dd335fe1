// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/generator/flows/relay"
	"github.com/gatehouse-sh/gatehouse/internal/hubble"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
)

// flowFlags say where recorded flows come from: files, and a Hubble Relay.
type flowFlags struct {
	paths []string
	relay hubble.Access
	since time.Duration

	// What becomes of the connections of a command that learns.
	keep     time.Duration
	external int
	dropped  bool

	set *pflag.FlagSet
}

// defaultSince is longer than what a node of a busy cluster remembers, 4095 flows
// unless it is told otherwise.
const defaultSince = time.Hour

// relayRetries is how often in a row a relay may break, which takes seven seconds at
// most: somebody waits.
const relayRetries = 2

// add adds the flags of a command that learns.
func (f *flowFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.paths, "flows", nil, "recorded flows, whose connections are wanted too: files of Hubble, JSON lines or CSV, plain or gzip")
	f.addRelay(flags, "whose flows are wanted too")
	flags.DurationVar(&f.keep, flagKeep, 0, "how long a connection of recorded flows counts after it was last seen, such as 720h; 0 for ever")
	flags.BoolVar(&f.dropped, flagDropped, false, "connections that policies dropped are wanted too: look at each of them, since what was refused may be what a policy is there for")
	flags.IntVar(&f.external, flagExternal, 0, "with how many addresses outside of the cluster recorded flows may show a workload on one port before every address outside is allowed there; 0 for any number, each by itself")
}

// addRelay adds those of a relay.
func (f *flowFlags) addRelay(flags *pflag.FlagSet, use string) {
	f.set = flags
	f.relay.Add(flags, use)
	flags.DurationVar(&f.since, flagSince, defaultSince, "how far back flows of the relay count, as far as the nodes remember them; 0 for all that they remember")
}

const (
	flagSince    = "since"
	flagKeep     = "flows-keep"
	flagExternal = "flows-external"
	flagDropped  = "flows-dropped"
)

// given reports whether there are flows to read.
func (f *flowFlags) given() bool { return len(f.paths) > 0 || f.relay.Address() != "" }

// check says what is wrong with the flags. Commands without any have nothing wrong.
func (f *flowFlags) check() error {
	if f.set == nil {
		return nil
	}
	faults := []error{f.relay.Check()}
	if f.since < 0 {
		faults = append(faults, fmt.Errorf("--%s %s: is not in the past", flagSince, f.since))
	}
	for _, name := range []string{flagKeep, flagExternal, flagDropped} {
		if !f.given() && f.set.Changed(name) {
			faults = append(faults, fmt.Errorf("--%s is about recorded flows: --flows or --hubble-relay names them", name))
		}
	}
	if f.keep < 0 || f.external < 0 {
		faults = append(faults, fmt.Errorf("--%s %s, --%s %d: less than nothing", flagKeep, f.keep, flagExternal, f.external))
	}
	if f.relay.Address() == "" && f.set.Changed(flagSince) {
		faults = append(faults, fmt.Errorf("--%s is about the flows of a relay: --hubble-relay names it", flagSince))
	}
	return errors.Join(faults...)
}

// where names the recordings in the evidence.
func (f *flowFlags) where() string {
	names := make([]string, 0, len(f.paths)+1)
	for _, path := range f.paths {
		names = append(names, placeOf(path, 0))
	}
	if address := f.relay.Address(); address != "" {
		names = append(names, "relay "+address)
	}
	return strings.Join(names, ", ")
}

// flowsOver reads recordings over the objects of a model. Several are taken as one:
// the parts of a rotated file, and a relay. add gives each flow to the collector, as
// it is or without what does not count. What breaks off is an error: half of a
// recording would look like all.
func (a *app) flowsOver(ctx context.Context, f *flowFlags, o flows.Options, add func(*flows.Collector, *flows.Flow) error) (flows.Result, error) {
	access, err := f.relay.Options()
	if err != nil {
		return flows.Result{}, fmt.Errorf("read flows: %w", err)
	}
	o.Where, o.Now = f.where(), a.Now()
	c := flows.NewCollector(o)
	into := func(flow *flows.Flow) error { return add(c, flow) }
	read, err := a.readRecordings(ctx, f.paths, c, into)
	if err != nil {
		return flows.Result{}, err
	}
	if access.Address != "" {
		n, err := a.readRelay(ctx, access, f.since, c, into)
		if err != nil {
			return flows.Result{}, err
		}
		read += n
	}
	if read == 0 {
		return flows.Result{}, fmt.Errorf("read flows of %s: there is none", o.Where)
	}
	return c.Result(), nil
}

// readRecordings reads files, and returns how many flows they hold.
func (a *app) readRecordings(ctx context.Context, paths []string, c *flows.Collector, add func(*flows.Flow) error) (uint64, error) {
	if len(paths) == 0 {
		return 0, nil
	}
	bar := a.progress("reading MiB of flows", 0)
	defer bar.stop()
	r := flows.Reader{Read: func(n int64) { bar.set(int(n >> 20)) }}
	var broken []string
	for _, path := range paths {
		before := r.Stats.Stats
		if err := a.readRecording(ctx, &r, path, add); err != nil {
			return 0, err
		}
		named := r.Stats.Faults[len(before.Faults):]
		for _, f := range named {
			broken = append(broken, fmt.Sprintf("%s: %v", placeOf(path, f.Line), f.Err))
		}
		if n := r.Stats.Broken - before.Broken - len(named); n > 0 {
			broken = append(broken, fmt.Sprintf("%s: %s more could not be read", placeOf(path, 0), count(n, "line")))
		}
	}
	bar.stop()
	c.Lose(r.Stats.Lost)
	for _, text := range broken {
		a.say("warning: %s", text)
	}
	return r.Stats.Flows, nil
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

// readRelay reads what the nodes remember, and returns how many flows that are. A
// stream that breaks is taken up again, which is told; one that stays away ends the
// run.
func (a *app) readRelay(ctx context.Context, o relay.Options, since time.Duration, c *flows.Collector, add func(*flows.Flow) error) (uint64, error) {
	if since > 0 {
		o.Since = a.Now().Add(-since)
	}
	o.Retries = relayRetries
	r, err := relay.NewReader(o)
	if err != nil {
		return 0, fmt.Errorf("read flows: %w", err)
	}
	bar := a.progress("reading flows of "+o.Address, 0)
	defer bar.stop()
	bar.set(0)
	err = r.Each(ctx, func(f *flows.Flow) error {
		if r.Stats.Flows%flowsAtOnce == 0 {
			bar.set(int(r.Stats.Flows)) //nolint:gosec // no relay remembers as many
		}
		return add(f)
	})
	bar.stop()
	if err != nil {
		if n := r.Stats.Flows; n > 0 {
			return 0, fmt.Errorf("read flows: after %s: %w", count(n, "flow"), err)
		}
		return 0, fmt.Errorf("read flows: %w", err)
	}
	c.Lose(r.Stats.Lost)
	a.tellRelay(o.Address, &r.Stats)
	return r.Stats.Flows, nil
}

// flowsAtOnce is how many flows are read before the progress shows them.
const flowsAtOnce = 256

// tellRelay says what may be missing from what a relay sent.
func (a *app) tellRelay(address string, s *relay.Stats) {
	for _, b := range s.Breaks {
		a.say("warning: relay %s: the connection broke (%v) and was made again; flows from %s to %s may be missing", address, b.Err, momentOf(b.Last), momentOf(b.Next))
	}
	missing := slices.Sorted(maps.Keys(s.Missing))
	for i, node := range missing {
		if i == maxGaps {
			a.say("warning: relay %s: and %s more without flows", address, count(len(missing)-i, "node"))
			break
		}
		a.say("warning: relay %s: flows of node %s are missing: %s", address, node, s.Missing[node])
	}
}
