// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

// root is the repository: the demo is started by make, in its folder.
var root = mustGetwd()

func mustGetwd() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	return dir
}

const own = "gatehouse-system"

// install applies CRDs and registration and runs the webhook beside the API
// server. In a cluster `kubectl apply -f manifests/install.yaml` does the same.
func (d *demo) install() error {
	d.title("Install Gatehouse")
	port, probes, err := twoPorts(d.ctx)
	if err != nil {
		return err
	}
	path, err := d.writeRegistration(fmt.Sprintf("https://127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	if err := d.must("apply", "-k", "manifests/crd"); err != nil {
		return err
	}
	if err := d.must("apply", "-f", path); err != nil {
		return err
	}
	d.say("%s\n", d.style(dim, "$ gatehouse-webhook &"))
	cmd := exec.CommandContext(d.ctx, filepath.Join(root, "bin", "gatehouse-webhook"), //nolint:gosec // our own program
		"--host=127.0.0.1", fmt.Sprintf("--port=%d", port), "--metrics=0", fmt.Sprintf("--probes=127.0.0.1:%d", probes),
		"--names=127.0.0.1", "--cert-interval=100ms", "--cert-overlap=1s")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+d.cp.Kubeconfig())
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if d.verbose {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the webhook: %w", err)
	}
	began := time.Now()
	if err := d.wait(fmt.Sprintf("http://127.0.0.1:%d/readyz", probes)); err != nil {
		return err
	}
	d.say("  ready after %s: watches synced, certificate accepted by the API server\n", time.Since(began).Round(10*time.Millisecond))
	return nil
}

// writeRegistration writes what points the API server at the webhook.
func (d *demo) writeRegistration(url string) (string, error) {
	set, err := catalog.Set()
	if err != nil {
		return "", err
	}
	validating, mutating := registration.Build(set, registration.Options{Namespace: own, Service: "gatehouse-webhook", URL: url, ValidateTimeout: 10, MutateTimeout: 10})
	docs := []any{
		map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": own}},
		map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"namespace": own, "name": serve.SecretName}},
		validating, mutating,
	}
	var b strings.Builder
	for _, doc := range docs {
		raw, err := yaml.Marshal(doc)
		if err != nil {
			return "", err
		}
		b.WriteString("---\n")
		b.Write(raw)
	}
	path := filepath.Join(d.dir, "registration.yaml")
	return path, os.WriteFile(path, []byte(b.String()), 0o600)
}

// friendly applies two applications that use the gateway as they should.
func (d *demo) friendly() error {
	for _, app := range []string{"boutique", "socks"} {
		d.title("A well-behaved application: %s", app)
		folder := "test/fixtures/apps/" + app
		for _, args := range [][]string{
			{"apply", "-f", folder + "/namespace.yaml"},
			{"-n", app, "apply", "-f", folder + "/policies.yaml"}, // before what they protect
			{"apply", "-k", folder},
		} {
			if err := d.must(args...); err != nil {
				return fmt.Errorf("an application that does nothing wrong was refused: %w", err)
			}
		}
	}
	return nil
}

// refusals are the checks for which the hostile objects are refused, one for
// each object, in its order.
var refusals = []string{"EXP-001", "EXP-002", "EXP-004", "EXP-008", "EXP-024", "EXP-010", "EXP-041"}

// hostile applies seven ways in; each must be refused, and for its own reason.
func (d *demo) hostile() error {
	d.title("Seven ways around the gateway")
	out, err := d.kubectl("apply", "-f", "test/fixtures/apps/hostile.yaml")
	if refused := strings.Count(out, "denied the request"); err == nil || refused != len(refusals) {
		return fmt.Errorf("%d of %d were refused", refused, len(refusals))
	}
	for _, id := range refusals {
		if !strings.Contains(out, "* "+id+" ") {
			return fmt.Errorf("nothing was refused for %s", id)
		}
	}
	return nil
}

// product gives the account of a published workload every right, which nothing can
// use as long as its pods hold no token, and then mounts the token: neither step is
// a fault by itself, and the one that completes the chain is refused.
func (d *demo) product() error {
	d.title("Published through the gateway, and every right in the cluster: the last step is refused")
	if err := d.must("create", "clusterrolebinding", "frontend-admin", "--clusterrole=cluster-admin", "--serviceaccount=boutique:frontend"); err != nil {
		return err
	}
	patch := `{"spec":{"template":{"spec":{"automountServiceAccountToken":true}}}}`
	out, err := d.kubectl("-n", "boutique", "patch", "deployment", "frontend", "-p", patch)
	if err == nil || !strings.Contains(out, "* XR-002 ") || !strings.Contains(out, "ClusterRoleBinding frontend-admin") {
		return errors.New("the chain was completed")
	}
	return d.must("delete", "clusterrolebinding", "frontend-admin")
}

// optOut shows that RBAC does not switch the guard off, not even a binding to
// cluster-admin: that takes a group of --guard-groups.
func (d *demo) optOut() error {
	d.title("Somebody with every right in the cluster tries to take a namespace out")
	if err := d.must("create", "clusterrolebinding", "tenant", "--clusterrole=cluster-admin", "--user=tenant"); err != nil {
		return err
	}
	out, err := d.kubectl("--as=tenant", "label", "namespace", "boutique", "gatehouse.sh/admission-")
	if err == nil || !strings.Contains(out, "SELF-001") {
		return errors.New("the namespace was taken out")
	}
	return nil
}

// commandLine asks the same engine about the same objects, without a cluster:
// the application is read with them, for it is what they are judged against.
func (d *demo) commandLine() error {
	d.title("The same verdict before anything is applied, in CI")
	out, err := d.program("gatehouse", "check", "--quiet", "test/fixtures/apps/boutique", "test/fixtures/apps/hostile.yaml")
	if err == nil {
		return fmt.Errorf("gatehouse check found nothing: %s", out)
	}
	if exit, ended := errors.AsType[*exec.ExitError](err); !ended || exit.ExitCode() != 1 {
		return fmt.Errorf("gatehouse check did not end with 1: %w: %s", err, out)
	}
	for _, id := range refusals {
		if !strings.Contains(out, id) {
			return fmt.Errorf("gatehouse check does not report %s, which the webhook refused", id)
		}
	}
	return nil
}

func (d *demo) wait(url string) error {
	ctx, cancel := context.WithTimeout(d.ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	client := &http.Client{Timeout: time.Second}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close() //nolint:errcheck,gosec // nothing was read from it
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.New("the webhook did not become ready within a minute; run again with ARGS=--verbose")
		case <-tick.C:
		}
	}
}

// twoPorts returns two free ports of the loopback interface.
func twoPorts(ctx context.Context) (a, b int, err error) {
	var (
		ports  [2]int
		listen net.ListenConfig
	)
	for i := range ports {
		l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return 0, 0, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() //nolint:errcheck // only its number was wanted
		if addr, ok := l.Addr().(*net.TCPAddr); ok {
			ports[i] = addr.Port
		}
	}
	return ports[0], ports[1], nil
}
