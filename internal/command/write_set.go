// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// fileChange is what becomes of a file: it has a text, or it is gone.
type fileChange struct {
	path string
	text []byte
	gone bool
}

// changeFiles makes all changes, in their order, or none of them: everything that is
// new is written beside what it replaces before anything takes a name, and when a file
// cannot take its name those before it go back to what they were. Only a process that
// ends in the middle leaves some of each.
func changeFiles(changes []fileChange) (err error) {
	type names struct{ fresh, old string } // empty where there is none
	made := make([]names, len(changes))
	defer func() {
		for _, n := range made {
			for _, name := range []string{n.fresh, n.old} {
				if name != "" {
					err = errors.Join(err, os.Remove(name))
				}
			}
		}
	}()
	for i, c := range changes {
		if !c.gone {
			made[i].fresh, err = neighbour(c.path, 0o644, func(f *os.File) error {
				_, err := f.Write(c.text)
				return err
			})
		}
		if err == nil {
			made[i].old, err = secondName(c.path)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", c.path, err)
		}
	}
	for i, c := range changes {
		if c.gone {
			err = os.Remove(c.path)
		} else if err = os.Rename(made[i].fresh, c.path); err == nil {
			made[i].fresh = ""
		}
		if err == nil {
			continue
		}
		err = fmt.Errorf("write %s: %w", c.path, err)
		for k := i - 1; k >= 0; k-- {
			if made[k].old == "" {
				err = errors.Join(err, os.Remove(changes[k].path))
				continue
			}
			if back := os.Rename(made[k].old, changes[k].path); back != nil {
				err = errors.Join(err, fmt.Errorf("put %s back, which is now %s: %w", changes[k].path, made[k].old, back))
			}
			made[k].old = ""
		}
		return err
	}
	return nil
}

// secondName keeps what a file says under another name beside it; none where there is
// no such file.
func secondName(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errors.New("it is not a file")
	}
	text, err := os.ReadFile(path) //nolint:gosec // a file that is replaced
	if err != nil {
		return "", err
	}
	return neighbour(path, info.Mode().Perm(), func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
}
