// SPDX-License-Identifier: Apache-2.0

package accepted

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	crds "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/client/crds/v2"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/cilium"
	"github.com/gatehouse-sh/gatehouse/generator/clusterpolicy"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
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
	acceptAll(t, c, func(m *generator.Model, policies []compact.Policy) []any {
		var out []any
		for _, p := range policies {
			for i := range p.Rules {
				if slices.Equal(p.Rules[i].Ports, []generator.Port{generator.NumberedPort(generator.TCP, 80)}) {
					p.Rules[i].Requests = generator.RequestsOf(generator.Request{Method: "GET", Path: "/*"}, generator.Request{Path: "/login"})
				}
			}
		}
		list, _ := cilium.Render(m, append(policies, everywhere), cilium.RenderOptions{SCTP: true, Gateway: cilium.OwnGateway})
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
		acceptAll(t, c, func(m *generator.Model, policies []compact.Policy) []any {
			var out []any
			list, _ := clusterpolicy.Render(m, policies, clusterpolicy.RenderOptions{Channel: channel})
			for _, p := range list {
				out = append(out, p)
			}
			return out
		})
		for _, w := range ofTiers(t) {
			list, err := clusterpolicy.Tiers(w.model, w.tiers, clusterpolicy.RenderOptions{Channel: channel})
			if err != nil || len(list) != len(w.tiers) {
				t.Fatalf("%s: %d policies, %v", w.about, len(list), err)
			}
			for _, p := range list {
				c.accept(t, w.about, p)
			}
		}
		if err := c.Delete(t.Context(), definition); err != nil {
			t.Fatal(err)
		}
		controlplane.Eventually(t, time.Minute, "the definition is gone", controlplane.Holds(func() bool {
			return apierrors.IsNotFound(c.Get(t.Context(), client.ObjectKeyFromObject(definition), definition.DeepCopy()))
		}))
	}
}

// server is the API server, and the namespaces that it has.
type server struct {
	client.Client

	namespaces map[string]bool
}

func newClient(t *testing.T) *server {
	t.Helper()
	config := controlplane.Get(t).RESTConfig()
	config.QPS = -1 // the server has a limit of its own
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &server{c, map[string]bool{"": true}}
}

// accept sends an object, and looks whether it comes back as it was sent. Unknown
// fields, and those that are there twice, are refused.
func (c *server) accept(t *testing.T, about string, o any) {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	sent := &unstructured.Unstructured{}
	if err := sent.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	if namespace := sent.GetNamespace(); !c.namespaces[namespace] {
		err := c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
		c.namespaces[namespace] = true
	}
	got := sent.DeepCopy()
	controlplane.Eventually(t, time.Minute, "the kind is known", controlplane.Holds(func() bool {
		err = c.Create(t.Context(), got, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
		return !apierrors.IsNotFound(err)
	}))
	if err != nil {
		t.Fatalf("%s: %v\n%s", about, err, raw)
	}
	if diff := cmp.Diff(sent.Object["spec"], got.Object["spec"]); diff != "" {
		t.Fatalf("%s: %s comes back another:\n%s", about, sent.GetName(), diff)
	}
}

// define installs a definition and waits until it is served.
func define(t *testing.T, c *server, text []byte) *unstructured.Unstructured {
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

// acceptAll sends what is rendered of every model.
func acceptAll(t *testing.T, c *server, render func(*generator.Model, []compact.Policy) []any) {
	t.Helper()
	count := tally{}
	for _, w := range everything(t, 100) {
		plan, _ := compact.Compact(w.model, compact.Options{})
		for _, p := range render(w.model, plan.Policies()) {
			c.accept(t, w.about, p)
			count[w.of]++
		}
	}
	count.check(t, 500)
}
