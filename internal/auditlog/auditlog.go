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
	"encoding/json"
	"fmt"
	"io"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/jsonlines"
)

// maxLine bounds one event. A request of the largest object, 3 MiB, is repeated
// in the response at level RequestResponse, and JSON may double both.
const maxLine = 16 << 20

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
	Bytes   int64             // after decompression
	Faults  []jsonlines.Fault // the first of the broken lines
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
	lines := jsonlines.Reader{MaxLine: maxLine, Read: r.Read}
	s := &r.Stats
	lines.Stats = jsonlines.Stats{Lines: s.Lines, Broken: s.Broken, Bytes: s.Bytes, Faults: s.Faults}
	var e event
	err := lines.Each(in, func(text []byte) error { return r.line(text, &e, visit) })
	s.Lines, s.Broken, s.Bytes, s.Faults = lines.Stats.Lines, lines.Stats.Broken, lines.Stats.Bytes, lines.Stats.Faults
	return err
}

func (r *Reader) line(text []byte, e *event, visit func(Use)) error {
	*e = event{User: userInfo{Groups: e.User.Groups[:0]}}
	if err := json.Unmarshal(text, e); err != nil {
		return fmt.Errorf("decode event: %w", err)
	}
	if err := e.check(); err != nil {
		return err
	}
	switch {
	case e.User.Username == "":
		r.Stats.Refused++
		return nil
	case e.Stage != "ResponseComplete" && e.Stage != "ResponseStarted" && e.Stage != "Panic":
		r.Stats.Other++
		return nil
	case e.Stage == "ResponseStarted" && e.Verb != "watch":
		r.Stats.Other++ // the line of its completion follows
		return nil
	case e.refused():
		r.Stats.Refused++
		return nil
	}
	r.Stats.Uses++
	e.uses(visit)
	return nil
}
