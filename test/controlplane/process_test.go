// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnErrorShowsTheCauseOfAPanic: it stands before the stacks, however long they are.
func TestAnErrorShowsTheCauseOfAPanic(t *testing.T) {
	t.Parallel()
	stack := "goroutine 1 [running]:" + strings.Repeat("\nmain.main()", 3*tailLines)
	for name, tc := range map[string]struct {
		log  string
		want bool // the cause is shown
	}{
		"a panic":                         {"started\npanic: the cause\n" + stack, true},
		"a fault of the runtime":          {"started\nfatal error: the cause\n" + stack, true},
		"a logger's panic":                {"started\n" + `{"level":"panic","msg":"the cause"}` + "\n" + stack, true},
		"a panic that is short":           {"started\npanic: the cause", true},
		"a long log in which nobody does": {"do not panic: the cause\n" + stack, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "etcd.log")
			if err := os.WriteFile(file, []byte(tc.log), 0o600); err != nil {
				t.Fatal(err)
			}
			got := (&process{name: "etcd", logPath: file}).tail()
			if n := strings.Count(got, "the cause"); (n == 1) != tc.want || n > 1 {
				t.Errorf("the cause stands there %d times:\n%s", n, got)
			}
			if lines := strings.Count(got, "\n"); lines > tailLines+panicLines+2 {
				t.Errorf("%d lines are too many", lines)
			}
		})
	}
}
