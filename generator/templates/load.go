// SPDX-License-Identifier: Apache-2.0

package templates

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// FileName is the file of a folder that holds its template.
const FileName = "template.yaml"

// Bounds of what is read: far above what people write, far below what would
// cost time or memory.
const (
	maxBytes     = 256 << 10 // of one file
	maxTemplates = 1000      // of one library
	maxDepth     = 32        // of the values of one file
)

// Library is templates by their names. The zero value is empty. It is read only
// once Load has returned it.
type Library struct{ list []*Template }

// Load reads every folder of each file system: NAME/template.yaml, where NAME is
// the name of the template. Files beside the folders, and names that begin with a
// dot, are left alone. A name that occurs twice is a fault: what a name means
// must not depend on the order of folders. All faults are returned together,
// each with its file and line, and then there is no library.
func Load(from ...fs.FS) (*Library, error) {
	l := &Library{}
	var faults []error
	for _, fsys := range from {
		folders, err := foldersOf(fsys)
		if err != nil {
			return nil, err
		}
		if len(folders) == 0 {
			faults = append(faults, fmt.Errorf("no template found: they are expected as NAME/%s", FileName))
		}
		if len(l.list)+len(folders) > maxTemplates {
			return nil, fmt.Errorf("more than %d templates", maxTemplates)
		}
		for _, folder := range folders {
			t, err := loadFile(fsys, path.Join(folder, FileName))
			if err != nil {
				faults = append(faults, err)
				continue
			}
			if l.Template(t.Name) != nil {
				faults = append(faults, fmt.Errorf("%s: there is another template %q", t.File, t.Name))
				continue
			}
			l.list = append(l.list, t)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	slices.SortFunc(l.list, func(a, b *Template) int { return strings.Compare(a.Name, b.Name) })
	return l, nil
}

// foldersOf lists the folders, also those behind links: a mounted ConfigMap has
// nothing else.
func foldersOf(fsys fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	var out []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		info, err := fs.Stat(fsys, e.Name())
		if err != nil {
			return nil, fmt.Errorf("list templates: %w", err)
		}
		if info.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

// Templates returns all templates, ordered by name. The slice is shared.
func (l *Library) Templates() []*Template { return l.list }

// Template returns a template by its name, or nil.
func (l *Library) Template(name string) *Template {
	if i := slices.IndexFunc(l.list, func(t *Template) bool { return t.Name == name }); i >= 0 {
		return l.list[i]
	}
	return nil
}

func loadFile(fsys fs.FS, file string) (*Template, error) {
	f, err := fsys.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read template %s: %w", file, err)
	}
	t, err := Parse(file, data)
	if err != nil {
		return nil, err
	}
	if folder := path.Base(path.Dir(file)); folder != t.Name {
		return nil, fmt.Errorf("%s: metadata.name is %q, and the folder is %q", file, t.Name, folder)
	}
	return t, nil
}

// Parse reads one template. The file is for messages.
func Parse(file string, data []byte) (*Template, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", file, maxBytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var document, more yaml.Node
	switch err := d.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s:1: the file is empty", file)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := d.Decode(&more); err == nil {
		return nil, fmt.Errorf("%s:%d: a second document: a file holds one template", file, more.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, fmt.Errorf("%s:1: the file is empty", file)
	}
	if n := tooDeep(document.Content[0], maxDepth); n != nil {
		return nil, fmt.Errorf("%s:%d: nested too deep", file, n.Line)
	}
	r := &reader{place: file}
	t := r.template(document.Content[0])
	if err := errors.Join(r.faults...); err != nil {
		return nil, err
	}
	return t, nil
}

// tooDeep returns a node that lies deeper than a bound, or nil.
func tooDeep(n *yaml.Node, left int) *yaml.Node {
	if left == 0 {
		return n
	}
	for _, c := range n.Content {
		if found := tooDeep(c, left-1); found != nil {
			return found
		}
	}
	return nil
}
