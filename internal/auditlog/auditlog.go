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
	"net/url"
	"strings"

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
		r.Stats.Bytes += int64(len(line))
		switch {
		case errors.Is(err, errTooLong):
			r.Stats.Lines++
			r.Stats.add(number, err)
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("read line %d: %w", number, err)
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			r.Stats.Lines++
			r.line(number, text, &e, visit)
		}
		if r.Read != nil && number%1000 == 0 {
			r.Read(r.Stats.Bytes)
		}
		if err != nil {
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

// event is what is read of an Event.
type event struct {
	Kind             string            `json:"kind"`
	APIVersion       string            `json:"apiVersion"`
	Stage            string            `json:"stage"`
	Verb             string            `json:"verb"`
	RequestURI       string            `json:"requestURI"`
	User             userInfo          `json:"user"`
	ImpersonatedUser *userInfo         `json:"impersonatedUser"`
	ObjectRef        *objectRef        `json:"objectRef"`
	ResponseStatus   *status           `json:"responseStatus"`
	Annotations      map[string]string `json:"annotations"`
}

type userInfo struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

type objectRef struct {
	Resource    string `json:"resource"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	APIGroup    string `json:"apiGroup"`
	Subresource string `json:"subresource"`
}

type status struct {
	Code int32 `json:"code"`
}

func (e *event) check() error {
	switch {
	case e.Kind != "Event" || !strings.HasPrefix(e.APIVersion, "audit.k8s.io/"):
		return fmt.Errorf("is a %q of %q, not an Event of audit.k8s.io", e.Kind, e.APIVersion)
	case e.Stage == "":
		return errors.New("has no stage")
	case e.Verb == "" || e.User.Username == "":
		return errors.New("has no verb or no user")
	}
	return nil
}

// refused reports whether the authorizer, or the authenticator before it, said
// no. An answer with an error of another kind needed the permission all the
// same.
func (e *event) refused() bool {
	if e.Annotations["authorization.k8s.io/decision"] == "forbid" {
		return true
	}
	return e.ResponseStatus != nil && (e.ResponseStatus.Code == 401 || e.ResponseStatus.Code == 403) &&
		e.Annotations["authorization.k8s.io/decision"] != "allow"
}

// uses yields the request, and for one by an impersonator the impersonation that
// it needed itself.
func (e *event) uses(visit func(Use)) {
	who := e.User
	if e.ImpersonatedUser != nil && e.ImpersonatedUser.Username != "" {
		e.impersonation(visit)
		who = *e.ImpersonatedUser
	}
	visit(Use{who.Username, who.Groups, e.request()})
}

func (e *event) request() authz.Request {
	if e.ObjectRef == nil || e.ObjectRef.Resource == "" {
		path := e.RequestURI
		if u, err := url.ParseRequestURI(path); err == nil {
			path = u.Path
		}
		return authz.Request{Verb: e.Verb, Path: path}
	}
	o := e.ObjectRef
	return authz.Request{Verb: e.Verb, Group: o.APIGroup, Resource: o.Resource, Subresource: o.Subresource, Name: o.Name, Namespace: o.Namespace}
}

// impersonation yields what somebody needs to act as somebody else: the user and
// each group by name
// (k8s.io/apiserver/pkg/endpoints/filters/impersonation).
func (e *event) impersonation(visit func(Use)) {
	as := e.ImpersonatedUser
	r := authz.Request{Verb: "impersonate", Resource: "users", Name: as.Username}
	if namespace, name, ok := authz.SplitAccount(as.Username); ok {
		r.Resource, r.Namespace, r.Name = "serviceaccounts", namespace, name
	}
	visit(Use{e.User.Username, e.User.Groups, r})
	for _, g := range as.Groups {
		if own := g == authz.Authenticated || g == authz.Unauthenticated || r.Namespace != "" && strings.HasPrefix(g, authz.AccountGroup); !own {
			visit(Use{e.User.Username, e.User.Groups, authz.Request{Verb: "impersonate", Resource: "groups", Name: g}})
		}
	}
}
