// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// The kind of an exemption in a file.
const (
	APIVersion = "gatehouse.sh/v1alpha1"
	Kind       = "Exemption"
)

// maxFile bounds a file: 1 MiB holds some thousand exemptions.
const maxFile = 1 << 20

// file is the form of one document. Only a name of metadata means anything;
// labels and annotations are accepted, as everywhere in Kubernetes.
type file struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name        string            `yaml:"name"`
		Labels      map[string]string `yaml:"labels"`
		Annotations map[string]string `yaml:"annotations"`
	} `yaml:"metadata"`
	Spec struct {
		Checks    []string       `yaml:"checks"`
		Objects   []fileSelector `yaml:"objects"`
		Subjects  []string       `yaml:"subjects"`
		Reason    string         `yaml:"reason"`
		Owner     string         `yaml:"owner"`
		ExpiresAt string         `yaml:"expiresAt"`
	} `yaml:"spec"`
}

type fileSelector struct {
	Kinds      []string `yaml:"kinds"`
	Namespaces []string `yaml:"namespaces"`
	Names      []string `yaml:"names"`
}

// FaultError is what is wrong with an exemption.
type FaultError struct {
	Line int // 1-based; 0 when not known
	Err  error
}

// Error returns "line N: what is wrong".
func (f *FaultError) Error() string {
	if f.Line == 0 {
		return f.Err.Error()
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.Err)
}

// Unwrap returns the cause.
func (f *FaultError) Unwrap() error { return f.Err }

// Parse reads the exemptions of a YAML stream. A stream with any fault gives
// nothing but the faults, joined, each a *FaultError: half of a file of exemptions
// means something else than all of it.
func Parse(data []byte, set *checks.Set) (*Set, error) {
	if len(data) > maxFile {
		return nil, &FaultError{Err: fmt.Errorf("has %d bytes; a file of exemptions may have %d", len(data), maxFile)}
	}
	nodes, err := documents(data)
	if err != nil {
		return nil, err
	}
	var faults []error
	var out []Exemption
	names := map[string]int{}
	for i := range nodes {
		n := nodes[i]
		e, err := one(n, set)
		if first, twice := names[e.Name]; err == nil && twice {
			err = fmt.Errorf("exemption %q is there twice (first at line %d)", e.Name, first)
		}
		if err != nil {
			faults = append(faults, &FaultError{Line: n.Line, Err: err})
			continue
		}
		names[e.Name] = e.Line
		out = append(out, e)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return NewSet(out...), nil
}

// documents returns the objects of a stream; the elements of a List count as
// objects of their own.
func documents(data []byte) ([]*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var out []*yaml.Node
	for {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, &FaultError{Err: fmt.Errorf("parse YAML: %w", err)}
		}
		if len(doc.Content) == 0 {
			continue
		}
		root := doc.Content[0]
		if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
			continue
		}
		var list struct {
			Kind  string      `yaml:"kind"`
			Items []yaml.Node `yaml:"items"`
		}
		if err := root.Decode(&list); err == nil && strings.HasSuffix(list.Kind, "List") {
			for i := range list.Items {
				out = append(out, &list.Items[i])
			}
			continue
		}
		out = append(out, root)
	}
}

// one reads an exemption strictly: a selector whose name is misspelled would
// otherwise be one that is not there, and exempt more than was meant.
func one(n *yaml.Node, set *checks.Set) (Exemption, error) {
	var f file
	text, err := yaml.Marshal(n)
	if err != nil {
		return Exemption{}, fmt.Errorf("read exemption: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil {
		return Exemption{}, fmt.Errorf("read exemption: %w", stripLines(err))
	}
	if f.APIVersion != APIVersion || f.Kind != Kind {
		return Exemption{}, fmt.Errorf("is a %q of %q, not an %s of %s", f.Kind, f.APIVersion, Kind, APIVersion)
	}
	e := Exemption{
		Name: f.Metadata.Name, Subjects: f.Spec.Subjects, Line: n.Line,
		Reason: strings.TrimSpace(f.Spec.Reason), Owner: strings.TrimSpace(f.Spec.Owner),
	}
	faults := []error{required("metadata.name", e.Name), required("spec.reason", e.Reason), required("spec.owner", e.Owner)}
	faults = append(faults, e.readChecks(f.Spec.Checks, set), e.readObjects(f.Spec.Objects), patterns("spec.subjects", f.Spec.Subjects))
	if e.ExpiresAt, err = time.Parse(time.RFC3339, f.Spec.ExpiresAt); err != nil {
		faults = append(faults, fmt.Errorf("spec.expiresAt: %q is not a time such as 2027-01-31T00:00:00Z", f.Spec.ExpiresAt))
	}
	return e, errors.Join(faults...)
}

func required(field, value string) error {
	if value == "" {
		return fmt.Errorf("%s is empty", field)
	}
	return nil
}

func (e *Exemption) readChecks(names []string, set *checks.Set) error {
	if len(names) == 0 {
		return errors.New("spec.checks names no check")
	}
	var faults []error
	for i, name := range names {
		c, known := set.Lookup(name)
		if !known {
			faults = append(faults, fmt.Errorf("spec.checks[%d]: no check has the id or name %q", i, name))
			continue
		}
		e.Checks = append(e.Checks, c.ID)
	}
	return errors.Join(faults...)
}

func (e *Exemption) readObjects(list []fileSelector) error {
	if len(list) == 0 {
		return errors.New("spec.objects selects no object")
	}
	var faults []error
	for i, s := range list {
		at := fmt.Sprintf("spec.objects[%d]", i)
		if len(s.Kinds)+len(s.Namespaces)+len(s.Names) == 0 {
			faults = append(faults, fmt.Errorf("%s selects everything: give kinds, namespaces or names", at))
		}
		for j, kind := range s.Kinds {
			if kind == "" || strings.ContainsAny(kind, "*/ ") {
				faults = append(faults, fmt.Errorf("%s.kinds[%d]: %q is not of the form Kind or Kind.group", at, j, kind))
			}
		}
		faults = append(faults, patterns(at+".namespaces", s.Namespaces), patterns(at+".names", s.Names))
		e.Objects = append(e.Objects, Selector(s))
	}
	return errors.Join(faults...)
}

func patterns(field string, list []string) error {
	var faults []error
	for i, p := range list {
		if p == "" || strings.Contains(strings.TrimSuffix(p, "*"), "*") {
			faults = append(faults, fmt.Errorf("%s[%d]: %q is not a name, or the beginning of one followed by *", field, i, p))
		}
	}
	return errors.Join(faults...)
}

// stripLines removes the library's line numbers, which count within the
// document, and its prefixes.
func stripLines(err error) error {
	var typed *yaml.TypeError
	if !errors.As(err, &typed) {
		return err
	}
	var out []error
	for _, m := range typed.Errors {
		if _, rest, found := strings.Cut(m, ": "); found && strings.HasPrefix(m, "line ") {
			m = rest
		}
		m = strings.TrimSuffix(m, " not found in type exempt.file")
		out = append(out, errors.New(strings.ReplaceAll(m, " in type exempt.fileSelector", "")))
	}
	return errors.Join(out...)
}
