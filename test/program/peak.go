// SPDX-License-Identifier: Apache-2.0

package program

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Peak is how many KiB a process has held at most (proc_pid_status(5), VmHWM).
func Peak(t testing.TB, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	held, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return held
}
