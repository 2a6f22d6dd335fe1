// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// inOutside is what this program runs itself as in the namespace of the outside.
const inOutside = "be-outside"

// The link to the outside, and what is there: the address at which clouds tell a
// machine its credentials, and two of documentation (RFC 5737). No packet to them can
// leave the machine: the namespace has no way out but this link, and no default route.
const (
	nearLink    = "outside0"
	farLink     = "inside0"
	nearAddress = "192.0.2.1/24"
	near        = "192.0.2.1"
	far         = "192.0.2.2"
)

func outsideAddresses() []string {
	return []string{"169.254.169.254/32", "203.0.113.10/32", "198.51.100.10/32"}
}

// outside makes the namespace and serves in it until its standard input ends. It is
// run inside the namespaces of the node.
func outside() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	child := exec.Command(self, inOutside) //nolint:noctx,gosec // this program, which ends with this process
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	// The child waits until the link is there, and ends when this process does.
	in, err := child.StdinPipe()
	if err != nil {
		return fmt.Errorf("make the outside: %w", err)
	}
	if err := child.Start(); err != nil {
		return fmt.Errorf("make the outside: %w", err)
	}
	list := [][]string{
		{"ip", "link", "add", nearLink, "type", "veth", "peer", "name", farLink, "netns", strconv.Itoa(child.Process.Pid)},
		{"ip", "addr", "add", nearAddress, "dev", nearLink},
		{"ip", "link", "set", nearLink, "up"},
	}
	for _, address := range outsideAddresses() {
		list = append(list, []string{"ip", "route", "add", address, "via", far})
	}
	if err := commands(list); err != nil {
		return errors.Join(err, child.Process.Kill())
	}
	if _, err := in.Write([]byte("linked\n")); err != nil {
		return fmt.Errorf("tell the outside of its link: %w", err)
	}
	if _, err := os.Stdin.Read(make([]byte, 1)); err == nil {
		return errors.New("the standard input has something to say")
	}
	if err := child.Process.Kill(); err != nil {
		return fmt.Errorf("end the outside: %w", err)
	}
	_ = child.Wait() // it was killed; its namespace goes with it, and so does the link
	return nil
}

// beOutside sets up the far end and serves there.
func beOutside() error {
	if _, err := os.Stdin.Read(make([]byte, 16)); err != nil {
		return fmt.Errorf("wait for the link: %w", err)
	}
	list := [][]string{
		{"ip", "link", "set", "lo", "up"},
		{"ip", "addr", "add", far + "/24", "dev", farLink},
		{"ip", "link", "set", farLink, "up"},
		{"ip", "route", "add", "10.0.0.0/8", "via", near},
	}
	for _, address := range outsideAddresses() {
		list = append(list, []string{"ip", "addr", "add", address, "dev", "lo"})
	}
	if err := commands(list); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(os.Stdout, "ready"); err != nil {
		return fmt.Errorf("tell: %w", err)
	}
	// Each by itself: what answers UDP at all of them answers from another.
	var at []string
	for _, address := range outsideAddresses() {
		for _, port := range []string{"80", "443", "53"} {
			at = append(at, strings.TrimSuffix(address, "/32")+":"+port)
		}
	}
	return serve(at)
}

func commands(list [][]string) error {
	for _, words := range list {
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil { //nolint:gosec,noctx // the lists above
			return fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, out)
		}
	}
	return nil
}
