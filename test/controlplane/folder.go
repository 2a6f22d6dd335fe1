// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// folderPrefix is followed by the pid of the process that owns the folder, a
// dash and a random number.
const folderPrefix = "gatehouse-controlplane-"

// lockName is a file that the owner of a folder keeps locked. The kernel frees
// the lock when the owner dies, and unlike a pid it means the same in every
// container that shares the folder.
const lockName = "lock"

// folder is where one control plane keeps everything.
type folder struct {
	path      string
	temporary bool
	lock      *os.File
}

// openFolder creates and locks a folder; path "" makes a temporary one.
func openFolder(path string) (*folder, error) {
	dir := &folder{path: path, temporary: path == ""}
	var err error
	if dir.temporary {
		dir.path, err = os.MkdirTemp("", fmt.Sprintf("%s%d-", folderPrefix, os.Getpid()))
	} else if dir.path, err = filepath.Abs(path); err == nil {
		err = os.MkdirAll(dir.path, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("create folder of the control plane: %w", err)
	}
	dir.lock, err = lock(dir.file(lockName))
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("folder %s belongs to another running control plane", dir.path)
	}
	if err != nil {
		return nil, fmt.Errorf("lock folder of the control plane: %w", err)
	}
	return dir, nil
}

func (d *folder) file(name string) string { return filepath.Join(d.path, name) }

// close removes the folder if it is temporary and gives the lock up last.
func (d *folder) close() error {
	var err error
	if d.temporary {
		err = os.RemoveAll(d.path)
	}
	return errors.Join(err, d.lock.Close())
}

// lock takes an exclusive lock on the file without waiting for it. Children
// do not inherit it: Go opens files with O_CLOEXEC.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // a fixed name in our own folder
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// sweep removes the folders below parent whose owner died without doing so.
// It leaves the folders of other users alone.
func sweep(parent string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return fmt.Errorf("list %s: %w", parent, err)
	}
	var errs []error
	for _, entry := range entries {
		owner, ok := ownerOf(entry)
		if !ok {
			continue
		}
		path := filepath.Join(parent, entry.Name())
		held, err := lockStale(path, owner)
		if held == nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, os.RemoveAll(path), held.Close())
	}
	return errors.Join(errs...)
}

// ownerOf returns the pid in the name of a folder of ours.
func ownerOf(entry fs.DirEntry) (pid int, ours bool) {
	rest, ok := strings.CutPrefix(entry.Name(), folderPrefix)
	if !ok || !entry.IsDir() {
		return 0, false
	}
	number, _, ok := strings.Cut(rest, "-")
	if !ok {
		return 0, false
	}
	pid, err := strconv.Atoi(number)
	if err != nil || pid <= 0 {
		return 0, false
	}
	info, err := entry.Info()
	if err != nil { // gone meanwhile
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return pid, ok && int(stat.Uid) == os.Getuid()
}

// lockStale locks a folder whose owner is dead, or returns nil. A folder
// without a lock file is so young that its owner has not locked it yet, unless
// there is no such process.
func lockStale(path string, owner int) (*os.File, error) {
	name := filepath.Join(path, lockName)
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) && alive(owner) {
		return nil, nil
	}
	held, err := lock(name)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return held, err
}

// alive reports whether a process has the pid: signal 0 only asks.
func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
