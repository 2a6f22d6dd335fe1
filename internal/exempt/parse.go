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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
)

// maxFile bounds a file: 1 MiB holds some thousand exemptions.
const maxFile = 1 << 20

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

// Parse reads the exemptions of a YAML stream, as a file that the caller answers
// for: Place.Cluster does not matter. A stream with any fault gives nothing but
// the faults, joined, each a *FaultError: half of a file of exemptions means
// something else than all of it.
func Parse(data []byte, set *checks.Set, p Place) (*Set, error) {
	p.Cluster = false
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
		e, err := one(n, set, p)
		if first, twice := names[e.String()]; err == nil && twice {
			err = fmt.Errorf("exemption %q is there twice (first at line %d)", e.String(), first)
		}
		if err != nil {
			faults = append(faults, &FaultError{Line: n.Line, Err: err})
			continue
		}
		names[e.String()] = e.Line
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
func one(n *yaml.Node, set *checks.Set, p Place) (Exemption, error) {
	raw, err := yaml.Marshal(n)
	if err != nil {
		return Exemption{}, fmt.Errorf("read exemption: %w", err)
	}
	asJSON, err := sigsyaml.YAMLToJSONStrict(raw)
	if err != nil {
		return Exemption{}, fmt.Errorf("read exemption: %w", stripLines(err))
	}
	// What it is comes first: of another kind every field would be unknown.
	var head metav1.TypeMeta
	if err := kjson.UnmarshalCaseSensitivePreserveInts(asJSON, &head); err != nil {
		return Exemption{}, fmt.Errorf("read exemption: %w", err)
	}
	if head.APIVersion != v1alpha1.GroupVersion.String() || head.Kind != v1alpha1.ExemptionKind {
		return Exemption{}, fmt.Errorf("is a %q of %q, not an %s of %s", short(head.Kind), short(head.APIVersion), v1alpha1.ExemptionKind, v1alpha1.GroupVersion)
	}
	if err := timely(asJSON); err != nil {
		return Exemption{}, err
	}
	var obj v1alpha1.Exemption
	strict, err := kjson.UnmarshalStrict(asJSON, &obj)
	if err = errors.Join(append(strict, err)...); err != nil {
		return Exemption{}, fmt.Errorf("read exemption: %w", err)
	}
	e, err := Compile(set, &obj, p)
	e.Line = n.Line
	return e, err
}

// timely says what is wrong with the time of an exemption, in the words of the
// other faults; the decoder would not name the field.
func timely(asJSON []byte) error {
	var at struct {
		Spec struct {
			ExpiresAt any `json:"expiresAt"`
		} `json:"spec"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(asJSON, &at); err != nil {
		return nil //nolint:nilerr // the whole object is decoded next, with the better message
	}
	if at.Spec.ExpiresAt == nil {
		return nil // Compile says that it is missing
	}
	text := fmt.Sprint(at.Spec.ExpiresAt)
	if _, err := time.Parse(time.RFC3339, text); err != nil {
		return fmt.Errorf("spec.expiresAt: %q is not a time such as 2027-01-31T00:00:00Z", short(text))
	}
	return nil
}

// stripLines removes the library's line numbers, which count within the
// exemption.
func stripLines(err error) error {
	var out []error
	for line := range strings.Lines(err.Error()) {
		m := strings.TrimSpace(line)
		if strings.HasSuffix(m, "unmarshal errors:") {
			continue
		}
		if rest, is := strings.CutPrefix(m, "line "); is {
			if _, after, found := strings.Cut(rest, ": "); found {
				m = after
			}
		}
		out = append(out, errors.New(m))
	}
	return errors.Join(out...)
}
