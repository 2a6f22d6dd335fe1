// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// init is pid 1 of the namespaces: it makes them a node's, starts the cluster, and
// reaps what loses its parent (shims of containers do). The kernel ends everything
// with it.
func (s *settings) init() error {
	if err := isolate(); err != nil {
		return err
	}
	// Not a byte more than the line: the rest is for the cluster to wait on.
	if line, err := bufio.NewReaderSize(oneByte{os.Stdin}, 16).ReadString('\n'); err != nil {
		return fmt.Errorf("wait for the link, got %q: %w", line, err)
	}
	if err := linkInside(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	child, err := os.StartProcess(self, append([]string{self, clusterName}, s.flags()...),
		&os.ProcAttr{Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return fmt.Errorf("start cluster: %w", err)
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return fmt.Errorf("wait for cluster: %w", err)
		case pid == child.Pid && status.ExitStatus() == 0:
			return nil
		case pid == child.Pid:
			return fmt.Errorf("cluster: exit status %d, signal %d", status.ExitStatus(), status.Signal())
		}
	}
}

// oneByte reads no further than it is asked to.
type oneByte struct{ f *os.File }

// Read reads one byte.
func (o oneByte) Read(p []byte) (int, error) { return o.f.Read(p[:min(1, len(p))]) }

// isolate keeps mounts in, and shows the processes of this pid namespace only. /sys
// stays the machine's: a fresh one has no control groups.
func isolate() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for _, path := range wiredFolders() {
		if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "mode=0755"); err != nil {
			return fmt.Errorf("mount %s: %w", path, err)
		}
	}
	return nil
}
