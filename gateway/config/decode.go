// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// MaxFile is the size of the largest configuration that is read: 64 MiB, some
// 200,000 routes.
const MaxFile = 64 << 20

// Error is what is wrong with a configuration, and where.
type Error struct {
	File string // "" if there is none
	Line int    // 0 if it is not known
	Path string // such as routes[2].matches[0].path; "" if it is not known
	What string
}

// Error is file:line: path: what.
func (e Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
		if e.Line > 0 {
			b.WriteString(strconv.Itoa(e.Line) + ":")
		}
		b.WriteByte(' ')
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	return b.String() + e.What
}

// Decode reads a configuration. Fields that it does not know, fields that are
// there twice, and a second document are faults. The error joins all Errors that
// could be found. Files that are named in it are not read.
func Decode(file string, data []byte) (*Snapshot, error) {
	s, _, err := decode(file, data)
	return s, err
}

// tree is a file as it is written, which knows the lines. It is several times as large as
// the file, so it is made only when there is something to tell.
type tree func() *yaml.Node

func newTree(data []byte) tree {
	return sync.OnceValue(func() *yaml.Node {
		root := &yaml.Node{}
		_ = yaml.Unmarshal(data, root) // it was decoded before
		return root
	})
}

// decode is Decode, and returns what knows the lines, too.
func decode(file string, data []byte) (*Snapshot, tree, error) {
	if len(data) > MaxFile {
		return nil, nil, Error{File: file, What: fmt.Sprintf("%d bytes are more than %d", len(data), MaxFile)}
	}
	s := &Snapshot{}
	in := yaml.NewDecoder(bytes.NewReader(data))
	in.KnownFields(true)
	if err := in.Decode(s); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, nil, syntax(file, err)
	}
	if err := in.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, nil, Error{File: file, What: "there is a second document"}
	}
	root := newTree(data)
	if err := located(s.Validate(), file, root); err != nil {
		return nil, nil, err
	}
	return s, root, nil
}

// located joins faults, with their lines.
func located(faults []Error, file string, root tree) error {
	errs := make([]error, len(faults))
	for i, f := range placed(faults, file, root) {
		errs[i] = f
	}
	return errors.Join(errs...)
}

// placed gives faults their lines.
func placed(faults []Error, file string, root tree) []Error {
	for i := range faults {
		faults[i].File, faults[i].Line = file, lineOf(root(), faults[i].Path)
	}
	return faults
}

var (
	atLine  = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	unknown = regexp.MustCompile(`^field (\S+) not found in type \S+$`)
	noSuch  = regexp.MustCompile("^cannot unmarshal (\\S+) (`.*` )?into (\\S+)$")
)

var shapes = map[string]string{"!!seq": "a list", "!!map": "a mapping"}

// syntax puts the faults that the YAML library reports into our form.
func syntax(file string, err error) error {
	texts := []string{err.Error()}
	if several, ok := errors.AsType[*yaml.TypeError](err); ok {
		texts = several.Errors
	}
	errs := make([]error, 0, len(texts))
	for _, text := range texts {
		f := Error{File: file, What: strings.TrimPrefix(text, "yaml: ")}
		if m := atLine.FindStringSubmatch(text); m != nil {
			f.Line, _ = strconv.Atoi(m[1]) // digits, by the expression
			f.What = m[2]
		}
		if m := unknown.FindStringSubmatch(f.What); m != nil {
			f.What = fmt.Sprintf("there is no field %q", m[1])
		}
		if m := noSuch.FindStringSubmatch(f.What); m != nil {
			f.What = fmt.Sprintf("%s is not what belongs here (%s)", cmp.Or(shapes[m[1]], strings.TrimSpace(m[2])), strings.TrimPrefix(m[3], "config."))
		}
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}

var step = regexp.MustCompile(`[^.\[\]]+|\[\d+\]`)

// lineOf finds the line of a field by its path, or of the nearest above it that
// is written down.
func lineOf(n *yaml.Node, path string) int {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	line := n.Line
	for _, s := range step.FindAllString(path, -1) {
		next, at := child(n, s)
		if next == nil {
			break
		}
		n, line = next, at
	}
	return line
}

func child(n *yaml.Node, step string) (next *yaml.Node, line int) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if strings.HasPrefix(step, "[") && n.Kind == yaml.SequenceNode {
		if i, err := strconv.Atoi(strings.Trim(step, "[]")); err == nil && i < len(n.Content) {
			return n.Content[i], n.Content[i].Line
		}
	}
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1], n.Content[i].Line
			}
		}
	}
	return nil, 0
}
