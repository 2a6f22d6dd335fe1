// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// The addresses. README.md names them: tests and people use them too.
const (
	hostLink   = "gatehouse0"
	nodeLink   = "eth0"
	hostPrefix = "10.200.0.1/24"
	hostIP     = "10.200.0.1"
	nodePrefix = "10.200.0.2/24"
	// balancerRange is on this side of the link, for what stands before the cluster: a
	// gateway under test may listen on any of its addresses.
	balancerRange = "10.200.0.128/25"
	podRange      = "10.244.0.0/16"
	serviceRange  = "10.96.0.0/16"
	// assignedRange is what a load balancer of a cloud would have: whoever stands for its
	// controller gives Services addresses of it, and kube-proxy takes what comes to them.
	assignedRange = "10.201.0.0/24"
	// nameServer is whom Pods ask for names. It is of serviceRange, and nobody answers
	// there until somebody puts a Service there.
	nameServer = "10.96.0.10"
)

func nodeIP() netip.Addr { return netip.AddrFrom4([4]byte{10, 200, 0, 2}) }

// linkOutside puts one end of a link into the namespace of a process. The link goes
// with that namespace, and with it its routes.
func linkOutside(pid int) error {
	return commands([][]string{
		{"ip", "link", "add", hostLink, "type", "veth", "peer", "name", nodeLink, "netns", strconv.Itoa(pid)},
		{"ip", "addr", "add", hostPrefix, "dev", hostLink},
		{"ip", "link", "set", hostLink, "up"},
		{"ip", "route", "add", "local", balancerRange, "dev", hostLink},
		{"ip", "route", "add", podRange, "via", nodeIP().String()},
		{"ip", "route", "add", serviceRange, "via", nodeIP().String()},
		{"ip", "route", "add", assignedRange, "via", nodeIP().String()},
	})
}

// unlink removes the link where it is still there. The kernel keeps a network namespace
// for minutes after its last process, while a connection waits there for an answer that
// never comes; the next node is not to wait for that.
func unlink() error {
	there := func() bool {
		_, err := net.InterfaceByName(hostLink)
		return err == nil
	}
	if !there() {
		return nil
	}
	// It may go by itself meanwhile.
	if err := command("", "ip", "link", "del", hostLink); err != nil && there() {
		return err
	}
	return nil
}

// fence lets nothing leave the node but for the other end of its link, whatever this
// machine would do with it.
const fence = `table inet fence {
	chain out {
		type filter hook postrouting priority 300; policy accept;
		oifname "eth0" ip daddr != 10.200.0.0/24 counter drop
		oifname "eth0" ip6 daddr != { fe80::/10, ff02::/16 } counter drop
	}
}
`

// linkInside sets the other end up.
func linkInside() error {
	err := commands([][]string{
		{"ip", "link", "set", "lo", "up"},
		{"ip", "addr", "add", nodePrefix, "dev", nodeLink},
		{"ip", "link", "set", nodeLink, "up"},
		{"ip", "route", "add", "default", "via", hostIP},
	})
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"net/ipv4/ip_forward":         "1", // between Pods and the link
		"net/ipv4/conf/all/rp_filter": "0",
	} {
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0o600); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	// Pods on one bridge reach each other by Services only if the bridge shows their
	// packets to netfilter. Kernels that have no such setting have no such bridge.
	_ = os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-iptables", []byte("1"), 0o600)
	return command(fence, "nft", "-f", "-")
}

func commands(list [][]string) error {
	for _, c := range list {
		if err := command("", c...); err != nil {
			return err
		}
	}
	return nil
}

func command(input string, words ...string) error {
	cmd := exec.Command(words[0], words[1:]...) //nolint:gosec,noctx // one of the lists above, which do not wait
	cmd.Stdin = strings.NewReader(input)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}
