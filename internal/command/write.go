// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// replaceFile writes a file as a whole or not at all: into a neighbour that
// then takes its name. A symbolic link stays, and what it names is replaced; an
// existing file keeps its mode.
func replaceFile(path string, mode fs.FileMode, write func(*os.File) error) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	fresh, err := neighbour(path, mode, write)
	if err == nil {
		if err = os.Rename(fresh, path); err != nil {
			err = errors.Join(err, os.Remove(fresh))
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// neighbour writes what is to take the name of a file beside it, and returns its name.
func neighbour(path string, mode fs.FileMode, write func(*os.File) error) (string, error) {
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	if err := errors.Join(write(f), f.Chmod(mode), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// leadsOut returns what a symbolic link names that a walk through one of the paths
// came by, when that lies in none of them: whoever has a folder repaired did not ask
// for files elsewhere, and may not know what others put there. It returns "" for
// every other file, and for a link that is itself one of the paths.
func leadsOut(file string, paths []string) string {
	info, err := os.Lstat(file)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return ""
	}
	target, err := filepath.EvalSymlinks(file)
	if err != nil {
		return ""
	}
	if slices.ContainsFunc(paths, func(p string) bool { return filepath.Clean(p) == filepath.Clean(file) || holds(p, target) }) {
		return ""
	}
	return target
}

// holds reports whether a path is that of a file, or of a folder around it. The file
// is a path without symbolic links.
func holds(path, file string) bool {
	plain, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	around, err := filepath.Abs(plain)
	if err != nil {
		return false
	}
	if file, err = filepath.Abs(file); err != nil {
		return false
	}
	below, err := filepath.Rel(around, file)
	return err == nil && filepath.IsLocal(below)
}
