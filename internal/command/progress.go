// SPDX-License-Identifier: Apache-2.0

package command

import (
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// manyDocuments is from how many objects on a file run shows its progress: below,
// it is over before anybody reads it.
const manyDocuments = 200

// bar shows how many objects have been read. The zero value shows nothing.
type bar struct {
	writer  progress.Writer
	tracker *progress.Tracker
	out     io.Writer
	from    int           // shown only beyond this many objects
	done    chan struct{} // closed when the writer has ended; nil before it begins
}

// progress makes a bar on the standard error, if that is a terminal.
func (a *app) progress(title string, from int) *bar {
	width, terminal := isTerminal(a.Err)
	if !terminal {
		return &bar{}
	}
	b := &bar{writer: progress.NewWriter(), tracker: &progress.Tracker{Message: title, Units: progress.UnitsDefault}, out: a.Err, from: from}
	b.writer.SetOutputWriter(a.Err)
	b.writer.SetUpdateFrequency(100 * time.Millisecond)
	b.writer.SetTrackerLength(20)
	if width > 0 {
		b.writer.SetTerminalWidth(width)
	}
	b.writer.Style().Visibility.Percentage = false
	b.writer.Style().Visibility.ETA = false
	return b
}

// manyPolicies and manyLines are from how many policies and lines of a picture on a run
// shows how many it has made.
const (
	manyPolicies = 200
	manyLines    = 200
)

// manyEnds is from how many ends on a comparison shows its progress.
const manyEnds = 200

// comparing makes options show how far a comparison is, until stop is called.
func (a *app) comparing(o verify.Options) (options verify.Options, stop func()) {
	b := a.progress("comparing ends", manyEnds)
	o.Progress = b.set
	return o, b.stop
}

// set shows a number of objects. It is called by one goroutine at a time.
func (b *bar) set(objects int) {
	if b.writer == nil || objects < b.from {
		return
	}
	if b.done == nil {
		b.done = make(chan struct{})
		b.writer.AppendTracker(b.tracker)
		go func() {
			defer close(b.done)
			b.writer.Render()
		}()
	}
	b.tracker.SetValue(int64(objects))
}

// stop takes the bar away and waits for it. It shows nothing any more then, and may be
// stopped again.
func (b *bar) stop() {
	if b.done == nil {
		return
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		// Stop before Render has begun has no effect, so it is repeated.
		b.writer.Stop()
		select {
		case <-b.done:
			// The writer leaves its last line behind. A terminal that does not
			// take the line away shows it, no more.
			_, _ = io.WriteString(b.out, text.CursorUp.Sprint()+text.EraseLine.Sprint())
			b.writer, b.done = nil, nil
			return
		case <-tick.C:
		}
	}
}
