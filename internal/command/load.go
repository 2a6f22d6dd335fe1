// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// target is one object to judge.
type target struct {
	object inventory.Object
	key    inventory.Key
	at     report.Judged

	positions *files.Positions // nil for an object of a cluster
	item      files.Item       // zero for an object of a cluster
}

// line is where a field stands, 0 when that is not known.
func (t *target) line(field string) int {
	if t.positions == nil {
		return t.at.Line
	}
	_, line := t.positions.Locate(field)
	return line
}

// repairable reports whether the object stands in a file as it is.
func (t *target) repairable() bool { return t.positions != nil && t.item.Kustomization == "" }

// loaded is what a run has read.
type loaded struct {
	targets   []target
	inventory *inventory.Inventory
	faults    []report.Fault
	doubts    []doubt // about policies, which nobody was told of: see tellDoubts
	live      bool    // the targets are those of a cluster
	classes   bool    // the inventory has every GatewayClass and IngressClass that there is
	twice     bool    // among the faults are objects of which the last counts
}

// loadFiles reads paths. Doubts go to the standard error at once, also that an object
// is there twice, and that no cluster has its kind.
func (a *app) loadFiles(ctx context.Context, paths []string, quiet bool) (loaded, error) {
	out, read, err := a.readFiles(ctx, paths)
	out.faults = append(out.faults, refusedPolicies(ctx, read.Items)...)
	if !quiet {
		var strange []doubt
		for _, item := range read.Items {
			if why, is := unknownKind(item); is {
				strange = append(strange, doubt{item.File, item.Line, fmt.Sprintf("%s: %s is not judged: %s", placeOf(item.File, item.Line), inventory.KeyOf(item.Object), why)})
			}
		}
		a.doubts(read, strange...)
		for _, t := range repeated(read.Items) {
			a.say("warning: %s", t)
		}
	}
	return out, err
}

// loadOnce is loadFiles where answers depend on every object, and on which of several
// of one name counts: a kind that no cluster has is a fault, since a workload that is
// left out would be cut off, and two objects of one name at different places are a
// fault of each but the first. The last is what the inventory has. Doubts about policies
// are kept: what reads policies finds more, and would tell the same twice.
func (a *app) loadOnce(ctx context.Context, paths []string, quiet bool) (loaded, error) {
	out, read, err := a.readFiles(ctx, paths)
	if !quiet {
		of := func(w files.Warning) bool { return w.Key.Kind == networkPolicyKind }
		for _, w := range read.Warnings {
			if of(w) {
				out.doubts = append(out.doubts, doubt{w.File, w.Line, w.String()})
			}
		}
		read.Warnings = slices.DeleteFunc(slices.Clone(read.Warnings), of)
		a.doubts(read)
	}
	for _, item := range read.Items {
		if why, is := unknownKind(item); is {
			out.faults = append(out.faults, report.Fault{File: item.File, Line: item.Line, Message: fmt.Sprintf("%s: %s", inventory.KeyOf(item.Object), why)})
		}
	}
	for _, t := range repeated(read.Items) {
		if t.item.File != t.first.File || t.item.Line != t.first.Line { // not one file that was named twice
			out.faults = append(out.faults, report.Fault{File: t.item.File, Line: t.item.Line, Message: t.what() + ", and only one object has a name"})
			out.twice = true
		}
	}
	return out, err
}

// twice is an object of which there was one with the same identity before.
type twice struct {
	key         inventory.Key
	item, first files.Item
}

func (t twice) what() string {
	return fmt.Sprintf("%s is also at %s", t.key, placeOf(t.first.File, t.first.Line))
}

func (t twice) String() string { return placeOf(t.item.File, t.item.Line) + ": " + t.what() }

// readFiles reads paths, and says nothing.
func (a *app) readFiles(ctx context.Context, paths []string) (loaded, files.Result, error) {
	bar := a.progress("reading objects", manyDocuments)
	read, err := files.Load(ctx, files.Options{Stdin: a.In, Progress: bar.set}, paths...)
	bar.stop()
	if ctx.Err() != nil {
		return loaded{}, files.Result{}, ctx.Err()
	}
	out := loaded{faults: faultsOf(err)}
	for _, item := range read.Items {
		out.targets = append(out.targets, fileTarget(item))
	}
	if len(out.targets) == 0 && len(out.faults) == 0 {
		return out, read, fmt.Errorf("there is nothing to judge: no Kubernetes object in %s", strings.Join(paths, ", "))
	}
	out.inventory = inventory.New(read.Objects()...)
	return out, read, nil
}

func fileTarget(item files.Item) target {
	key := inventory.KeyOf(item.Object)
	return target{
		object: item.Object, key: key, positions: item.Positions, item: item,
		at: report.Judged{Object: report.NewObject(item.GVK.GroupVersion().String(), key), File: item.File, Line: item.Line},
	}
}

// faultsOf lists the faults of a loader by place. An error that is no fault of
// a file stays one.
func faultsOf(err error) []report.Fault {
	if err == nil {
		return nil
	}
	var out []report.Fault
	for _, f := range files.Faults(err) {
		out = append(out, report.Fault{File: f.File, Line: f.Line, Message: f.Err.Error()})
	}
	if len(out) == 0 {
		out = append(out, report.Fault{Message: err.Error()})
	}
	slices.SortStableFunc(out, func(x, y report.Fault) int {
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
	})
	return out
}

// doubt is a warning about what stands at a place.
type doubt struct {
	file string
	line int
	text string
}

// repeated returns the objects that are there twice. Those that get their names when
// they are made have none yet.
func repeated(items []files.Item) []twice {
	var out []twice
	seen := map[inventory.Key]files.Item{}
	for _, item := range items {
		key := inventory.KeyOf(item.Object)
		if first, known := seen[key]; known && key.Name != "" {
			out = append(out, twice{key, item, first})
			continue
		}
		seen[key] = item
	}
	return out
}

// doubts tells what was read with a doubt, what else is doubted, and what was passed
// over.
func (a *app) doubts(read files.Result, list ...doubt) {
	for _, w := range read.Warnings {
		list = append(list, doubt{w.File, w.Line, w.String()})
	}
	a.tellDoubts(list)
	for _, s := range read.Skipped {
		a.say("note: %s: passed over: %s", placeOf(s.File, s.Line), s.Reason)
	}
}

// tellDoubts tells doubts by place.
func (a *app) tellDoubts(list []doubt) {
	slices.SortFunc(list, func(x, y doubt) int {
		return cmp.Or(cmp.Compare(x.file, y.file), cmp.Compare(x.line, y.line), cmp.Compare(x.text, y.text))
	})
	for _, d := range list {
		a.say("warning: %s", d.text)
	}
}

func placeOf(file string, line int) string {
	if file = checks.Plain(file); file == files.Stdin {
		file = "standard input"
	}
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// tell writes the faults to the standard error.
func (a *app) tell(faults []report.Fault) {
	for _, f := range faults {
		message := f.Message
		if f.File != "" {
			message = placeOf(f.File, f.Line) + ": " + message
		}
		a.say("error: %s", message)
	}
}

// errNoPaths is the fault of a command that needs files.
var errNoPaths = errors.New("name the files or folders to read, or - for the standard input")
