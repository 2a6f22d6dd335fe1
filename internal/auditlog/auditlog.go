// SPDX-License-Identifier: Apache-2.0

// Package auditlog reads the audit log of an API server as a stream and says
// what each subject did there, as access requests that RBAC decides about. It is
// what `gatehouse rbac suggest` computes least privilege from.
//
// The form is JSON lines of audit.k8s.io/v1 Events, as the log backend writes
// them (k8s.io/apiserver/pkg/apis/audit/v1/types.go), plain or gzip. Request and
// response bodies, which may hold secrets, are never decoded.
package auditlog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// maxLine bounds one event. A request of the largest object, 3 MiB, is repeated
// in the response at level RequestResponse, and JSON may double both.
const maxLine = 16 << 20

// maxBroken is how many broken lines are named; the others are counted.
const maxBroken = 20

// Use is one request that an API server allowed.
type Use struct {
	User    string   // whom the request was authorised as
	Groups  []string // valid until the next line is read
	Request authz.Request
}

// Stats say what a log held.
type Stats struct {
	Lines   int // that hold something
	Uses    int // requests that were allowed
	Refused int // requests that were not: 401 and 403
	Other   int // earlier stages of requests that another line completes
	Broken  int
	Bytes   int64 // after decompression
	Faults  []Fault
}

// Fault is a line that could not be read.
type Fault struct {
	Line int // 1-based
	Err  error
}

func (f Fault) String() string { return fmt.Sprintf("line %d: %v", f.Line, f.Err) }

// add counts a fault and keeps the first ones.
func (s *Stats) add(line int, err error) {
	s.Broken++
	if len(s.Faults) < maxBroken {
		s.Faults = append(s.Faults, Fault{line, err})
	}
}

// Reader reads a log line by line; memory does not grow with its length.
type Reader struct {
	Stats Stats

	// Read, when set, is called now and then with the bytes read so far.
	Read func(bytes int64)
}

// Each calls visit for every request that was allowed, in the order of the log.
// A broken line is counted and named in Stats and is no error; an input that
// cannot be read is.
func (r *Reader) Each(in io.Reader, visit func(Use)) error {
	buffered := bufio.NewReaderSize(in, 1<<20)
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return fmt.Errorf("read gzip: %w", err)
		}
		buffered = bufio.NewReaderSize(unzipped, 1<<20)
	}
	var e event
	var long []byte // a line that did not fit the buffer
	for number := 1; ; number++ {
		line, err := readLine(buffered, &long)
		ended := errors.Is(err, io.EOF) // behind the line, if there is one
		r.Stats.Bytes += int64(len(line))
		switch {
		case errors.Is(err, errTooLong):
			r.Stats.Lines++
			r.Stats.add(number, err)
			continue
		case err != nil && !ended:
			return fmt.Errorf("read line %d: %w", number, err)
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			r.Stats.Lines++
			r.line(number, text, &e, visit)
		}
		if r.Read != nil && number%1000 == 0 {
			r.Read(r.Stats.Bytes)
		}
		if ended {
			return nil
		}
	}
}

var errTooLong = fmt.Errorf("is longer than %d MiB", maxLine>>20)

// readLine returns the next line, valid until the next call. A line beyond the
// bound is passed over as a whole.
func readLine(in *bufio.Reader, long *[]byte) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	*long = append((*long)[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = in.ReadSlice('\n')
		if len(*long) <= maxLine {
			*long = append(*long, line...)
		}
	}
	if len(*long) > maxLine {
		*long = nil
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, errTooLong
	}
	return *long, err
}

func (r *Reader) line(number int, text []byte, e *event, visit func(Use)) {
	*e = event{User: userInfo{Groups: e.User.Groups[:0]}}
	if err := json.Unmarshal(text, e); err != nil {
		r.Stats.add(number, fmt.Errorf("decode event: %w", err))
		return
	}
	if err := e.check(); err != nil {
		r.Stats.add(number, err)
		return
	}
	switch {
	case e.User.Username == "":
		r.Stats.Refused++
		return
	case e.Stage != "ResponseComplete" && e.Stage != "ResponseStarted" && e.Stage != "Panic":
		r.Stats.Other++
		return
	case e.Stage == "ResponseStarted" && e.Verb != "watch":
		r.Stats.Other++ // the line of its completion follows
		return
	case e.refused():
		r.Stats.Refused++
		return
	}
	r.Stats.Uses++
	e.uses(visit)
}
