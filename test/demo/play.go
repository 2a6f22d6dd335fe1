// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

type demo struct {
	ctx     context.Context
	out     io.Writer
	colour  bool
	verbose bool
	cp      *controlplane.ControlPlane
	dir     string // generated files and logs
}

const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	reset = "\x1b[0m"
)

func (d *demo) style(code, s string) string {
	if !d.colour {
		return s
	}
	return code + s + reset
}

func (d *demo) title(format string, args ...any) {
	fmt.Fprintf(d.out, "\n%s\n", d.style(bold, "## "+fmt.Sprintf(format, args...)))
}

// play runs the scenes in order.
func (d *demo) play(keep bool) error {
	dir, err := os.MkdirTemp("", "gatehouse-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d.dir = dir
	stop, err := d.start()
	if err != nil {
		return err
	}
	defer stop()
	for _, scene := range []func() error{d.install, d.friendly, d.hostile, d.optOut, d.commandLine} {
		if err := scene(); err != nil {
			return err
		}
	}
	d.title("Done: everything was decided as expected")
	if !keep {
		fmt.Fprintln(d.out, "`make demo ARGS=--keep` leaves the cluster running.")
		return nil
	}
	fmt.Fprintf(d.out, "The cluster stays up until you press Ctrl-C. In another terminal:\n\n"+
		"    export KUBECONFIG=%s PATH=%s:%s:$PATH\n    kubectl get services -A\n    kubectl apply -f test/fixtures/apps/hostile.yaml\n    gatehouse check --help\n",
		d.cp.Kubeconfig(), filepath.Join(root, "bin"), filepath.Join(root, "bin", "cluster"))
	<-d.ctx.Done()
	return nil
}

// start brings up the control plane: etcd, kube-apiserver and
// kube-controller-manager, built from their Go modules.
func (d *demo) start() (func(), error) {
	d.title("A real control plane: etcd, kube-apiserver, kube-controller-manager")
	began := time.Now()
	log := io.Discard
	if d.verbose {
		log = os.Stderr
	}
	cp, err := controlplane.Start(d.ctx, controlplane.Options{WithControllerManager: true, Log: log})
	if err != nil {
		return nil, err
	}
	d.cp = cp
	fmt.Fprintf(d.out, "ready after %s\n", time.Since(began).Round(100*time.Millisecond))
	return func() {
		if err := cp.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "demo: stop the control plane:", err)
		}
	}, nil
}

// kubectl prints a command and what it says, and returns the latter.
func (d *demo) kubectl(args ...string) (string, error) {
	fmt.Fprintln(d.out, d.style(dim, "$ kubectl "+strings.Join(args, " ")))
	cmd := d.cp.KubectlCommand(d.ctx, args...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	text := strings.ReplaceAll(string(out), root+"/", "")
	fmt.Fprint(d.out, indent(text))
	if d.ctx.Err() != nil {
		return text, errors.New("interrupted")
	}
	return text, err
}

// program prints and runs one of our own binaries.
func (d *demo) program(name string, args ...string) (string, error) {
	fmt.Fprintln(d.out, d.style(dim, "$ "+name+" "+strings.Join(args, " ")))
	cmd := exec.CommandContext(d.ctx, filepath.Join(root, "bin", name), args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "KUBECONFIG="+d.cp.Kubeconfig())
	out, err := cmd.CombinedOutput()
	fmt.Fprint(d.out, indent(string(out)))
	return string(out), err
}

// must is kubectl for what has to work.
func (d *demo) must(args ...string) error {
	if _, err := d.kubectl(args...); err != nil {
		return fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

func indent(s string) string {
	if s == "" {
		return ""
	}
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ") + "\n"
}
