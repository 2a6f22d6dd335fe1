// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// recoveryLimit is what issue and operations page promise.
const recoveryLimit = 30 * time.Second

// failures break one thing after the other, while a writer and customers go on.
func (h *house) failures(t *testing.T) {
	for _, f := range []struct {
		name string
		do   func(t *testing.T)
		// cuts is that requests may fail meanwhile: what serves them is what breaks.
		cuts bool
	}{
		{"one replica of the webhook is killed", func(t *testing.T) { h.kill(t, "gatehouse-webhook", 1) }, false},
		{"all replicas of the webhook are killed", func(t *testing.T) { h.kill(t, "gatehouse-webhook", 2) }, false},
		{"the API server is killed and started again", func(t *testing.T) { h.restart(t, "kube-apiserver") }, false},
		{"etcd is killed and started again", func(t *testing.T) { h.restart(t, "etcd") }, false},
		{"the certificates of the webhook are rotated", h.rotate, false},
		{"the Pod that leads the controllers is deleted without grace", func(t *testing.T) { h.loseLeader(t, "controller") }, false},
		{"the webhook gets more memory than it may have", func(t *testing.T) { h.starve(t, "gatehouse-webhook") }, false},
		{"the watches of the gateway and the webhook are cut", h.cutWatches, false},
		{"the gateway is restarted, one Pod after the other", func(t *testing.T) { h.roll(t, "gatehouse-gateway") }, false},
		{"the webhook is restarted, one Pod after the other", func(t *testing.T) { h.roll(t, "gatehouse-webhook") }, false},
		{"the only Pod of the gateway is killed", func(t *testing.T) { h.kill(t, "gatehouse-gateway", 1) }, true},
	} {
		worked := t.Run(f.name, func(t *testing.T) {
			writes, customers := h.startWriter(t), h.startTraffic(t)
			writes.recovered(t, time.Now()) // it works before
			began := time.Now()
			f.do(t)
			took := writes.recovered(t, began)
			if f.cuts {
				took = max(took, customers.recovered(t, began))
			}
			t.Logf("recovered after %s", took.Round(100*time.Millisecond))
			if took > recoveryLimit {
				t.Errorf("recovery took %s, want %s at most", took, recoveryLimit)
			}
			writes.stop(t)
			if f.cuts {
				asked, failed := customers.stop()
				t.Logf("%d requests meanwhile, %d failed", asked, len(failed))
				return
			}
			customers.unharmed(t)
		})
		if !worked {
			t.Fatal("the rest would be about what broke here")
		}
	}
}

// kill ends so many Pods of a Deployment as an accident would: the process is gone,
// and says nothing.
func (h *house) kill(t *testing.T, name string, count int) {
	t.Helper()
	pids := h.pids(t, name)
	if len(pids) < count {
		t.Fatalf("%s has %d processes, want %d", name, len(pids), count)
	}
	if _, err := inside(t.Context(), append([]string{"kill", "-9"}, pids[:count]...)...); err != nil {
		t.Fatal(err)
	}
}

// pids are those of the processes of the Pods with a name, in the namespaces of the
// node.
func (h *house) pids(t *testing.T, name string) []string {
	t.Helper()
	out, err := inside(t.Context(), "sh", "-c", "for p in /proc/[0-9]*; do if [ \"$(tr '\\0' '\\n' <$p/cmdline 2>/dev/null | head -n 1)\" = /"+name+" ]; then echo pid ${p#/proc/}; fi; done")
	if err != nil {
		t.Fatal(err)
	}
	var pids []string
	for line := range strings.Lines(out) {
		if pid, found := strings.CutPrefix(strings.TrimSpace(line), "pid "); found {
			pids = append(pids, pid)
		}
	}
	return pids
}

// roll restarts a Deployment, and waits until no Pod of before is left.
func (h *house) roll(t *testing.T, name string) {
	t.Helper()
	pods := func() []string {
		return strings.Fields(h.must(t, "get", "pods", "-n", "gatehouse-system", "-l", "app.kubernetes.io/name="+name, "-o", "name"))
	}
	old := pods()
	h.must(t, "rollout", "restart", "-n", "gatehouse-system", "deployment/"+name)
	h.rolledOut(t, "gatehouse-system/"+name)
	until(t, "the Pods of before to be gone", func() string {
		var left []string
		for _, p := range pods() {
			if slices.Contains(old, p) {
				left = append(left, p)
			}
		}
		return strings.Join(left, " ")
	})
}

