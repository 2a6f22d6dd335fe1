// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestSweepRemovesOnlyFoldersOfDeadOwners(t *testing.T) {
	dead := deadPID(t)
	for name, tc := range map[string]struct {
		folder string
		locked bool
		stays  bool
	}{
		"the owner is dead":                   {fmt.Sprintf("%s%d-1", folderPrefix, dead), false, false},
		"the owner runs in another container": {fmt.Sprintf("%s%d-2", folderPrefix, dead), true, true},
		"the owner has not locked it yet":     {fmt.Sprintf("%s%d-3", folderPrefix, os.Getpid()), false, true},
		"the name has no pid":                 {folderPrefix + "x-4", false, true},
		"the name has no random part":         {fmt.Sprintf("%s%d", folderPrefix, dead), false, true},
		"the pid is a group":                  {folderPrefix + "-1-5", false, true},
		"a folder of someone else":            {fmt.Sprintf("other-%d-1", dead), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			path := filepath.Join(parent, tc.folder)
			if err := os.MkdirAll(filepath.Join(path, "etcd", "member"), 0o700); err != nil {
				t.Fatal(err)
			}
			if tc.locked {
				held, err := lock(filepath.Join(path, lockName))
				if err != nil {
					t.Fatal(err)
				}
				defer held.Close()
			}
			if err := sweep(parent); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) == tc.stays {
				t.Errorf("got %v, stays %t", err, tc.stays)
			}
		})
	}
}

// deadPID is the pid of a process that has ended.
func deadPID(t *testing.T) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}
