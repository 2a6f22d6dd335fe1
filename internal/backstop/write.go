// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"encoding/json"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"
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
