// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
)

// kustomization is what kustomize reads in a folder.
type kustomization struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Resources  []string `json:"resources"`
}

// kustomizationFile is the name by which kustomize and kubectl find it.
const kustomizationFile = "kustomization.yaml"

// clusterwide names the file of policies without a namespace, as no namespace is
// named: it has an underscore.
const clusterwide = "_cluster"

// writePolicies writes the policies in the form that the user wants. A file is written
// as a whole or not at all, and so are the files of a folder together.
func (a *app) writePolicies(ctx context.Context, f *generateFlags, read *modelled, policies []metav1.Object, proof verify.Report) error {
	if f.output == asStream || f.output == asJSON {
		text, err := stream(policies)
		if f.output == asJSON {
			text, err = read.asJSON(policies, proof)
		}
		if err != nil {
			return err
		}
		if f.to == "" {
			_, err = a.Out.Write(text)
			return err
		}
		if isFolder(f.to) {
			return fmt.Errorf("--to %s is a folder: --output dir and kustomize write into one", f.to)
		}
		return putFile(f.to, text)
	}
	w := folderWriter{files: map[string][]byte{}}
	if err := w.add(policies); err != nil {
		return err
	}
	there, err := look(ctx, f.to)
	if errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("--to %s is a file: --output %s needs a folder", f.to, f.output)
	}
	if err != nil {
		return err
	}
	// With a part of the objects alone it is not known which namespaces are gone.
	whole := len(f.model.namespaces) == 0 && !f.model.keepGoing
	gone := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		switch _, again := w.files[name]; {
		case again && !there[name].ours:
			return fmt.Errorf("%s is there and was not written by generate: choose another folder", filepath.Join(f.to, name))
		case again || !there[name].ours || name == kustomizationFile:
		case whole && !slices.ContainsFunc(there[name].namespaces, func(n string) bool { return len(read.model.Universe.Within(n)) > 0 }):
			gone[name] = true
		default:
			w.order = append(w.order, name)
		}
	}
	if f.output == asKustomize {
		if k, is := there[kustomizationFile]; is && !k.ours {
			return fmt.Errorf("%s is there and was not written by generate: choose another folder", filepath.Join(f.to, kustomizationFile))
		}
		if err := w.kustomize(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(f.to, 0o755); err != nil { //nolint:gosec // manifests, which others read
		return fmt.Errorf("make the folder: %w", err)
	}
	var changes []fileChange
	for _, name := range w.order {
		if text, is := w.files[name]; is {
			changes = append(changes, fileChange{path: filepath.Join(f.to, name), text: text})
		}
	}
	removed := slices.Sorted(maps.Keys(gone))
	for _, name := range removed {
		changes = append(changes, fileChange{path: filepath.Join(f.to, name), gone: true})
	}
	if err := changeFiles(changes); err != nil {
		return err
	}
	for _, name := range removed {
		if !f.model.quiet {
			a.say("note: removed %s: its policies are for namespaces without workloads (%s)", filepath.Join(f.to, name), orNone(there[name].namespaces))
		}
	}
	return nil
}

// folderWriter is the files of a folder before they are written.
type folderWriter struct {
	files map[string][]byte
	order []string // of the resources; files that stay as they are have no text
}

// add makes a file of the policies of each namespace. They keep their order: those
// that allow come before those that deny everything.
func (w *folderWriter) add(policies []metav1.Object) error {
	by := map[string][]metav1.Object{}
	for _, p := range policies {
		name := fileOf(p.GetNamespace())
		if by[name] == nil {
			w.order = append(w.order, name)
		}
		by[name] = append(by[name], p)
	}
	for name, list := range by {
		text, err := stream(list)
		if err != nil {
			return err
		}
		w.files[name] = text
	}
	return nil
}

// fileOf names the file of a namespace's policies. A namespace may be called as the
// kustomization is, which must not take the place of its policies.
func fileOf(namespace string) string {
	name := cmp.Or(namespace, clusterwide) + ".yaml"
	if name == kustomizationFile {
		return "_" + name
	}
	return name
}

// kustomize adds the kustomization. It is written last: what it names is there.
func (w *folderWriter) kustomize() error {
	b := bytes.NewBufferString(writtenByUs)
	if err := report.EncodeYAML(b, kustomization{"kustomize.config.k8s.io/v1beta1", "Kustomization", w.order}); err != nil {
		return fmt.Errorf("write the kustomization: %w", err)
	}
	w.files[kustomizationFile] = b.Bytes()
	w.order = append(w.order, kustomizationFile)
	return nil
}

// writtenByUs begins a kustomization that may be written again.
const writtenByUs = "# Written by gatehouse generate, which writes it again.\n"

// present is a file of a folder. It is ours when every document is a policy with our
// label, or when it is a kustomization of ours.
type present struct {
	ours       bool
	namespaces []string
}

// look reads the manifests that are in a folder, or would be taken for its
// kustomization. Only plain files can be ours.
func look(ctx context.Context, folder string) (map[string]present, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look into the folder: %w", err)
	}
	out := map[string]present{}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		switch {
		case filepath.Ext(e.Name()) != ".yaml":
		case !e.Type().IsRegular():
			out[e.Name()] = present{}
		case e.Name() == kustomizationFile:
			text, err := os.ReadFile(path) //nolint:gosec // the folder is what the user asked for
			if err != nil {
				return nil, fmt.Errorf("look into the folder: %w", err)
			}
			out[e.Name()] = present{ours: bytes.HasPrefix(text, []byte(writtenByUs))}
		default:
			out[e.Name()] = presentIn(ctx, path)
		}
	}
	return out, nil
}

// presentIn reads one file. What cannot be read is not ours.
func presentIn(ctx context.Context, path string) present {
	read, err := files.Load(ctx, files.Options{}, path)
	if err != nil || len(read.Skipped) > 0 || len(read.Items) == 0 {
		return present{}
	}
	out := present{ours: true}
	for _, item := range read.Items {
		if !isPolicy(item.GVK.GroupKind()) || item.Object.GetLabels()[netpol.ManagedByLabel] != netpol.ManagedBy {
			return present{}
		}
		out.namespaces = append(out.namespaces, item.Object.GetNamespace())
	}
	slices.Sort(out.namespaces)
	out.namespaces = slices.Compact(out.namespaces)
	return out
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func putFile(path string, text []byte) error {
	return replaceFile(path, 0o644, func(w *os.File) error {
		_, err := w.Write(text)
		return err
	})
}

// stream writes policies as documents of one file.
func stream(policies []metav1.Object) ([]byte, error) {
	var b bytes.Buffer
	for i, p := range policies {
		if i > 0 {
			b.WriteString("---\n")
		}
		content, err := written(p)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", p.GetName(), err)
		}
		if err := report.EncodeYAML(&b, content); err != nil {
			return nil, fmt.Errorf("write %s: %w", p.GetName(), err)
		}
	}
	return b.Bytes(), nil
}

// written is an object as a person writes it: its status is for a controller to say.
func written(o metav1.Object) (map[string]any, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var content map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &content); err != nil {
		return nil, err
	}
	delete(content, "status")
	return content, nil
}
