// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Set by hack/e2e.sh. Paths are absolute.
var (
	kubectlPath = flag.String("kubectl", "", "kubectl; empty: there is no node")
	nodePath    = flag.String("node", "", "program that enters the namespaces of the node")
	nodeDir     = flag.String("node-dir", "", "folder of the running node")
	probePath   = flag.String("probe", "", "the probe, as a program of this machine")
	programPath = flag.String("gatehouse", "", "the command line of Gatehouse")
	crdsPath    = flag.String("gateway-api", "", "folder of the CRDs of the Gateway API")
	update      = flag.Bool("update", false, "write docs/e2e from what is seen")
)

// patience bounds what takes seconds on an idle machine.
const patience = 4 * time.Minute

// counts are what the run did.
type counts struct{ probes, denials, requests, failures atomic.Int64 }

// house is the cluster, and what was done to it.
type house struct {
	client kubernetes.Interface
	counts counts
	door   *door // nil before there is one
}

func enter(t *testing.T) *house {
	t.Helper()
	if *kubectlPath == "" {
		t.Skip("there is no node: not tested are installation, refusals, the gateway, network plans on the wire, data planes of their own and uninstallation in a cluster that runs Pods; `make e2e` brings one up")
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatalf("read $KUBECONFIG: %v", err)
	}
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{} // the writer would have thousands
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return &house{client: client}
}

// report says what was done.
func (h *house) report(t *testing.T) {
	t.Helper()
	c := &h.counts
	t.Logf("e2e: %d probes, %d denials, %d requests, %d failures", c.probes.Load(), c.denials.Load(), c.requests.Load(), c.failures.Load())
}

// kubectl returns what kubectl wrote, and whether it succeeded.
func (h *house) kubectl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return run(t.Context(), *kubectlPath, args...)
}

func run(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, out.String())
	}
	return out.String(), nil
}

// must is kubectl that succeeds.
func (h *house) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := h.kubectl(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// refused applies a file and wants every object of it refused, with these words.
func (h *house) refused(t *testing.T, file string, objects int, words ...string) {
	t.Helper()
	out, err := h.kubectl(t, "apply", "-f", file)
	if err == nil {
		t.Fatalf("%s was accepted: %s", file, out)
	}
	denials := strings.Count(out, "denied the request")
	h.counts.denials.Add(int64(denials))
	if denials != objects {
		t.Errorf("%d objects of %s were denied, want %d: %s", denials, file, objects, out)
	}
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("the refusal of %s does not say %q: %s", file, w, out)
		}
	}
}

// until waits for something; holds says what is missing.
func until(t *testing.T, what string, holds func() (missing string)) {
	t.Helper()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for {
		missing := holds()
		if missing == "" {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("wait for %s: %s", what, missing)
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// rolledOut waits for Deployments, each as namespace/name.
func (h *house) rolledOut(t *testing.T, deployments ...string) {
	t.Helper()
	for _, d := range deployments {
		namespace, name, _ := strings.Cut(d, "/")
		out, err := h.kubectl(t, "rollout", "status", "-n", namespace, "deployment/"+name, "--timeout="+patience.String())
		if err != nil {
			events, _ := h.kubectl(t, "describe", "pods", "-n", namespace)
			t.Fatalf("%v: %s\n%s", err, out, events)
		}
	}
}

// inside runs a command in the namespaces of the node.
func inside(ctx context.Context, args ...string) (string, error) {
	return run(ctx, *nodePath, append(insideArgs(), args...)...)
}

func insideArgs() []string {
	return []string{"exec", "-dir", *nodeDir, "-bin", filepath.Dir(*nodePath), "--"}
}
