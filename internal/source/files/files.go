// SPDX-License-Identifier: Apache-2.0

// Package files reads Kubernetes objects from manifests: files, folders,
// standard input and kustomize folders, in YAML or JSON, single, in streams or
// in Lists.
//
// It reads what `kubectl apply` would read, in the same way (the scalars of
// YAML 1.1 included), and refuses what is ambiguous: duplicate keys, documents
// without kind. It never opens a network connection. It does not judge the
// objects and does not keep an inventory; the command line does both with what
// this package returns.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Bounds of what is read.
const (
	// MaxDocument is 6 MiB per document: an API server takes requests of at most
	// 3 MiB (https://github.com/kubernetes/kubernetes, MaxRequestBodyBytes), and
	// YAML may take twice the bytes of the JSON that is sent.
	MaxDocument = 6 << 20

	// MaxList is 32 MiB for a document that is a List, which `kubectl get` writes
	// and no API server is sent: 50,000 bindings. Its tree takes some 33 times the
	// text (measured: 2.0 GB for 60 MiB), so a larger one must be split, or read
	// from the cluster.
	MaxList = 32 << 20

	// DefaultMaxBytes is 256 MiB of text per run, the manifests of about 100,000
	// objects of 2.5 KiB.
	DefaultMaxBytes = 256 << 20

	// maxExpanded bounds the JSON of one object after its aliases are
	// expanded. Text without aliases grows by less than 2 (escapes), so only a
	// document that is made to explode comes near.
	maxExpanded = 2 * MaxDocument
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// Options tune Load. The zero value is usable: no standard input.
type Options struct {
	// Stdin is read for the path "-"; nil makes that path an error.
	Stdin io.Reader

	// MaxBytes bounds the text of the whole run; 0 means DefaultMaxBytes.
	MaxBytes int64

	// Progress, when set, is called after each document with the number of
	// objects read so far. It runs on the caller's goroutine.
	Progress func(objects int)
}

// Item is one object and where it stands.
type Item struct {
	Object inventory.Object
	GVK    schema.GroupVersionKind

	// File is the path as it was given or found; "-" for standard input.
	File string

	// Line is the 1-based line of the object's first key.
	Line int

	// Document is the 0-based index of the object's document in its file, empty
	// documents counted; Element its index in a List, -1 outside of one.
	Document int
	Element  int

	// Kustomization is the kustomization file that produced the object, empty
	// for an object read as it stands. File and Line are then the file that the
	// object came from, as far as kustomize says, or the kustomization file.
	Kustomization string

	// Positions maps field paths to lines.
	Positions *Positions
}

// Skip is a file, or one document of it, that a folder walk left out because it
// holds no Kubernetes object.
type Skip struct {
	File   string
	Line   int // 0 for the whole file
	Reason string
}

// Warning is a doubt about an object that was read: a field that its type does
// not have (and that an API server would drop or refuse), a version that is read
// as another one.
type Warning struct {
	File    string
	Line    int
	Key     inventory.Key
	Field   string // "spec.tpye"; empty for the whole object
	Message string
}

// String returns "file:line: Kind namespace/name: message".
func (w Warning) String() string {
	return fmt.Sprintf("%s: %s: %s", place(w.File, w.Line), w.Key, w.Message)
}

// Fault is an error with a place. Load returns faults joined; Faults takes the
// join apart.
type Fault struct { //nolint:errname // a part of the result too, beside Skip and Warning
	File string
	Line int // 0 when the fault is of the whole file
	Err  error
}

// Error returns "file:line: what is wrong".
func (f *Fault) Error() string { return place(f.File, f.Line) + ": " + f.Err.Error() }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

func place(file string, line int) string {
	if file == Stdin {
		file = "standard input"
	}
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// Faults lists the faults of an error that Load returned, in the order in which
// they were met.
func Faults(err error) []*Fault {
	switch e := err.(type) { //nolint:errorlint // takes the join apart level by level; a fault's own causes stay inside
	case *Fault:
		return []*Fault{e}
	case interface{ Unwrap() []error }:
		var out []*Fault
		for _, each := range e.Unwrap() {
			out = append(out, Faults(each)...)
		}
		return out
	case interface{ Unwrap() error }:
		return Faults(e.Unwrap())
	}
	return nil
}

// Result is what a run read. Items keep the order of the paths and of the
// documents in them; files of a folder come in lexical order.
type Result struct {
	Items    []Item
	Skipped  []Skip
	Warnings []Warning
}

// Objects returns the objects of all items, in order.
func (r *Result) Objects() []inventory.Object {
	out := make([]inventory.Object, len(r.Items))
	for i := range r.Items {
		out[i] = r.Items[i].Object
	}
	return out
}

// Load reads every path: a file, a folder (recursively *.yaml, *.yml, *.json),
// a folder with a kustomization, or "-". All faults are collected and returned
// joined, together with everything that could be read: the caller decides what
// a partial result is worth. When ctx ends, its error is among the faults.
//
// Objects of namespaced kinds without namespace are given "default"; those of
// cluster-scoped kinds lose a namespace that they carry, as in the API server.
func Load(ctx context.Context, o Options, paths ...string) (Result, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	l := &loader{ctx: ctx, options: o, left: o.MaxBytes}
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			l.faults = append(l.faults, err)
			break
		}
		l.path(path)
	}
	l.settleNamespaces()
	return l.result, errors.Join(l.faults...)
}

// loader is the state of one run; it lives on one goroutine.
type loader struct {
	ctx     context.Context // lives as long as one call of Load
	options Options
	left    int64 // bytes that may still be read
	result  Result
	faults  []error
	pending []pendingWarning
}

// fault notes what is wrong with a whole file.
func (l *loader) fault(file string, err error) {
	l.faults = append(l.faults, &Fault{File: file, Err: err})
}

func (l *loader) path(path string) {
	if path == Stdin {
		if l.options.Stdin == nil {
			l.fault(Stdin, errors.New("there is none to read"))
			return
		}
		l.stream(source{file: Stdin, named: true}, l.options.Stdin)
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		l.fault(path, cause(err))
	case info.IsDir():
		l.folder(path)
	case isKustomization(path):
		l.fault(path, errors.New("is a kustomization: name its folder instead"))
	default:
		l.file(source{file: path, named: true})
	}
}

// cause drops the operation and the path from an error of package os: the fault
// names the path already.
func cause(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}
