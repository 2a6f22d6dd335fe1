// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// object is a Kubernetes object as YAML has it.
type object map[string]any

func (o object) kind() string { s, _ := o["kind"].(string); return s }

func (o object) metadata() map[string]any { m, _ := o["metadata"].(map[string]any); return m }

func (o object) name() string { s, _ := o.metadata()["name"].(string); return s }

// file is the template that an object of the default installation is in.
func (o object) file() string {
	labels, _ := o.metadata()["labels"].(map[string]any)
	owner, _ := labels["app.kubernetes.io/name"].(string)
	switch {
	case o.kind() == "CustomResourceDefinition":
		return "crds.yaml"
	case strings.HasSuffix(o.kind(), "WebhookConfiguration"):
		return "registration.yaml"
	case owner == "gatehouse-webhook":
		return "webhook.yaml"
	case owner == "gatehouse-controller":
		return "controller.yaml"
	}
	return "namespaces.yaml"
}

// form is how a value of the chart comes into an object.
type form uint8

const (
	inline   form = iota // a scalar that is there becomes the expression
	block                // a map or list that is there becomes the value
	optional             // a key that is not there, with the value, unless that is empty
	items                // the elements of the value follow those of a list that is there
	only                 // what is given stands in the object if the expression holds
)

// edit puts an expression into objects.
type edit struct {
	kind, name string   // which objects; an empty name is every object of the kind
	path       []string // of the field; a list's elements are found by their name, their own text, or * for each
	form       form
	expression string
	given      string // with form only: the lines, as YAML at indentation 0
	was        string // what is replaced: with form inline these values alone, and empty any; with form only, this value
}

func (e edit) place() string {
	return fmt.Sprintf("%s %s: %s", e.kind, e.name, strings.Join(e.path, "."))
}

// mark is the text that stands for an edit until the object is written.
func mark(i int) string { return fmt.Sprintf("chart-edit-%d-", i) }

var marked = regexp.MustCompile(`^( *)(- )?(?:([^ ].*?): )?['"]?chart-edit-(\d+)-['"]?$`)

// template returns the object as a document of a template, and counts the edits
// that it used.
func (o object) template(condition string, used []int) (string, error) {
	for i, e := range edits {
		if e.kind != o.kind() || e.name != "" && e.name != o.name() {
			continue
		}
		n, err := e.apply(map[string]any(o), e.path, mark(i))
		if err != nil {
			return "", fmt.Errorf("%s %s: %s: %w", o.kind(), o.name(), strings.Join(e.path, "."), err)
		}
		used[i] += n
	}
	raw, err := yaml.Marshal(o)
	if err != nil {
		return "", fmt.Errorf("encode %s %s: %w", o.kind(), o.name(), err)
	}
	if strings.Contains(string(raw), "{{") {
		return "", fmt.Errorf("%s %s: {{ begins an expression of a template", o.kind(), o.name())
	}
	for _, c := range conditions {
		if c.kind == o.kind() && (c.name == "" || c.name == o.name()) {
			condition = c.expression
		}
	}
	var b strings.Builder
	if condition != "" {
		fmt.Fprintf(&b, "{{- if %s }}\n", condition)
	}
	b.WriteString("---\n")
	for line := range strings.Lines(string(raw)) {
		if err := expand(&b, strings.TrimSuffix(line, "\n")); err != nil {
			return "", err
		}
	}
	if condition != "" {
		b.WriteString("{{- end }}\n")
	}
	return b.String(), nil
}

// expand writes a line, or what its edit makes of it.
func expand(b *strings.Builder, line string) error {
	m := marked.FindStringSubmatch(line)
	if m == nil {
		if strings.Contains(line, "chart-edit-") {
			return fmt.Errorf("line %q: an edit is in the middle of a value", line)
		}
		fmt.Fprintln(b, line)
		return nil
	}
	indent, dash, key := m[1], m[2], m[3]
	i, err := strconv.Atoi(m[4])
	if err != nil {
		return fmt.Errorf("line %q: %w", line, err)
	}
	e := edits[i]
	switch e.form {
	case inline:
		if key != "" {
			key += ": "
		}
		fmt.Fprintf(b, "%s%s%s{{ %s }}\n", indent, dash, key, e.expression)
	case block:
		fmt.Fprintf(b, "%s%s%s:\n%s  {{- toYaml %s | nindent %d }}\n", indent, dash, key, indent, e.expression, len(indent)+len(dash)+2)
	case optional:
		fmt.Fprintf(b, "%s{{- with %s }}\n%s%s:\n%s  {{- toYaml . | nindent %d }}\n%s{{- end }}\n", indent, e.expression, indent, key, indent, len(indent)+2, indent)
	case items:
		fmt.Fprintf(b, "%s{{- with %s }}\n%s{{- toYaml . | nindent %d }}\n%s{{- end }}\n", indent, e.expression, indent, len(indent), indent)
	case only:
		fmt.Fprintf(b, "%s{{- if %s }}\n", indent, e.expression)
		for given := range strings.Lines(strings.TrimSpace(e.given)) {
			b.WriteString(indent + strings.TrimSuffix(given, "\n") + "\n")
		}
		fmt.Fprintf(b, "%s{{- end }}\n", indent)
	}
	return nil
}
