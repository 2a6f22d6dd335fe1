// SPDX-License-Identifier: Apache-2.0

// Command node runs a whole Kubernetes on this machine, with a node that runs
// Pods: the control plane of test/controlplane, kubelet, containerd, runc, kube-proxy,
// and bridge CNI or, if NetworkPolicies are to be enforced, Cilium, in network, mount and pid namespaces of their own. Ending it
// ends all of that. `make node` builds it and what it runs; README.md says what it
// needs of a machine.
//
//	node [flags]                  until it is interrupted
//	node [flags] -- COMMAND ...   while the command runs, with KUBECONFIG in its environment
//	node exec -- COMMAND ...      a command inside the namespaces of a running one
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// The names of the two processes inside, which this program runs itself as.
const (
	initName    = "init"
	clusterName = "cluster"
)

// settings are what the flags say.
type settings struct {
	dir    string // everything that the node keeps
	bin    string // kubelet, containerd and the like
	images string // archives that containerd imports, a pattern each, separated by commas
	v      int    // kubelet's and kube-proxy's verbosity
	// enforcer is who connects Pods: enforcerNone or enforcerCilium.
	enforcer string
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	// The sandbox dies with the thread that started it (Pdeathsig): stay on one.
	runtime.LockOSThread()
	role := ""
	if len(args) > 0 && (args[0] == initName || args[0] == clusterName || args[0] == "exec") {
		role, args = args[0], args[1:]
	}
	var s settings
	flags := flag.NewFlagSet("node", flag.ContinueOnError)
	flags.StringVar(&s.dir, "dir", filepath.Join(os.TempDir(), "gatehouse-node"), "folder of the node's data, emptied at the start and removed at the end but for its logs")
	flags.StringVar(&s.bin, "bin", "bin/node", "folder of the programs that the node consists of")
	flags.StringVar(&s.images, "images", "", "archives of images to import beside pause: patterns, separated by commas")
	flags.IntVar(&s.v, "v", 1, "verbosity of kubelet and kube-proxy")
	flags.StringVar(&s.enforcer, "enforcer", enforcerNone, "who enforces NetworkPolicies: "+enforcerNone+", "+enforcerCilium)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // the flag set has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.play(ctx, role, flags.Args()); err != nil {
		if command, is := errors.AsType[*commandError](err); is {
			return max(command.ended.ExitCode(), 1)
		}
		fmt.Fprintln(os.Stderr, "node:", err)
		return 1
	}
	return 0
}

// commandError is that the caller's command ended with another code than 0. It has
// said why itself.
type commandError struct{ ended *exec.ExitError }

// Error is what the command's end is in words.
func (c *commandError) Error() string { return c.ended.Error() }

// ended tells the end of the caller's command from a fault of ours.
func ended(err error) error {
	if exit, is := errors.AsType[*exec.ExitError](err); is {
		return &commandError{exit}
	}
	return err
}

func (s *settings) play(ctx context.Context, role string, command []string) error {
	var err error
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return fmt.Errorf("find folder of the node: %w", err)
	}
	if s.bin, err = filepath.Abs(s.bin); err != nil {
		return fmt.Errorf("find programs of the node: %w", err)
	}
	if s.enforcer != enforcerNone && s.enforcer != enforcerCilium {
		return fmt.Errorf("--enforcer %q: is none of %s, %s", s.enforcer, enforcerNone, enforcerCilium)
	}
	switch role {
	case initName:
		return s.init()
	case clusterName:
		return s.cluster(ctx)
	case "exec":
		return s.enter(ctx, command)
	}
	return s.outside(ctx, command)
}

// flags are the settings for the processes inside.
func (s *settings) flags() []string {
	return []string{"-dir=" + s.dir, "-bin=" + s.bin, "-images=" + s.images, "-v=" + strconv.Itoa(s.v), "-enforcer=" + s.enforcer}
}

// in is the path of something below the folder of the node.
func (s *settings) in(names ...string) string {
	return filepath.Join(append([]string{s.dir}, names...)...)
}

// archives are the images to import.
func (s *settings) archives() ([]string, error) {
	out := []string{filepath.Join(s.bin, "pause.tar")}
	for _, pattern := range strings.FieldsFunc(s.images, func(r rune) bool { return r == ',' }) {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("find images: nothing is like %s", pattern)
		}
		out = append(out, found...)
	}
	for i, path := range out {
		whole, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("find images: %w", err)
		}
		out[i] = whole
	}
	return out, nil
}
