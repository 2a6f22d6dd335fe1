// SPDX-License-Identifier: Apache-2.0

package scale

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// process is a running program of this machine, in whatever namespaces.
type process struct {
	pid  string
	args []string
}

func (p process) number() int {
	n, _ := strconv.Atoi(p.pid) // a name below /proc that begins with a digit
	return n
}

// processesOf are those whose program has this name.
func processesOf(t *testing.T, name string) []process {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no processes: %v", err)
	}
	var out []process
	for _, folder := range folders {
		line, err := os.ReadFile(filepath.Join(folder, "cmdline"))
		if err != nil {
			continue // it has ended
		}
		args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
		if filepath.Base(args[0]) == name {
			out = append(out, process{filepath.Base(folder), args})
		}
	}
	return out
}
