// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"encoding/json"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// Write writes the objects as a YAML stream that kubectl apply takes: the
// policies first.
func (o Objects) Write(w io.Writer) error {
	for i := range o.Policies {
		if err := document(w, o.Policies[i].Name, &o.Policies[i]); err != nil {
			return err
		}
	}
	for i := range o.Bindings {
		if err := document(w, o.Bindings[i].Name, &o.Bindings[i]); err != nil {
			return err
		}
	}
	return nil
}

// Only returns the objects of the checks of a set.
func (o Objects) Only(set *checks.Set) Objects {
	var out Objects
	for _, p := range o.Policies {
		if _, wanted := set.Lookup(CheckOf(p.Name)); wanted {
			out.Policies = append(out.Policies, p)
		}
	}
	for _, b := range o.Bindings {
		if _, wanted := set.Lookup(CheckOf(b.Name)); wanted {
			out.Bindings = append(out.Bindings, b)
		}
	}
	return out
}

// document writes an object without its status, which is the API server's.
func document(w io.Writer, name string, o any) error {
	raw, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	delete(fields, "status")
	out, err := yaml.Marshal(fields)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if _, err := fmt.Fprintf(w, "---\n%s", out); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
