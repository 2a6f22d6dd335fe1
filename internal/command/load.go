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
	live      bool // the targets are those of a cluster
}

// loadFiles reads paths. Doubts go to the standard error at once.
func (a *app) loadFiles(ctx context.Context, paths []string, quiet bool) (loaded, error) {
	bar := a.progress("reading objects", manyDocuments)
	read, err := files.Load(ctx, files.Options{Stdin: a.In, Progress: bar.set}, paths...)
	bar.stop()
	if ctx.Err() != nil {
		return loaded{}, ctx.Err()
	}
	out := loaded{faults: faultsOf(err)}
	for _, item := range read.Items {
		out.targets = append(out.targets, fileTarget(item))
	}
	if !quiet {
		a.doubts(read)
	}
	if len(out.targets) == 0 && len(out.faults) == 0 {
		return out, fmt.Errorf("there is nothing to judge: no Kubernetes object in %s", strings.Join(paths, ", "))
	}
	out.inventory = inventory.New(read.Objects()...)
	return out, nil
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

// doubts tells what was read with a doubt, what was passed over, and which
// objects are there twice.
func (a *app) doubts(read files.Result) {
	var list []doubt
	for _, w := range read.Warnings {
		list = append(list, doubt{w.File, w.Line, w.String()})
	}
	seen := map[inventory.Key]files.Item{}
	for _, item := range read.Items {
		key := inventory.KeyOf(item.Object)
		tell := func(format string, args ...any) {
			text := fmt.Sprintf("%s: %s %s", placeOf(item.File, item.Line), key, fmt.Sprintf(format, args...))
			list = append(list, doubt{item.File, item.Line, text})
		}
		if why, is := unknownKind(item); is {
			tell("is not judged: %s", why)
		}
		if first, twice := seen[key]; twice {
			tell("is also at %s", placeOf(first.File, first.Line))
			continue
		}
		seen[key] = item
	}
	slices.SortFunc(list, func(x, y doubt) int {
		return cmp.Or(cmp.Compare(x.file, y.file), cmp.Compare(x.line, y.line), cmp.Compare(x.text, y.text))
	})
	for _, d := range list {
		a.say("warning: %s", d.text)
	}
	for _, s := range read.Skipped {
		a.say("note: %s: passed over: %s", placeOf(s.File, s.Line), s.Reason)
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
