// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// source is one text to read.
type source struct {
	file  string
	named bool // named by the user: it must hold objects
}

var errTooMuch = errors.New("the run reads more than its bound of text")

func (l *loader) file(s source) {
	f, err := os.Open(s.file)
	if err != nil {
		l.fault(s.file, cause(err))
		return
	}
	l.stream(s, f)
	if err := f.Close(); err != nil {
		l.fault(s.file, cause(err))
	}
}

func (l *loader) stream(s source, r io.Reader) {
	data, err := l.read(r)
	if err != nil {
		l.fault(s.file, cause(err))
		return
	}
	l.text(s, data)
}

// read takes no more than the run may still read.
func (l *loader) read(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, l.left+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > l.left {
		return nil, fmt.Errorf("%w (%d bytes)", errTooMuch, l.options.MaxBytes)
	}
	l.left -= int64(len(data))
	return data, nil
}

// folder reads a folder: through kustomize when it has a kustomization,
// otherwise every manifest below it, folders with a kustomization again through
// kustomize.
func (l *loader) folder(root string) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if ctxErr := l.ctx.Err(); ctxErr != nil {
			return ctxErr
		}
		switch {
		case err != nil:
			l.fault(path, cause(err))
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir():
			return l.enter(path, path == root)
		case isManifest(path):
			l.walked(path, d)
		}
		return nil
	})
	if err != nil {
		l.faults = append(l.faults, err)
	}
}

func (l *loader) enter(path string, named bool) error {
	if filepath.Base(path) == ".git" {
		return fs.SkipDir
	}
	file, err := kustomizationIn(path)
	switch {
	case err != nil:
		l.fault(path, err)
		return fs.SkipDir
	case file == "":
		return nil
	}
	l.kustomize(path, file, named)
	return fs.SkipDir
}

// walked reads a manifest that a walk came by. A symbolic link to a regular file
// is followed, as by kubectl; one to a folder is not, so that a walk ends.
func (l *loader) walked(path string, d fs.DirEntry) {
	mode := d.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := os.Stat(path)
		if err != nil {
			l.fault(path, cause(err))
			return
		}
		mode = info.Mode().Type()
	}
	if !mode.IsRegular() {
		l.skip(path, "is not a regular file")
		return
	}
	l.file(source{file: path})
}

// skip leaves out a whole file.
func (l *loader) skip(file, reason string) {
	l.result.Skipped = append(l.result.Skipped, Skip{File: file, Reason: reason})
}

func isManifest(path string) bool {
	switch filepath.Ext(path) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// looksLikeTemplate says that text which is not valid YAML is so on purpose.
func looksLikeTemplate(data []byte) bool { return bytes.Contains(data, []byte("{{")) }