// starve leaves a process the memory that it has and no more, until the kernel ends it
// for want of memory. The container that comes after has what the manifests say.
func (h *house) starve(t *testing.T, name string) {
	t.Helper()
	pids := h.pids(t, name)
	if len(pids) == 0 {
		t.Fatalf("no %s runs", name)
	}
	const script = `g=$(sed -n 's/^[0-9]*:memory://p' /proc/$0/cgroup)
if [ -n "$g" ]; then cd /sys/fs/cgroup/memory$g && cat memory.usage_in_bytes >memory.limit_in_bytes
else cd /sys/fs/cgroup$(sed -n 's/^0:://p' /proc/$0/cgroup) && echo 1M >memory.max; fi`
	until(t, "the kernel to end "+name, func() string {
		out, err := inside(t.Context(), "sh", "-c", script, pids[0])
		why := h.must(t, "get", "pods", "-n", "gatehouse-system", "-l", "app.kubernetes.io/name="+name,
			"-o", "jsonpath={.items[*].status.containerStatuses[*].lastState.terminated.reason}")
		if strings.Contains(why, "OOMKilled") && !slices.Contains(h.pids(t, name), pids[0]) {
			return ""
		}
		return fmt.Sprintf("Pods ended by %q; %s %v", why, out, err)
	})
}

// cutWatches resets every connection of the two to the API server.
func (h *house) cutWatches(t *testing.T) {
	cut := 0
	for _, name := range []string{"gatehouse-gateway", "gatehouse-webhook"} {
		for _, pid := range h.pids(t, name) {
			for range 3 {
				out, err := inside(t.Context(), "nsenter", "-t", pid, "-n", "ss", "-K", "-t", "state", "established", "dport", "=", ":443")
				if err != nil {
					t.Fatal(err)
				}
				cut += strings.Count(out, ":443") + strings.Count(out, ":https")
			}
		}
	}
	if cut == 0 {
		t.Fatal("no connection was cut")
	}
	t.Logf("%d connections cut", cut)
}

// restart kills a component of the control plane and runs its command again, which
// ends with the namespaces.
func (h *house) restart(t *testing.T, name string) {
	t.Helper()
	pid := h.running(t, name)
	line, err := inside(t.Context(), "cat", "/proc/"+pid+"/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	command := strings.Split(strings.TrimSuffix(line, "\x00"), "\x00")
	if _, err := inside(t.Context(), "kill", "-9", pid); err != nil {
		t.Fatal(err)
	}
	until(t, name+" to be gone", func() string { // and its port with it
		if _, err := inside(t.Context(), "test", "-e", "/proc/"+pid); err == nil {
			return "process " + pid + " is there"
		}
		return ""
	})
	var said bytes.Buffer
	cmd := exec.CommandContext(context.Background(), *nodePath, append(insideArgs(), command...)...)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait() }() // it ends with the node
	until(t, "the API server to be ready", func() string {
		if out, err := h.kubectl(t, "get", "--raw", "/readyz"); err != nil {
			return fmt.Sprintf("%s: %s", out, tail(said.String()))
		}
		return ""
	})
	if again := h.running(t, name); again == pid {
		t.Errorf("%s is process %s as before", name, pid)
	}
}

// running is the process of a component in the namespaces of the node.
func (h *house) running(t *testing.T, name string) string {
	t.Helper()
	found, err := inside(t.Context(), "pgrep", "-x", "-f", "[^ ]*/"+name+" .*")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(found)
}

func tail(text string) string { return text[max(0, len(text)-500):] }

// rotate asks for new certificates, and waits for them.
func (h *house) rotate(t *testing.T) {
	bundle := func() string {
		return h.must(t, "get", "validatingwebhookconfiguration", "gatehouse", "-o", "jsonpath={.webhooks[0].clientConfig.caBundle}")
	}
	was := bundle()
	h.must(t, "annotate", "secret", "gatehouse-webhook-certificates", "-n", "gatehouse-system", "--overwrite",
		"gatehouse.sh/rotate-before="+time.Now().UTC().Format(time.RFC3339))
	until(t, "the API server to be told of another authority", func() string {
		if bundle() == was {
			return "it knows the old one"
		}
		return ""
	})
}

// loseLeader deletes the Pod that holds the Lease of a name with this in it without grace,
// and waits for the other to lead. The Pod may have let go of the Lease in its last second.
func (h *house) loseLeader(t *testing.T, of string) {
	t.Helper()
	leases, err := h.client.CoordinationV1().Leases("gatehouse-system").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	name, holder := "", ""
	for i := range leases.Items {
		if l := &leases.Items[i]; strings.Contains(l.Name, of) && l.Spec.HolderIdentity != nil {
			name, holder = l.Name, *l.Spec.HolderIdentity
		}
	}
	pod, _, _ := strings.Cut(holder, "_")
	if pod == "" {
		t.Fatalf("no %s leads: %d Leases", of, len(leases.Items))
	}
	began := time.Now()
	h.must(t, "delete", "pod", pod, "-n", "gatehouse-system", "--grace-period=0", "--force")
	until(t, "another "+of+" to lead", func() string {
		l, err := h.client.CoordinationV1().Leases("gatehouse-system").Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		if l.Spec.HolderIdentity == nil || *l.Spec.HolderIdentity == "" || *l.Spec.HolderIdentity == holder {
			return "none does"
		}
		return ""
	})
	took := time.Since(began)
	t.Logf("another %s leads after %s", of, took.Round(100*time.Millisecond))
	if took > recoveryLimit {
		t.Errorf("another %s led after %s, want %s at most", of, took, recoveryLimit)
	}
}
