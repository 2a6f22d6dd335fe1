// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// Who enforces NetworkPolicies.
const (
	enforcerNone   = "none"
	enforcerCilium = "cilium"
)

// ciliumHealth is where the agent says how it is: its own default is a port that Pods
// might want.
const ciliumHealth = "19879"

// cilium starts the agent, which connects Pods and enforces NetworkPolicies, and then
// lets containerd use it. The node must be known by now: the agent waits for the range
// of its Pods. The operator is not needed, since Kubernetes gives out that range.
func (s *settings) cilium(ctx context.Context, cp *controlplane.ControlPlane, ended chan<- error) error {
	if _, said, err := cp.Kubectl(ctx, "apply", "--server-side", "-f", filepath.Join(s.bin, "cilium", "crds")); err != nil {
		return fmt.Errorf("apply CRDs of Cilium: %w: %s", err, said)
	}
	shims, err := s.shims()
	if err != nil {
		return err
	}
	groups, err := unifiedGroups()
	if err != nil {
		return err
	}
	for _, dir := range []string{"bpf", "state", "lib"} {
		if err := os.MkdirAll(s.in("cilium", dir), 0o700); err != nil {
			return fmt.Errorf("create folder of Cilium: %w", err)
		}
	}
	if err := os.CopyFS(s.in("cilium", "lib", "bpf"), os.DirFS(filepath.Join(s.bin, "cilium", "bpf"))); err != nil {
		return fmt.Errorf("copy programs of Cilium: %w", err)
	}
	if err := syscall.Mount("bpf", s.in("cilium", "bpf"), "bpf", 0, ""); err != nil {
		return fmt.Errorf("mount file system of BPF: %w", err)
	}
	p := part{name: "cilium-agent", log: s.in("log", "cilium-agent.log"), env: []string{
		"PATH=" + shims + ":" + s.bin + ":" + os.Getenv("PATH"), "K8S_NODE_NAME=" + nodeName,
	}}
	if err := s.launch(ctx, &p, s.ciliumFlags(groups), ended); err != nil {
		return err
	}
	if err := await(ctx, nil, "cilium-agent to be healthy", ciliumIsHealthy); err != nil {
		return fmt.Errorf("%w%s", err, tail(p.log))
	}
	conf := `{"cniVersion":"0.3.1","name":"cilium","plugins":[{"type":"cilium-cni","log-file":"` + s.in("log", "cilium-cni.log") + `"}]}`
	if err := os.WriteFile(s.in("config", "05-cilium.conflist"), []byte(conf), 0o600); err != nil {
		return fmt.Errorf("write CNI configuration: %w", err)
	}
	return nil
}

// ciliumFlags leave to kube-proxy what is its, and switch off what is for more than
// one node, for encryption and for HTTP.
func (s *settings) ciliumFlags(groups string) []string {
	return []string{
		"--k8s-kubeconfig-path=" + s.in("control", "admin.kubeconfig"), "--k8s-sync-timeout=3m",
		"--bpf-root=" + s.in("cilium", "bpf"), "--lib-dir=" + s.in("cilium", "lib"), "--state-dir=" + s.in("cilium", "state"), "--cgroup-root=" + groups,
		"--ipam=kubernetes", "--enable-ipv6=false", "--routing-mode=native", "--ipv4-native-routing-cidr=" + podRange, "--enable-ipv4-masquerade=false",
		"--kube-proxy-replacement=false", "--enable-host-legacy-routing", "--devices=" + nodeLink, "--direct-routing-device=" + nodeLink,
		"--enable-l7-proxy=false", "--enable-hubble=false", "--enable-health-checking=false", "--enable-endpoint-health-checking=false",
		"--enable-k8s-terminating-endpoint", "--identity-allocation-mode=crd", "--enable-bandwidth-manager=false", "--agent-health-port=" + ciliumHealth,
		"--enable-cilium-endpoint-slice=false", "--enable-local-redirect-policy=false", "--enable-xdp-prefilter=false", "--cni-exclusive=false",
	}
}

// shims are programs that the agent runs, as it wants to find them: clang 19 warns of
// more than Cilium 1.15 knows, and Cilium makes errors of warnings; and modules of the
// kernel are this machine's business.
func (s *settings) shims() (string, error) {
	dir := s.in("shims")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("create folder: %w", err)
	}
	compiler, err := exec.LookPath("clang-19")
	if err != nil {
		return "", fmt.Errorf("find compiler of BPF: %w", err)
	}
	back, err := exec.LookPath("llc-19")
	if err != nil {
		return "", fmt.Errorf("find compiler of BPF: %w", err)
	}
	for name, script := range map[string]string{
		"clang":    "exec " + compiler + ` "$@" -w`,
		"llc":      "exec " + back + ` "$@"`,
		"modprobe": "exit 0",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil { //nolint:gosec // it is to be run
			return "", fmt.Errorf("write %s: %w", name, err)
		}
	}
	return dir, nil
}

// unifiedGroups is where cgroup v2 is mounted, alone or beside v1.
func unifiedGroups() (string, error) {
	content, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", fmt.Errorf("find control groups: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) > 2 && f[2] == "cgroup2" {
			return f[1], nil
		}
	}
	return "", errors.New("find control groups: Cilium wants version 2, which is not mounted")
}

// ciliumIsHealthy asks the agent.
func ciliumIsHealthy(ctx context.Context) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+ciliumHealth+"/healthz", nil)
	if err != nil {
		return false, fmt.Errorf("ask cilium-agent: %w", err)
	}
	request.Header.Set("Brief", "true")
	client := http.Client{Timeout: startLimit}
	response, err := client.Do(request)
	if err != nil {
		return false, nil //nolint:nilerr // it does not listen yet
	}
	return response.StatusCode == http.StatusOK, response.Body.Close()
}
