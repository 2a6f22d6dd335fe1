// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	policytemplates "github.com/gatehouse-sh/gatehouse/policy-templates"
)

// templateFlags choose presets of connections.
type templateFlags struct {
	use     []string
	folders []string
}

func (f *templateFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.use, "template", nil, "connections of a template (\"network templates\" lists them) for every guarded namespace: NAME:parameter=value,parameter=value, or NAMESPACE/NAME for one; may be repeated")
	f.addFolders(flags)
}

func (f *templateFlags) addFolders(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.folders, "templates", nil, "folders with templates of your own, each in a folder of its name")
}

// library is the templates that come along and those of the user's folders.
func (f *templateFlags) library() (*templates.Library, error) {
	from := []fs.FS{policytemplates.FS}
	for _, folder := range f.folders {
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("--templates %s: not a folder", folder)
		}
		from = append(from, os.DirFS(folder))
	}
	l, err := templates.Load(from...)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	return l, nil
}

// wantedTemplate is one use of a template.
type wantedTemplate struct {
	template   *templates.Template
	namespace  string // empty for every guarded one
	parameters map[string]string
}

// parseTemplate reads "namespace/name:parameter=value,parameter=value". A comma belongs to
// a value unless a parameter of the template follows.
func parseTemplate(l *templates.Library, text string) (wantedTemplate, error) {
	name, rest, _ := strings.Cut(text, ":")
	out := wantedTemplate{parameters: map[string]string{}}
	if namespace, bare, found := strings.Cut(name, "/"); found {
		out.namespace, name = namespace, bare
	}
	if out.template = l.Template(name); out.template == nil {
		names := make([]string, 0, len(l.Templates()))
		for _, t := range l.Templates() {
			names = append(names, t.Name)
		}
		return out, fmt.Errorf("--template %q: no such template; there are %s", name, strings.Join(names, ", "))
	}
	if rest == "" {
		return out, nil
	}
	last := ""
	for each := range strings.SplitSeq(rest, ",") {
		key, value, is := strings.Cut(each, "=")
		known := slices.ContainsFunc(out.template.Parameters, func(p templates.Parameter) bool { return p.Name == key })
		switch {
		case is && (known || last == ""):
			if _, twice := out.parameters[key]; twice {
				return out, fmt.Errorf("--template %q: parameter %s is there twice", name, key)
			}
			last = key
			out.parameters[key] = value
		case last != "":
			out.parameters[last] += "," + each
		default:
			return out, fmt.Errorf("--template %q: %q is not parameter=value", name, each)
		}
	}
	return out, nil
}

// preset is what the chosen templates ask for.
type preset struct {
	edges    []generator.Edge
	problems []generator.Problem
	tiers    []templates.Tier
	only     []string // templates that are nothing but tiers
}

// apply applies the chosen templates: to each guarded namespace what is for a
// namespace, and once what is for the cluster.
func (f *templateFlags) apply(in templates.Input, guards map[string]generator.Guard) (preset, error) {
	var out preset
	if len(f.use)+len(f.folders) == 0 {
		return out, nil
	}
	l, err := f.library() // what is wrong with a folder is told, also if nothing of it is used
	if err != nil {
		return out, err
	}
	var faults []error
	for _, text := range f.use {
		w, err := parseTemplate(l, text)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if _, guarded := guards[w.namespace]; w.namespace != "" && !guarded {
			faults = append(faults, fmt.Errorf("--template %q: namespace %s is not guarded", text, w.namespace))
			continue
		}
		to := []string{w.namespace}
		if w.namespace == "" {
			to = nil
			if w.template.OfNamespaces() {
				to = slices.Sorted(maps.Keys(guards))
			}
			if w.template.OfCluster() {
				to = append(to, "")
			}
			if !w.template.OfNamespaces() {
				out.only = append(out.only, w.template.Name)
			}
		}
		for _, namespace := range to {
			in.Namespace = namespace
			done, err := templates.Apply(w.template, w.parameters, in)
			if err != nil {
				faults = append(faults, fmt.Errorf("--template: %w", err))
				break // it is the same in the others
			}
			out.edges, out.problems, out.tiers = append(out.edges, done.Edges...), append(out.problems, done.Problems...), append(out.tiers, done.Tiers...)
		}
	}
	return out, errors.Join(faults...)
}

func (a *app) networkTemplatesCommand() *cobra.Command {
	var f templateFlags
	var output string
	cmd := &cobra.Command{
		Use:   "templates [NAME]",
		Short: "List the presets of connections that generate knows",
		Long:  "List the templates that \"generate --template\" takes, or show what one of them is for and its parameters.",
		Example: a.examples("  gatehouse network templates\n" +
			"  gatehouse network templates database-port-only\n" +
			"  gatehouse network templates --templates our-templates/"),
		Args: between(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			l, err := f.library()
			if err != nil {
				return err
			}
			return a.networkTemplates(l, output, args)
		},
	}
	f.addFolders(cmd.Flags())
	addOutput(cmd, &output, networkOutputs)
	return cmd
}

// templateLine is one template in the machine forms.
type templateLine struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Parameters  []parameterLine `json:"parameters"`
}

type parameterLine struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Required    bool   `json:"required"`
	Default     string `json:"default,omitempty"`
	Description string `json:"description"`
}

func (a *app) networkTemplates(l *templates.Library, output string, args []string) error {
	list := l.Templates()
	if len(args) > 0 {
		w, err := parseTemplate(l, args[0])
		if err != nil {
			return err
		}
		list = []*templates.Template{w.template}
	}
	lines := make([]templateLine, 0, len(list))
	for _, t := range list {
		one := templateLine{t.Name, t.Title, t.Description, []parameterLine{}}
		for _, p := range t.Parameters {
			one.Parameters = append(one.Parameters, parameterLine{p.Name, p.Type.String(), p.Required, p.Default, p.Description})
		}
		lines = append(lines, one)
	}
	switch {
	case output != "text":
		return a.write(output, lines)
	case len(args) > 0:
		return a.tellTemplate(&lines[0])
	}
	for _, t := range lines {
		if err := line(a.Out, "%-26s %s", t.Name, t.Title); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) tellTemplate(t *templateLine) error {
	width := a.proseWidth()
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", checks.Plain(t.Name), checks.Plain(t.Title))
	section(&b, width, "What it is for", t.Description)
	for _, p := range t.Parameters {
		title := p.Name + " (" + p.Type
		switch {
		case p.Required:
			title += ", required"
		case p.Default != "":
			title += ", else " + p.Default
		}
		section(&b, width, title+")", p.Description)
	}
	_, err := a.Out.Write(report.Visible([]byte(b.String())))
	return err
}
