// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// localDisk is the disk as kustomize sees it. Kustomize has no switch against
// fetching, but every kustomization passes through ReadFile before anything that
// it names is loaded: a remote name is refused there, and nothing is written.
type localDisk struct {
	filesys.FileSystem
	named        string // the folder that is built, as the user wrote it
	root         string // its absolute path without symbolic links
	refused      error  // the first refusal, with its place
	wantsOrigins bool   // the user's own kustomization asks for origin annotations
	component    bool   // the root is a component
}

func newLocalDisk(root string) *localDisk {
	d := &localDisk{FileSystem: filesys.MakeFsOnDisk(), named: root, root: root}
	if abs, err := filepath.Abs(root); err == nil {
		d.root = abs
	}
	if target, err := filepath.EvalSymlinks(d.root); err == nil {
		d.root = target
	}
	return d
}

var errReadOnly = errors.New("manifests are only read")

// Create refuses: kustomize writes nothing here.
func (*localDisk) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir refuses, as Create.
func (*localDisk) Mkdir(string) error { return errReadOnly }

// MkdirAll refuses, as Create.
func (*localDisk) MkdirAll(string) error { return errReadOnly }

// RemoveAll refuses, as Create.
func (*localDisk) RemoveAll(string) error { return errReadOnly }

// WriteFile refuses, as Create.
func (*localDisk) WriteFile(string, []byte) error { return errReadOnly }

// ReadFile reads a file, and refuses a kustomization or a plugin configuration
// that names something remote. To the kustomization that is built it adds the
// wish for origin annotations.
func (d *localDisk) ReadFile(path string) ([]byte, error) {
	data, err := d.FileSystem.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(data) > MaxDocument {
		return nil, d.refuse(path, 0, fmt.Errorf("has %d bytes; a document may have %d", len(data), MaxDocument))
	}
	kustomization := isKustomization(path)
	if !kustomization && !bytes.Contains(data, []byte("builtin")) {
		return data, nil
	}
	nodes, err := parse(data)
	for budget, i := maxExpanded, 0; err == nil && i < len(nodes); i++ {
		_, err = emit(nodes[i], &budget) // finds duplicate keys, and aliases that multiply
	}
	if err != nil {
		if le, ok := errors.AsType[*lineError](err); ok {
			return nil, d.refuse(path, le.line, err)
		}
		return nil, d.refuse(path, 0, err)
	}
	search := remoteSearch{left: maxVisited}
	for _, n := range nodes {
		if n := search.in(n, false); n != nil {
			return nil, d.refuse(path, n.Line, fmt.Errorf("%q is remote; only local files are read", shorten(n.Value)))
		}
	}
	if search.left <= 0 {
		return nil, d.refuse(path, 0, fmt.Errorf("expands to more than %d values", maxVisited))
	}
	if kustomization && filepath.Dir(path) == d.root && len(nodes) == 1 {
		return d.withOrigins(nodes[0], data)
	}
	return data, nil
}

func (d *localDisk) refuse(path string, line int, err error) error {
	if d.refused == nil {
		// As the user wrote the folder, not as kustomize resolved it.
		if rel, relErr := filepath.Rel(d.root, path); relErr == nil {
			path = filepath.Join(d.named, rel)
		}
		d.refused = &Fault{File: path, Line: line, Err: err}
	}
	return d.refused
}

// withOrigins adds originAnnotations to buildMetadata.
func (d *localDisk) withOrigins(n *yaml.Node, data []byte) ([]byte, error) {
	if kind, err := stringAt(n, "kind"); err == nil && kind == types.ComponentKind {
		d.component = true
	}
	var now []string
	if v := value(n, "buildMetadata"); v != nil {
		if err := v.Decode(&now); err != nil {
			return data, nil //nolint:nilerr // kustomize says better what is wrong with it
		}
	}
	if slices.Contains(now, types.OriginAnnotations) {
		d.wantsOrigins = true
		return data, nil
	}
	if n.Kind != yaml.MappingNode {
		return data, nil
	}
	wish := &yaml.Node{}
	if err := wish.Encode(slices.Concat(now, []string{types.OriginAnnotations})); err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "buildMetadata" {
			n.Content[i+1] = wish
			return yaml.Marshal(n)
		}
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "buildMetadata"}, wish)
	return yaml.Marshal(n)
}

// loads are the fields, in lower case, of kustomizations and of the builtin
// plugins' configurations whose values kustomize loads
// (https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/).
var loads = map[string]bool{
	"resources": true, "bases": true, "components": true, "crds": true, "configurations": true,
	"generators": true, "transformers": true, "validators": true, "path": true, "paths": true,
	"files": true, "envs": true, "env": true, "patchesstrategicmerge": true, "patches": true,
	"patchesjson6902": true, "replacements": true, "repo": true, "valuesfile": true, "additionalvaluesfiles": true,
}

// remoteSearch looks for remote names; left is how many nodes it may still
// visit, so that aliases cannot make it run away.
type remoteSearch struct{ left int }

// maxVisited is far more than a kustomization of MaxDocument bytes without
// aliases holds.
const maxVisited = 4 << 20

// in returns the first scalar below a loading field that names something
// remote.
func (s *remoteSearch) in(n *yaml.Node, loading bool) *yaml.Node {
	n = resolveAlias(n)
	if s.left--; n == nil || s.left <= 0 {
		return nil
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if loading {
			return s.scalar(n)
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if found := s.in(c, loading); found != nil {
				return found
			}
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if found := s.in(n.Content[i+1], loads[strings.ToLower(n.Content[i].Value)]); found != nil {
				return found
			}
		}
	case yaml.DocumentNode, yaml.AliasNode:
	}
	return nil
}

// scalar looks at one entry: a path, "key=path", or the text of a plugin's
// configuration.
func (s *remoteSearch) scalar(n *yaml.Node) *yaml.Node {
	if strings.Contains(n.Value, "\n") {
		nodes, err := parse([]byte(n.Value))
		if err != nil {
			return nil // kustomize cannot read it either
		}
		for _, inline := range nodes {
			if found := s.in(inline, false); found != nil {
				return &yaml.Node{Line: n.Line, Value: found.Value}
			}
		}
		return nil
	}
	_, after, _ := strings.Cut(n.Value, "=")
	if isRemote(n.Value) || isRemote(after) {
		return n
	}
	return nil
}

var userAtHost = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@`)

// isRemote covers everything that kustomize takes for a URL or a repository
// (api/internal/git/repospec.go and api/internal/loader/fileloader.go of
// sigs.k8s.io/kustomize/api 0.21).
func isRemote(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, prefix := range []string{"git::", "http:", "https:", "ssh:", "file:", "git:", "github.com/", "github.com:"} {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return strings.Contains(s, "://") || userAtHost.MatchString(s)
}

func shorten(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
