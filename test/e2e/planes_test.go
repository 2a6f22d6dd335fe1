// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// The tenant of testdata/planes.yaml, whose Gateway has a data plane of its own.
const (
	bakery     = "bakery"
	bakeryHost = "bakery.example.com"
	counter    = "counter-gatehouse" // what everything is called that is made for its Gateway
	ofCounter  = "gatehouse.sh/gateway=" + counter
)

// counterAddress is what a cloud's load balancer would give its Service: test/node leads
// there.
const counterAddress = "10.201.0.1"

// TestDataPlanesOfTheirOwn is a story of its own, of manifests/gateway-planes.
func TestDataPlanesOfTheirOwn(t *testing.T) {
	h := enter(t)
	defer h.report(t)
	var told []string
	for _, part := range []struct {
		name string
		tell func(t *testing.T)
	}{
		{"the control plane is installed beside the rest of Gatehouse", h.installPlanes},
		{"without the right to make one there is no data plane, and the Gateway says which role to bind", h.withoutRight},
		{"a Service that faces clients is refused where admission is enforced, until the CheckPolicy has the namespace", h.notYetADoor},
		{"its Pods run as `restricted` wants it, and are handed what they serve", h.handed},
		{"clients outside of the cluster are answered at the address of its load balancer, which is that of the Gateway", h.assigned},
		{"the autoscaler makes a second replica, which answers too", h.secondReplica},
		{"the token in a Pod is nothing to the API server, and there is no other", h.powerless},
		{"the leader of the control plane is deleted without grace: no request fails, and the next one hands over what is new", h.loseControl},
		{"the control plane is away and a container is killed: it serves again what it had", h.aloneAgain},
		{"the data plane is restarted, one Pod after the other: no request fails", h.rollPlane},
		{"the Gateway is deleted: nothing of it is left", h.deleteDoor},
		{"uninstalled, nothing is left", h.uninstallPlanes},
	} {
		if !t.Run(part.name, part.tell) {
			t.Fatal("the rest of the story stands on this part")
		}
		told = append(told, part.name)
	}
	planesDocument(t, told)
}

func (h *house) installPlanes(t *testing.T) {
	h.must(t, "apply", "--server-side", "-k", *crdsPath)
	h.must(t, "apply", "-f", filepath.Join(repository, "manifests", "install.yaml"))
	h.must(t, "apply", "-k", filepath.Join(repository, "manifests", "gateway-planes"))
	control := h.must(t, "get", "service", "gatehouse-gateway", "-n", "gatehouse-system", "-o", "jsonpath={.spec.clusterIP}")
	text, err := os.ReadFile(data("planes-names.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	names := filepath.Join(t.TempDir(), "names.yaml")
	if err := os.WriteFile(names, []byte(strings.ReplaceAll(string(text), "$CONTROL", control)), 0o600); err != nil {
		t.Fatal(err)
	}
	h.must(t, "apply", "-f", names)
	h.rolledOut(t, "gatehouse-system/gatehouse-webhook", "gatehouse-system/gatehouse-controller", "gatehouse-system/gatehouse-gateway", "kube-system/kube-dns")
}

func (h *house) withoutRight(t *testing.T) {
	h.must(t, "apply", "-f", data("planes.yaml"))
	h.rolledOut(t, bakery+"/bread")
	h.gatewaySays(t, "NoResources", "bind ClusterRole gatehouse-gateway-provisioner in namespace bakery")
	if made := h.must(t, "get", "serviceaccounts,services,deployments", "-n", bakery, "-l", ofCounter, "-o", "name"); made != "" {
		t.Errorf("there are %s", made)
	}
	h.must(t, "create", "rolebinding", "gatehouse-gateway-provisioner", "-n", bakery, "--clusterrole=gatehouse-gateway-provisioner", "--serviceaccount=gatehouse-system:gatehouse-gateway")
}

func (h *house) notYetADoor(t *testing.T) {
	h.gatewaySays(t, "NoResources", "EXP-002 public-load-balancer")
	h.counts.denials.Add(1)
	h.must(t, "apply", "-f", data("planes-policy.yaml"))
}

func (h *house) handed(t *testing.T) {
	h.gatewaySays(t, "AddressNotAssigned", "its Service has no address yet") // so its replicas serve all else
	h.rolledOut(t, bakery+"/"+counter)
	for _, p := range h.replicas(t) {
		if p.Labels["team"] != "bakers" || p.Annotations["example.com/paid-by"] != bakery {
			t.Errorf("Pod %s has labels %v and annotations %v", p.Name, p.Labels, p.Annotations)
		}
	}
}

// assigned stands for the controller of a cloud's load balancers, as whom the status is
// written: others may not where admission is enforced.
func (h *house) assigned(t *testing.T) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatalf("read $KUBECONFIG: %v", err)
	}
	config.Impersonate.UserName = "system:serviceaccount:kube-system:service-controller"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CoreV1().Services(bakery).Patch(t.Context(), counter, types.MergePatchType, []byte(`{"status":{"loadBalancer":{"ingress":[{"ip":"`+counterAddress+`"}]}}}`), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatalf("give the Service an address: %v", err)
	}
	h.gatewaySays(t, "Programmed", "")
	if got := h.must(t, "get", "gateway", "counter", "-n", bakery, "-o", "jsonpath={.status.addresses[*].value}"); got != counterAddress {
		t.Errorf("its addresses are %q, want %s", got, counterAddress)
	}
	h.servedAt(t, counterAddress, "bread")
}

