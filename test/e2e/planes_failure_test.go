// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// powerless takes the token out of each Pod, as who takes it over would.
func (h *house) powerless(t *testing.T) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // its answer is not believed
	pids := h.planes(t)
	if len(pids) == 0 {
		t.Fatal("no data plane runs")
	}
	for _, pid := range pids {
		token, err := inside(t.Context(), "cat", "/proc/"+pid+"/root/var/run/gatehouse/token")
		if err != nil || strings.Count(token, ".") != 2 {
			t.Fatalf("read the token of process %s: %v: %d bytes", pid, err, len(token))
		}
		if out, err := inside(t.Context(), "ls", "/proc/"+pid+"/root/var/run/secrets"); err == nil {
			t.Errorf("process %s has secrets besides: %s", pid, out)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://10.200.0.2:6443/apis", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("the API server answers %s, want 401", response.Status)
		}
	}
}

// planes are the processes of gatehouse-gateway that hold a token for the control plane.
func (h *house) planes(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pid := range h.pids(t, "gatehouse-gateway") {
		if _, err := inside(t.Context(), "test", "-e", "/proc/"+pid+"/root/var/run/gatehouse/token"); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

// startEating has two clients ask at the address of the load balancer: one keeps its
// connection, the other makes a new one for each request.
func (h *house) startEating(t *testing.T) *traffic {
	t.Helper()
	ways := make([]func(context.Context) (int, string, error), 0, 2)
	for _, renews := range []bool{false, true} {
		client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: renews}}
		ways = append(ways, func(ctx context.Context) (int, string, error) { return h.askAt(ctx, client, counterAddress) })
	}
	return h.startAsking(t, ways...)
}

func (h *house) loseControl(t *testing.T) {
	clients := h.startEating(t)
	h.loseLeader(t, "gateway")
	h.must(t, "patch", "httproute", "bread", "-n", bakery, "--type=json", "-p", `[{"op":"replace","path":"/spec/rules/0/backendRefs/0/name","value":"cake"}]`)
	for _, p := range h.ready(t) {
		h.servedAt(t, p.Status.PodIP, "cake")
	}
	h.rolledOut(t, "gatehouse-system/gatehouse-gateway")
	clients.unharmed(t)
}

func (h *house) aloneAgain(t *testing.T) {
	h.must(t, "scale", "deployment/gatehouse-gateway", "-n", "gatehouse-system", "--replicas=0")
	until(t, "the control plane to be gone", func() string {
		return h.must(t, "get", "pods", "-n", "gatehouse-system", "-l", "app.kubernetes.io/name=gatehouse-gateway", "-o", "name")
	})
	all := h.ready(t)
	pids := h.planes(t)
	if len(pids) != 2 || len(all) != 2 {
		t.Fatalf("%d Pods are ready, and %d processes run, want 2", len(all), len(pids))
	}
	if _, err := inside(t.Context(), "kill", "-9", pids[0]); err != nil {
		t.Fatal(err)
	}
	until(t, "its container to run again", func() string {
		restarts := int32(0)
		for _, p := range h.ready(t) {
			restarts += p.Status.ContainerStatuses[0].RestartCount
		}
		if n := len(h.ready(t)); n != 2 || restarts != 1 {
			return fmt.Sprintf("%d are ready, %d restarts", n, restarts)
		}
		return ""
	})
	for _, p := range all {
		h.servedAt(t, p.Status.PodIP, "cake")
	}
	h.must(t, "scale", "deployment/gatehouse-gateway", "-n", "gatehouse-system", "--replicas=2")
	h.rolledOut(t, "gatehouse-system/gatehouse-gateway")
	h.must(t, "patch", "httproute", "bread", "-n", bakery, "--type=json", "-p", `[{"op":"replace","path":"/spec/rules/0/backendRefs/0/name","value":"bread"}]`)
	for _, p := range all {
		h.servedAt(t, p.Status.PodIP, "bread") // the replicas have found the way back
	}
	h.gatewaySays(t, "Programmed", "")
}

func (h *house) rollPlane(t *testing.T) {
	clients := h.startEating(t)
	old := map[string]bool{}
	for _, p := range h.replicas(t) {
		old[p.Name] = true
	}
	h.must(t, "rollout", "restart", "-n", bakery, "deployment/"+counter)
	h.rolledOut(t, bakery+"/"+counter)
	until(t, "the Pods of before to be gone", func() string {
		all, err := h.client.CoreV1().Pods(bakery).List(t.Context(), metav1.ListOptions{LabelSelector: ofCounter})
		if err != nil {
			return err.Error()
		}
		return among(all.Items, old)
	})
	clients.unharmed(t)
	h.gatewaySays(t, "Programmed", "")
}

// among are those of the Pods that have one of the names.
func among(pods []corev1.Pod, names map[string]bool) string {
	var out []string
	for i := range pods {
		if names[pods[i].Name] {
			out = append(out, pods[i].Name)
		}
	}
	return strings.Join(out, " ")
}

func (h *house) deleteDoor(t *testing.T) {
	h.must(t, "delete", "gateway", "counter", "-n", bakery)
	until(t, "nothing of the Gateway to be left", func() string {
		return h.must(t, "get", "serviceaccounts,configmaps,services,endpointslices,pods,deployments,replicasets,horizontalpodautoscalers,networkpolicies,poddisruptionbudgets", "-n", bakery, "-l", ofCounter, "-o", "name")
	})
}

func (h *house) uninstallPlanes(t *testing.T) {
	h.must(t, "delete", "-f", data("planes-policy.yaml"))
	h.must(t, "delete", "namespace", bakery)
	h.must(t, "delete", "-k", filepath.Join(repository, "manifests", "gateway-planes"))
	h.takeOut(t)
}
