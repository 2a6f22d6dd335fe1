// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// outsider is a machine outside of the cluster: this one, at its end of the link.
const outsider = "outside"

// stand is a Pod from which is looked.
type stand struct {
	name string // of its workload
	ip   string
	pid  string // of its first process, in the namespaces of the node
}

// workloads are what is looked at, one Pod of each: namespace, label, name in tables.
func workloads() [][3]string {
	return [][3]string{
		{"shop", "app=web", "web"},
		{"shop", "app=carts", "carts"},
		{"shop", "app=database", "database"},
		{"neighbour", "app=neighbour", "neighbour"},
		{"kube-system", "k8s-app=kube-dns", "kube-dns"},
		{"gatehouse-system", "app.kubernetes.io/name=gatehouse-gateway", "gateway"},
		{"gatehouse-system", "app.kubernetes.io/name=gatehouse-webhook", "webhook"},
		{"gatehouse-system", "app.kubernetes.io/name=gatehouse-controller", "controller"},
	}
}

// portsOf are those that the Pods of a workload listen at.
func portsOf(name string) []string {
	return map[string][]string{
		"web": {"tcp:8080", "tcp:9090"}, "carts": {"tcp:8080", "tcp:9090"}, "database": {"tcp:5432", "tcp:9090"},
		"neighbour": {"tcp:8080"}, "kube-dns": {"tcp:53", "udp:53"}, "gateway": {"tcp:8443", "tcp:9090"},
		"webhook": {"tcp:9443", "tcp:8080"}, "controller": {"tcp:8080"},
	}[name]
}

// beyond are targets that are no Pods.
func beyond() []Target {
	return []Target{
		{Name: "Service carts", Dial: "tcp:10.96.100.2:8080", Of: "carts"},
		{Name: "Service database", Dial: "tcp:10.96.100.3:5432", Of: "database"},
		{Name: "API server", Dial: "tcp:10.96.0.1:443"},
		{Name: "kubelet", Dial: "tcp:10.200.0.2:10250"},
		{Name: "metadata 169.254.169.254", Dial: "tcp:169.254.169.254:80"},
		{Name: "internet 203.0.113.10 HTTPS", Dial: "tcp:203.0.113.10:443"},
		{Name: "internet 198.51.100.10 DNS", Dial: "udp:198.51.100.10:53"},
	}
}

// stands finds the Pods that there are.
func (h *house) stands(t *testing.T) []stand {
	t.Helper()
	tasks, err := inside(t.Context(), "ctr", "task", "ls")
	if err != nil {
		t.Fatal(err)
	}
	pids := map[string]string{}
	for line := range strings.Lines(tasks) {
		if f := strings.Fields(line); len(f) == 3 && f[2] == "RUNNING" {
			pids[f[0]] = f[1]
		}
	}
	var out []stand
	for _, w := range workloads() {
		pods, err := h.client.CoreV1().Pods(w[0]).List(t.Context(), metav1.ListOptions{LabelSelector: w[1]})
		if err != nil {
			t.Fatal(err)
		}
		for i := range pods.Items {
			p := &pods.Items[i]
			if p.DeletionTimestamp != nil || len(p.Status.ContainerStatuses) == 0 {
				continue
			}
			if pid := pids[path.Base(p.Status.ContainerStatuses[0].ContainerID)]; pid != "" {
				out = append(out, stand{name: w[2], ip: p.Status.PodIP, pid: pid})
				break
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("no Pod runs")
	}
	return out
}

// survey asks from every Pod, and from outside, for everything.
func (h *house) survey(t *testing.T) *Matrix {
	t.Helper()
	all := h.stands(t)
	m := &Matrix{Cells: map[string]map[string]string{}}
	for _, s := range all {
		for _, port := range portsOf(s.name) {
			network, number, _ := strings.Cut(port, ":")
			name := s.name + ":" + number
			if network == "udp" {
				name += " UDP"
			}
			m.Targets = append(m.Targets, Target{Name: name, Dial: network + ":" + s.ip + ":" + number, Of: s.name})
		}
	}
	m.Targets = append(m.Targets, beyond()...)
	var mu sync.Mutex
	var wait sync.WaitGroup
	slots := make(chan struct{}, 3) // a busy machine would take its time for an answer
	look := func(name string, command func(context.Context, ...string) (string, error)) {
		m.Sources = append(m.Sources, name)
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			cells, err := h.look(t.Context(), name, m.Targets, command)
			if err != nil {
				t.Errorf("look from %s: %v", name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			m.Cells[name] = cells
		})
	}
	look(outsider, func(ctx context.Context, args ...string) (string, error) { return run(ctx, *probePath, args...) })
	for _, s := range all {
		look(s.name, func(ctx context.Context, args ...string) (string, error) {
			return inside(ctx, append([]string{"nsenter", "-t", s.pid, "-n", *probePath}, args...)...)
		})
	}
	wait.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return m
}

// look asks for all targets but those on which policies have no say: a Pod reaches
// itself, and Services and the stand-ins are addresses of the cluster and of this
// test, which a machine outside has no route to.
func (h *house) look(ctx context.Context, from string, targets []Target, command func(context.Context, ...string) (string, error)) (map[string]string, error) {
	names := map[string]string{}
	args := []string{"dial"}
	for _, t := range targets {
		if t.Of == from || from == outsider && (t.Of == "" || strings.HasPrefix(t.Name, "Service ")) {
			continue
		}
		names[t.Dial] = t.Name
		args = append(args, t.Dial)
	}
	out, err := command(ctx, args...)
	if err != nil {
		return nil, err
	}
	cells := map[string]string{}
	for line := range strings.Lines(out) {
		if dial, outcome, found := strings.Cut(strings.TrimSpace(line), " "); found && names[dial] != "" {
			cells[names[dial]] = outcome
		}
	}
	if len(cells) != len(names) {
		return nil, fmt.Errorf("of %d targets %d were told of: %s", len(names), len(cells), out)
	}
	h.counts.probes.Add(int64(len(cells)))
	return cells, nil
}

// standIns makes the outside that Pods may reach until a plan denies it.
func (h *house) standIns(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), *nodePath, append(insideArgs(), *probePath, "outside")...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Errorf("end the outside: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("end the outside: %v: %s", err, said.String())
		}
	})
	line := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(out, line); err != nil || string(line) != "ready\n" {
		t.Fatalf("the outside is not ready: %q, %v, %s", line, err, said.String())
	}
}