func (h *house) secondReplica(t *testing.T) {
	until(t, "a second replica", func() string {
		if n := len(h.ready(t)); n != 2 {
			return fmt.Sprintf("%d are ready", n)
		}
		return ""
	})
	for _, p := range h.ready(t) {
		h.servedAt(t, p.Status.PodIP, "bread")
	}
}

// gatewaySays waits until the condition Programmed has a reason, and a message with this
// in it.
func (h *house) gatewaySays(t *testing.T, reason, word string) {
	t.Helper()
	until(t, "the Gateway to say "+reason+" "+word, func() string {
		out, err := h.kubectl(t, "get", "gateway", "counter", "-n", bakery, "-o", `jsonpath={range .status.conditions[?(@.type=="Programmed")]}{.reason}: {.message}{end}`)
		if err != nil || !strings.HasPrefix(out, reason+":") || !strings.Contains(out, word) {
			return fmt.Sprintf("%s %v", out, err)
		}
		return ""
	})
}

// replicas are the Pods of the data plane that are not about to end.
func (h *house) replicas(t *testing.T) []corev1.Pod {
	t.Helper()
	all, err := h.client.CoreV1().Pods(bakery).List(t.Context(), metav1.ListOptions{LabelSelector: ofCounter})
	if err != nil {
		t.Fatal(err)
	}
	var out []corev1.Pod
	for i := range all.Items {
		if all.Items[i].DeletionTimestamp == nil {
			out = append(out, all.Items[i])
		}
	}
	return out
}

// ready are those of them that clients come to.
func (h *house) ready(t *testing.T) []corev1.Pod {
	t.Helper()
	var out []corev1.Pod
	for _, p := range h.replicas(t) {
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				out = append(out, p)
			}
		}
	}
	return out
}

// askAt makes a request at an address.
func (h *house) askAt(ctx context.Context, client *http.Client, address string) (int, string, error) {
	h.counts.requests.Add(1)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return 0, "", err
	}
	request.Host = bakeryHost
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// servedAt waits until a workload answers at an address.
func (h *house) servedAt(t *testing.T, address, who string) {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	until(t, who+" to answer at "+address, func() string {
		status, body, err := h.askAt(t.Context(), client, address)
		if err != nil || status != http.StatusOK || !strings.HasPrefix(body, who+"-") {
			return fmt.Sprintf("status %d, %v: %s", status, err, body)
		}
		return ""
	})
}
