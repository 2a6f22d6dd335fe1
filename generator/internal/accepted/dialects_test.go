// SPDX-License-Identifier: Apache-2.0

package accepted

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	crds "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/client/crds/v2"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/cilium"
	"github.com/gatehouse-sh/gatehouse/generator/clusterpolicy"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/randommodel"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// TestCiliumPoliciesAreAccepted with Cilium's own definitions.
func TestCiliumPoliciesAreAccepted(t *testing.T) {
	c := newClient(t)
	for _, file := range []string{"ciliumnetworkpolicies.yaml", "ciliumclusterwidenetworkpolicies.yaml"} {
		text, err := crds.EmbedFS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		define(t, c, text)
	}
	everywhere := compact.Policy{Name: "deny-everywhere", Direction: compact.Ingress}
	accept(t, c, func(m *generator.Model, policies []compact.Policy) []any {
		var out []any
		list, _ := cilium.Render(m, append(policies, everywhere), cilium.RenderOptions{SCTP: true, Gateway: cilium.OwnGateway, HTTP: func(e *generator.Edge) []cilium.Request {
			if e.Port == generator.NumberedPort(generator.TCP, 80) {
				return []cilium.Request{{Method: "GET", Path: "/.*"}}
			}
			return nil
		}})
		for _, p := range list {
			out = append(out, p)
		}
		return out
	})
}

// TestClusterNetworkPoliciesAreAccepted with the definition of the experimental
// channel, and what needs no more than the standard one with that.
func TestClusterNetworkPoliciesAreAccepted(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/network-policy-api").Output()
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t)
	for folder, channel := range map[string]clusterpolicy.Channel{"standard": clusterpolicy.Standard, "experimental": clusterpolicy.Experimental} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "config", "crd", folder, "policy.networking.k8s.io_clusternetworkpolicies.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		definition := define(t, c, text)
		accept(t, c, func(m *generator.Model, policies []compact.Policy) []any {
			var out []any
			list, _ := clusterpolicy.Render(m, policies, clusterpolicy.RenderOptions{Channel: channel})
			for _, p := range list {
				out = append(out, p)
			}
			return out
		})
		if err := c.Delete(t.Context(), definition); err != nil {
			t.Fatal(err)
		}
		controlplane.Eventually(t, time.Minute, "the definition is gone", controlplane.Holds(func() bool {
			return apierrors.IsNotFound(c.Get(t.Context(), client.ObjectKeyFromObject(definition), definition.DeepCopy()))
		}))
	}
}

func newClient(t *testing.T) client.Client {
	t.Helper()
	config := controlplane.Get(t).RESTConfig()
	config.QPS = -1 // the server has a limit of its own
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		_, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	return c
}

// define installs a definition and waits until it is served.
func define(t *testing.T, c client.Client, text []byte) *unstructured.Unstructured {
	t.Helper()
	out := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &out.Object); err != nil {
		t.Fatal(err)
	}
	if err := c.Create(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	controlplane.Eventually(t, time.Minute, out.GetName()+" is served", controlplane.Holds(func() bool {
		now := out.DeepCopy()
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(out), now); err != nil {
			return false
		}
		conditions, _, _ := unstructured.NestedSlice(now.Object, "status", "conditions")
		for _, each := range conditions {
			if condition, ok := each.(map[string]any); ok && condition["type"] == "Established" && condition["status"] == "True" {
				return true
			}
		}
		return false
	}))
	return out
}

// accept sends what is rendered of random models, and looks whether it comes
// back as it was sent.
func accept(t *testing.T, c client.Client, render func(*generator.Model, []compact.Policy) []any) {
	t.Helper()
	objects := 0
	for seed := range uint64(100) {
		m := randommodel.New(rand.New(rand.NewPCG(seed, 5)), randommodel.Options{})
		plan, _ := compact.Compact(m, compact.Options{})
		for _, p := range render(m, plan.Policies()) {
			raw, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			sent := &unstructured.Unstructured{}
			if err := sent.UnmarshalJSON(raw); err != nil {
				t.Fatal(err)
			}
			got := sent.DeepCopy()
			controlplane.Eventually(t, time.Minute, "the kind is known", controlplane.Holds(func() bool {
				err = c.Create(t.Context(), got, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
				return !apierrors.IsNotFound(err)
			}))
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, raw)
			}
			if diff := cmp.Diff(sent.Object["spec"], got.Object["spec"]); diff != "" {
				t.Fatalf("seed %d: %s comes back another:\n%s", seed, sent.GetName(), diff)
			}
			objects++
		}
	}
	if objects < 300 {
		t.Errorf("only %d objects were sent", objects)
	}
	t.Logf("%d objects accepted", objects)
}
