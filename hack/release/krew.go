// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"text/template"
)

// plugin is the program that kubectl runs as `kubectl gatehouse`.
const plugin = "gatehouse"

// plan is the manifest by which krew installs plugins:
// https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
//
//go:embed krew.yaml
var plan string

// krew writes the manifest of the plugin for the systems that were built.
func (r *release) krew(all []packed) error {
	t, err := template.New("krew.yaml").Option("missingkey=error").Parse(plan)
	if err != nil {
		return fmt.Errorf("parse manifest of krew: %w", err)
	}
	values := struct {
		Version   string
		Platforms []packed
	}{Version: r.version}
	for _, p := range all {
		if p.Program == plugin {
			values.Platforms = append(values.Platforms, p)
		}
	}
	var out bytes.Buffer
	if err := t.Execute(&out, values); err != nil {
		return fmt.Errorf("write manifest of krew: %w", err)
	}
	return r.put("krew-gatehouse.yaml", out.Bytes())
}
