// SPDX-License-Identifier: Apache-2.0

package controlplane

import "syscall"

// ownGroup puts a component in a process group of its own, so that an
// interrupt typed at the terminal reaches only us, and has the kernel kill it
// when the thread that starts it ends.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
