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
	"slices"
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
	dir     string   // generated files and logs
	stops   []func() // of what runs until the end, the last one first
	served  string   // where the gateway serves host: address and port
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

// say prints what the user sees.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, format, args...) //nolint:errcheck // where nobody reads, the outcome still counts
}

func (d *demo) title(format string, args ...any) {
	d.say("\n%s\n", d.style(bold, "## "+fmt.Sprintf(format, args...)))
}

// play runs the scenes in order.
func (d *demo) play(keep bool) error {
	dir, err := os.MkdirTemp("", "gatehouse-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder; the system removes what is left
	d.dir = dir
	stop, err := d.start()
	if err != nil {
		return err
	}
	defer stop()
	defer func() {
		for _, stop := range slices.Backward(d.stops) {
			stop()
		}
	}()
	for _, scene := range []func() error{d.install, d.friendly, d.hostile, d.product, d.optOut, d.commandLine, d.gateway} {
		if err := scene(); err != nil {
			return err
		}
	}
	d.title("Done: three applications accepted; eight ways around the gateway, one chain and one opt-out refused; the gateway let in who may")
	if !keep {
		d.say("`make demo ARGS=--keep` leaves the cluster running.\n")
		return nil
	}
	d.say("The cluster stays up until you press Ctrl-C. The webhook and the gateway run, the controller of Gatehouse does not: nothing scans\n"+
		"what is stored.\n"+
		"In another terminal:\n\n"+
		"    cd %s\n    export KUBECONFIG=%s PATH=%s:%s:$PATH\n"+
		"    kubectl get services -A\n"+
		"    kubectl -n boutique patch service cart -p '{\"spec\":{\"type\":\"NodePort\"}}'   # refused\n"+
		"    kubectl create namespace lab && kubectl label namespace lab gatehouse.sh/admission=warn\n"+
		"    kubectl -n lab create service nodeport web --tcp=80                          # accepted, with a warning\n"+
		"    gatehouse check                                                              # the whole cluster\n"+
		"    curl -k --connect-to %s:443:%s https://%s/orders   # 401: no token\n",
		root, d.cp.Kubeconfig(), filepath.Join(root, "bin"), filepath.Dir(d.cp.KubectlCommand(d.ctx).Path), host, d.served, host)
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
	d.say("ready after %s\n", time.Since(began).Round(100*time.Millisecond))
	return func() {
		if err := cp.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "demo: stop the control plane:", err)
		}
	}, nil
}

// kubectl prints a command and what it says, and returns the latter.
func (d *demo) kubectl(args ...string) (string, error) {
	d.say("%s\n", d.style(dim, "$ kubectl "+strings.ReplaceAll(strings.Join(args, " "), d.dir+"/", "")))
	cmd := d.cp.KubectlCommand(d.ctx, args...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	text := strings.ReplaceAll(string(out), root+"/", "")
	d.say("%s", indent(brief(text)))
	if d.ctx.Err() != nil {
		return text, errors.New("interrupted")
	}
	return text, err
}

// program prints and runs one of our own binaries.
func (d *demo) program(name string, args ...string) (string, error) {
	d.say("%s\n", d.style(dim, "$ "+name+" "+strings.ReplaceAll(strings.Join(args, " "), d.dir+"/", "")))
	cmd := exec.CommandContext(d.ctx, filepath.Join(root, "bin", name), args...) //nolint:gosec // our own program
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "KUBECONFIG="+d.cp.Kubeconfig())
	out, err := cmd.CombinedOutput()
	d.say("%s", indent(string(out)))
	return string(out), err
}

// must is kubectl for what has to work.
func (d *demo) must(args ...string) error {
	if _, err := d.kubectl(args...); err != nil {
		return fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// few is how many objects kubectl may list before they are only counted.
const few = 5

// brief counts the objects of a long list ("service/cart created") instead of
// naming each. Warnings and errors are all kept, before the counts.
func brief(text string) string {
	outcomes := []string{"created", "configured", "unchanged", "serverside-applied"}
	counts := map[string]int{}
	listed := 0
	var kept strings.Builder
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 2 && strings.Contains(words[0], "/") && slices.Contains(outcomes, words[1]) {
			counts[words[1]]++
			listed++
			continue
		}
		kept.WriteString(line)
	}
	if listed <= few {
		return text
	}
	var sums []string
	for _, outcome := range outcomes {
		if n := counts[outcome]; n > 0 {
			sums = append(sums, fmt.Sprintf("%d %s", n, outcome))
		}
	}
	return kept.String() + "objects: " + strings.Join(sums, ", ") + "\n"
}

func indent(s string) string {
	if s == "" {
		return ""
	}
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ") + "\n"
}
