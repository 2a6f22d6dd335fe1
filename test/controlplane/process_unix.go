// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package controlplane

import "syscall"

// ownGroup puts a component in a process group of its own, so that an
// interrupt typed at the terminal reaches only us. Only Linux can also end it
// when we crash: elsewhere it has to be killed by hand then.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
