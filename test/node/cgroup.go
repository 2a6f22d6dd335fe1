// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cgroupRoot is below every hierarchy: what Pods may use is not mixed with what this
// machine itself runs in.
const cgroupRoot = "/gatehouse-node"

// cgroups are the node's own folders in the hierarchies of control groups.
type cgroups []string

// makeCgroups makes them. Those that a node left behind that was killed are emptied
// first.
func makeCgroups() (cgroups, error) {
	content, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, fmt.Errorf("find control groups: %w", err)
	}
	var out cgroups
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) > 2 && (f[2] == "cgroup" || f[2] == "cgroup2") {
			out = append(out, f[1]+cgroupRoot)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("find control groups: none are mounted")
	}
	if err := out.remove(); err != nil {
		return nil, err
	}
	for i, path := range out {
		if err := os.Mkdir(path, 0o755); err != nil { //nolint:gosec // as all of them are
			return out[:i], fmt.Errorf("create control group: %w", err)
		}
	}
	return out, nil
}

// remove ends what still runs in the groups and removes them.
func (c cgroups) remove() error {
	errs := make([]error, 0, len(c))
	for _, path := range c {
		errs = append(errs, removeGroup(path))
	}
	return errors.Join(errs...)
}

func removeGroup(path string) error {
	var err error
	for deadline := time.Now().Add(endLimit); time.Now().Before(deadline); {
		var groups []string
		_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error { //nolint:gosec // a group of ours; what vanishes meanwhile need not be removed
			if err == nil && d.IsDir() {
				groups = append(groups, p)
			}
			return nil
		})
		if len(groups) == 0 {
			return nil
		}
		err = nil
		for _, group := range slices.Backward(groups) {
			endAll(group)
			err = errors.Join(err, syscall.Rmdir(group))
		}
		if err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond) //nolint:forbidigo // the kernel gives no notice, and the loop is bounded
	}
	return fmt.Errorf("remove control group %s: %w", path, err)
}

// endAll kills the processes of a group, which are those of Pods.
func endAll(group string) {
	content, err := os.ReadFile(filepath.Join(group, "cgroup.procs")) //nolint:gosec // below a group of ours
	if err != nil {
		return // it is gone
	}
	for word := range strings.FieldsSeq(string(content)) {
		if pid, err := strconv.Atoi(word); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
	}
}
