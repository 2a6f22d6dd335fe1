// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// nodeName is what the node is called in the cluster.
const nodeName = "node"

// apiPort is the usual one: NetworkPolicies of clusters name it.
const apiPort = 6443

// The files of the identities, below the folder of the control plane.
const (
	kubeletFile       = "kubelet"
	kubeletServerFile = "kubelet-server"
	kubeletClientFile = "kubelet-client" // by which the API server calls kubelet
	proxyFile         = "kube-proxy"
	schedulerFile     = "kube-scheduler"
)

// part is one running program of the node.
type part struct {
	name string
	log  string
	env  []string // beside PATH, HOME and TMPDIR; a later PATH counts
	cmd  *exec.Cmd
}

// cluster starts everything and stays until its standard input ends, it is asked to
// end, or a part of it ends.
func (s *settings) cluster(ctx context.Context) error {
	cp, err := controlplane.Start(ctx, s.controlPlane())
	if err != nil {
		return err
	}
	defer cp.Stop() //nolint:errcheck // the namespaces end with this process
	client, err := kubernetes.NewForConfig(cp.RESTConfig())
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	if err := s.configure(); err != nil {
		return err
	}
	ended := make(chan error, 8)
	if err := s.parts(ctx, ended); err != nil {
		return err
	}
	if s.enforcer == enforcerCilium {
		if err := s.cilium(ctx, cp, ended); err != nil {
			return err
		}
	}
	if err := await(ctx, ended, "the node to be ready", func(ctx context.Context) (bool, error) { return s.serves(ctx, client) }); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(os.Stdout, ready); err != nil {
		return fmt.Errorf("say that the node is ready: %w", err)
	}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		_, _ = io.Copy(io.Discard, os.Stdin) // its end is what matters
	}()
	select {
	case <-asked:
		return nil
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	}
}

func (s *settings) controlPlane() controlplane.Options {
	at := func(file string) string { return s.in("control", file) }
	return controlplane.Options{
		WithControllerManager: true, Dir: s.in("control"), Address: nodeIP(), Port: apiPort, Log: os.Stderr,
		Identities: []controlplane.Identity{
			{File: kubeletFile, Name: "system:node:" + nodeName, Group: "system:nodes"},
			{File: kubeletServerFile, Name: nodeName, Server: true, Addresses: []netip.Addr{nodeIP()}},
			{File: kubeletClientFile, Name: "apiserver-kubelet-client", Group: "system:masters"},
			{File: proxyFile, Name: "system:kube-proxy"},
			{File: schedulerFile, Name: "system:kube-scheduler"},
		},
		APIServerFlags: []string{
			"--authorization-mode=Node", "--enable-admission-plugins=NodeRestriction",
			"--kubelet-client-certificate=" + at(kubeletClientFile+".crt"), "--kubelet-client-key=" + at(kubeletClientFile+".key"),
			"--kubelet-certificate-authority=" + at("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		},
	}
}

// parts starts what a node consists of, in the order in which they need each other.
func (s *settings) parts(ctx context.Context, ended chan<- error) error {
	archives, err := s.archives()
	if err != nil {
		return err
	}
	verbosity := fmt.Sprintf("--v=%d", s.v)
	scheduler := s.in("control", schedulerFile+".kubeconfig")
	for _, start := range []struct {
		name  string
		flags []string
		then  func() error
	}{
		{"containerd", []string{"--config=" + s.in("config", "containerd.toml")}, func() error { return s.load(ctx, archives) }},
		{"kubelet", []string{
			"--config=" + s.in("config", "kubelet.yaml"), "--kubeconfig=" + s.in("control", kubeletFile+".kubeconfig"),
			"--hostname-override=" + nodeName, "--node-ip=" + nodeIP().String(), "--root-dir=" + s.in("kubelet"), "--cert-dir=" + s.in("kubelet-pki"), verbosity,
		}, nil},
		{"kube-proxy", []string{"--config=" + s.in("config", "kube-proxy.yaml"), verbosity}, nil},
		{"kube-scheduler", []string{
			"--kubeconfig=" + scheduler, "--authentication-kubeconfig=" + scheduler, "--authorization-kubeconfig=" + scheduler,
			"--bind-address=127.0.0.1", "--leader-elect=false", "--kube-api-qps=200", "--kube-api-burst=400",
		}, nil},
	} {
		p := part{name: start.name, log: s.in("log", start.name+".log")}
		if err := s.launch(ctx, &p, start.flags, ended); err != nil {
			return err
		}
		if start.then != nil {
			if err := start.then(); err != nil {
				return fmt.Errorf("%w%s", err, tail(p.log))
			}
		}
	}
	return nil
}

// launch starts a part. Like the control plane it gets no variable of the caller.
func (s *settings) launch(ctx context.Context, p *part, flags []string, ended chan<- error) error {
	log, err := os.Create(p.log)
	if err != nil {
		return fmt.Errorf("create log of %s: %w", p.name, err)
	}
	defer log.Close() //nolint:errcheck // the part has its own descriptor
	// It ends with the namespaces, not before.
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(s.bin, p.name), flags...) //nolint:gosec // the caller chooses the folder
	p.cmd.Env = []string{"PATH=" + s.bin + ":" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir}
	p.cmd.Env = append(p.cmd.Env, p.env...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = s.dir, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		err := p.cmd.Wait()
		ended <- fmt.Errorf("%s ended: %v%s", p.name, err, tail(p.log)) //nolint:errorlint // nil is an end too
	}()
	return nil
}

// load waits for containerd and gives it the images.
func (s *settings) load(ctx context.Context, archives []string) error {
	ctr := func(ctx context.Context, args ...string) error {
		cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "ctr"), append([]string{"--address", s.in("containerd", "socket"), "--namespace", "k8s.io"}, args...)...) //nolint:gosec // ours
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, out)
		}
		return nil
	}
	if err := await(ctx, nil, "containerd to answer", func(ctx context.Context) (bool, error) { return ctr(ctx, "version") == nil, nil }); err != nil {
		return err
	}
	for _, archive := range archives {
		if err := ctr(ctx, "images", "import", archive); err != nil {
			return err
		}
	}
	return nil
}

// serves tells whether the node is ready and Pods may be created.
func (s *settings) serves(ctx context.Context, client kubernetes.Interface) (bool, error) {
	node, err := client.CoreV1().Nodes().Get(ctx, nodeName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("get node: %w", err)
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
			return err == nil, nil
		}
	}
	return false, nil
}

// await polls a condition until it holds, a part ends, or startLimit passes.
func await(ctx context.Context, ended <-chan error, what string, holds func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := holds(ctx)
		if err != nil || ok {
			return err
		}
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
