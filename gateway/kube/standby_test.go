// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/program"
)

const (
	ingressClass  = "---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: gatehouse}\nspec: {controller: gatehouse.sh/gateway}\n---\n"
	sharedIngress = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %[1]s, namespace: shop}
spec: {ingressClassName: gatehouse, rules: [{host: %[1]s.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
`
)

// planes runs a control plane of two as its manifest has it, with addresses of its own.
func (c *cluster) planes(t testing.TB, address string) (cmd *exec.Cmd, log *lines) {
	t.Helper()
	log = &lines{}
	cmd = exec.CommandContext(context.WithoutCancel(t.Context()), program.Gateway(t), "--kubernetes", "--kubeconfig", c.Kubeconfig(), "--addresses", address, "--port-offset", strconv.Itoa(offset),
		"--hand-over", address+":20943", "--metrics", address+":20909", "--drain", "0s")
	cmd.Stdout, cmd.Stderr = io.Discard, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log)
		}
	})
	return cmd, log
}

// TestEachServesWhatIsSharedAndOneLeads: an Ingress is served by both control planes, and
// statuses are written by one. When that one is killed the other serves on, and leads later.
func TestEachServesWhatIsSharedAndOneLeads(t *testing.T) {
	t.Parallel()
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	c.limited(t) // which makes the namespace
	rights, err := os.ReadFile(handOver)
	if err != nil {
		t.Fatal(err)
	}
	c.apply(t, string(rights)+"\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"+service(t)+
		ingressClass+fmt.Sprintf(sharedIngress, "first"))
	addresses := []string{"127.0.30.1", "127.0.30.2"}
	leader, first := c.planes(t, addresses[0])
	controlplane.Eventually(t, time.Minute, "the first leads", controlplane.Holds(func() bool { return strings.Contains(first.String(), `"leading"`) }))
	_, second := c.planes(t, addresses[1])
	for _, a := range addresses {
		answers(t, http.DefaultClient, "http://"+a+":20080/", "first.example.com", 200, "web")
		answers(t, http.DefaultClient, "http://"+a+":20909/readyz", "", 200, "")
	}
	c.addressed(t, "first", addresses[0])
	if strings.Contains(second.String(), `"leading"`) {
		t.Fatal("both lead")
	}
	if err := leader.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.apply(t, fmt.Sprintf(sharedIngress, "second"))
	for range 20 {
		if status, text, err := get(t, http.DefaultClient, "http://"+addresses[1]+":20080/", "first.example.com"); err != nil || status != 200 {
			t.Fatalf("without a leader: %d %s, %v", status, text, err)
		}
	}
	answers(t, http.DefaultClient, "http://"+addresses[1]+":20080/", "second.example.com", 200, "web")
	c.addressed(t, "second", addresses[1])
	if !strings.Contains(second.String(), `"leading"`) {
		t.Error("a status is written by who does not lead")
	}
}

// TestWhoHasLostTheLeaseServesOn: without data planes and statuses, until it leads again.
func TestWhoHasLostTheLeaseServesOn(t *testing.T) {
	t.Parallel()
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	c.limited(t)
	rights, err := os.ReadFile(handOver)
	if err != nil {
		t.Fatal(err)
	}
	c.apply(t, string(rights)+"\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"+service(t)+ingressClass+fmt.Sprintf(sharedIngress, "first"))
	const address = "127.0.30.3"
	_, log := c.planes(t, address)
	c.addressed(t, "first", address)
	c.apply(t, "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: gatehouse-gateway, namespace: gatehouse-system}, spec: {holderIdentity: other, leaseDurationSeconds: 5}}")
	asked := 0
	serves := func() {
		t.Helper()
		asked++
		if status, text, err := get(t, http.DefaultClient, "http://"+address+":20080/", "first.example.com"); err != nil || status != 200 {
			t.Fatalf("request %d: %d %s, %v", asked, status, text, err)
		}
	}
	for _, line := range []string{`"leading no more"`, `"leading"`} {
		before := strings.Count(log.String(), line)
		controlplane.Eventually(t, time.Minute, "it says "+line, controlplane.Holds(func() bool {
			serves()
			return strings.Count(log.String(), line) > before || line == `"leading no more"` && before > 0
		}))
	}
	c.apply(t, fmt.Sprintf(sharedIngress, "second"))
	c.addressed(t, "second", address)
	hub, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address+":20943")
	if err != nil {
		t.Fatalf("nothing is handed over: %v", err)
	}
	_ = hub.Close()
	t.Logf("%d requests were answered", asked)
}

// addressed waits until the status of an Ingress of the namespace shop has an address.
func (c *cluster) addressed(t testing.TB, name, address string) {
	t.Helper()
	controlplane.Eventually(t, time.Minute, name+" says its address", func() error {
		u := &unstructured.Unstructured{}
		u.SetAPIVersion("networking.k8s.io/v1")
		u.SetKind("Ingress")
		if err := c.api.Get(t.Context(), ctrlclient.ObjectKey{Namespace: "shop", Name: name}, u); err != nil {
			return err
		}
		if got := fmt.Sprint(u.Object["status"]); !strings.Contains(got, address) {
			return fmt.Errorf("the status is %s", got)
		}
		return nil
	})
}
