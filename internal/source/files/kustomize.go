// SPDX-License-Identifier: Apache-2.0

package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
)

// isKustomization reports whether a path has one of kustomize's file names.
func isKustomization(path string) bool {
	return slices.Contains(konfig.RecognizedKustomizationFileNames(), filepath.Base(path))
}

// kustomizationIn returns the kustomization file of a folder, "" if it has none.
func kustomizationIn(folder string) (string, error) {
	found := ""
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || info.IsDir() {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("has both %s and %s", filepath.Base(found), name)
		}
		found = filepath.Join(folder, name)
	}
	return found, nil
}

// kustomize reads what `kubectl kustomize folder` prints: plugins and
// functions off, files outside of the folder refused unless they belong to a
// base, and, unlike kubectl, nothing fetched from anywhere.
func (l *loader) kustomize(folder, file string, named bool) {
	disk := newLocalDisk(folder)
	built, err := build(folder, disk)
	switch {
	case errors.Is(err, errComponent) && !named:
		l.skip(file, "is a component, which only another kustomization can build")
		return
	case disk.refused != nil: // kustomize wraps it beyond recognition
		l.faults = append(l.faults, disk.refused)
		return
	case err != nil:
		l.fault(file, fmt.Errorf("build kustomization: %w", err))
		return
	}
	from := origins{l: l, folder: folder, file: file, known: map[string][]Item{}}
	for i, res := range built.Resources() {
		if err := l.kustomized(res, i, &from, disk.wantsOrigins); err != nil {
			l.fault(file, fmt.Errorf("build kustomization: %w", err))
		}
	}
}

func build(folder string, disk *localDisk) (built resmap.ResMap, err error) {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	defer func() { // kustomize panics on some malformed input
		if r := recover(); r != nil {
			err = fmt.Errorf("kustomize gave up: %v", r)
		}
	}()
	o := krusty.MakeDefaultOptions()
	o.PluginConfig = types.DisabledPluginConfig()
	built, err = krusty.MakeKustomizer(o).Run(disk, abs)
	if err == nil && disk.component {
		return nil, errComponent
	}
	return built, err
}

var errComponent = errors.New("is a component")

// kustomized reads one resource that kustomize made.
func (l *loader) kustomized(res *resource.Resource, index int, from *origins, wanted bool) error {
	o := from.of(res)
	if !wanted {
		// Asked for by us alone: kubectl's output does not have it.
		if err := res.SetOrigin(nil); err != nil {
			return err
		}
	}
	text, err := res.AsYAML()
	if err != nil {
		return err
	}
	if int64(len(text)) > l.left {
		return fmt.Errorf("%w (%d bytes)", errTooMuch, l.options.MaxBytes)
	}
	l.left -= int64(len(text))
	r := &reading{l: l, source: source{file: from.file, named: true}, origin: o}
	r.chunk(chunk{text: text, line: 1}, index)
	for _, f := range r.faults {
		f.Line = 0 // of a text that nobody sees
	}
	r.settle(text)
	return nil
}

// origins finds the manifests that kustomize's resources came from.
type origins struct {
	l            *loader
	folder, file string
	known        map[string][]Item // by file, with the names as they are written
}

// origin is where one resource came from; found is nil when no manifest holds
// it, as for what a generator made.
type origin struct {
	file  string
	found *Item
}

func (o *origins) of(res *resource.Resource) *origin {
	out := &origin{file: o.file}
	made, err := res.GetOrigin()
	if err != nil || made == nil || made.Path == "" || made.Repo != "" {
		return out
	}
	file := filepath.Join(o.folder, made.Path)
	items, known := o.known[file]
	if !known {
		items = o.manifest(file)
		o.known[file] = items
	}
	out.found = written(items, res.GetKind(), res.GetName())
	return out
}

// written finds the manifest of a resource by its kind and name. A kustomization
// may have put a prefix or a suffix to the name.
func written(items []Item, kind, name string) *Item {
	var alike *Item
	for i := range items {
		it := &items[i]
		switch own := it.Object.GetName(); {
		case it.GVK.Kind != kind || own == "":
		case own == name:
			return it
		case strings.Contains(name, own) && (alike == nil || len(own) > len(alike.Object.GetName())):
			alike = it
		}
	}
	return alike
}

// manifest reads a file only for its positions; its faults were kustomize's to
// find.
func (o *origins) manifest(file string) []Item {
	f, err := os.Open(file) //nolint:gosec // reading the files that the user names is the purpose
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // opened for reading
	l := &loader{ctx: o.l.ctx, options: Options{MaxBytes: MaxDocument}, left: MaxDocument}
	l.stream(source{file: file, named: true}, f)
	return l.result.Items
}

// place gives an item the position of its origin.
func (o *origin) place(item *Item) {
	item.Kustomization = o.file
	if o.found == nil {
		item.Line, item.Positions = 1, &Positions{file: o.file, line: 1}
		return
	}
	item.File, item.Line, item.Positions = o.found.File, o.found.Line, o.found.Positions
}
