// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"errors"
	"fmt"
	"io"

	"github.com/gatehouse-sh/gatehouse/internal/jsonlines"
)

// maxLine bounds one flow. The greatest field is the list of the labels, twice.
const maxLine = 1 << 20

// Stats say what recordings held, besides flows.
type Stats struct {
	jsonlines.Stats

	Flows    uint64 // that were understood
	Lost     uint64 // events that the recorder says it lost
	Messages uint64 // of the recorder about itself
}

// Reader reads recordings; memory does not grow with their length. Stats add up
// over several of them. The zero value is ready.
type Reader struct {
	Stats Stats

	// Read, when set, is called now and then with the bytes read so far.
	Read func(bytes int64)

	decoder decoder
}

// Each calls visit for every flow of one recording, in its order. The form is
// found out by the first line: JSON begins with a brace, and anything else must
// be the names of columns. The flow and what it refers to are valid until visit
// returns. Broken lines are counted and named in Stats; an input that cannot be
// read, and an error of visit, are errors.
func (r *Reader) Each(in io.Reader, visit func(*Flow) error) error {
	lines := jsonlines.Reader{Stats: r.Stats.Stats, MaxLine: maxLine, Read: r.Read}
	each := &recording{reader: r, visit: visit}
	defer func() { r.Stats.Stats = lines.Stats }()
	err := lines.Each(&until{in, &each.stopped}, each.line)
	if each.stopped != nil {
		return each.stopped
	}
	if err != nil {
		return fmt.Errorf("read flows: %w", err)
	}
	return nil
}

// recording is the state of reading one input.
type recording struct {
	reader  *Reader
	visit   func(*Flow) error
	begun   bool
	columns *csvDecoder // nil for JSON
	flow    Flow
	stopped error
}

// line reads one line; an error makes it a broken one.
func (r *recording) line(line []byte) error {
	if r.stopped != nil {
		return nil //nolint:nilerr // Each returns it; it is no fault of this line
	}
	if !r.begun {
		r.begun = true
		if line[0] != '{' {
			r.columns = &csvDecoder{decoder: &r.reader.decoder}
			r.stopped = r.columns.header(line)
			return nil
		}
	}
	if r.columns != nil {
		if err := r.columns.record(line, &r.flow); err != nil {
			return err
		}
		r.give()
		return nil
	}
	what, err := r.reader.decoder.decode(line, &r.flow)
	switch {
	case err != nil:
		return err
	case what == aLoss:
		r.reader.Stats.Lost += r.reader.decoder.lost
	case what == aMessage:
		r.reader.Stats.Messages++
	default:
		r.give()
	}
	return nil
}

func (r *recording) give() {
	r.reader.Stats.Flows++
	r.stopped = r.visit(&r.flow)
}

// until ends an input once somebody stopped: lines that are in memory already are
// passed over, and nothing more is read.
type until struct {
	in      io.Reader
	stopped *error
}

var errStopped = errors.New("stopped")

func (u *until) Read(p []byte) (int, error) {
	if *u.stopped != nil {
		return 0, errStopped
	}
	return u.in.Read(p) //nolint:wrapcheck // io.EOF must stay what it is
}
