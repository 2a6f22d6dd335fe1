// SPDX-License-Identifier: Apache-2.0

// Package integration runs the webhook against a real API server: what kubectl
// says here is what a user reads.
package integration

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// own is the namespace that the webhook believes it runs in.
const own = "gatehouse-system"

// installed says that the shared control plane has the definitions. Tests run
// one after the other.
var installed bool

// cluster is a control plane with the CRDs and the registration installed.
type cluster struct {
	*controlplane.ControlPlane
	api client.Client
	set *checks.Set
	lag *controlplane.Lag // of the webhook's watches; nil: none

	controllerLag *controlplane.Lag // the same of the controller's
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	cp := controlplane.Get(t)
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, admissionregistrationv1.AddToScheme, apiextensionsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	cfg := cp.RESTConfig()
	cfg.QPS, cfg.WarningHandlerWithContext = -1, warningHandler{}
	api, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return &cluster{ControlPlane: cp, api: api, set: newSet(t)}
}

func newSet(t *testing.T) *checks.Set {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// kubectl runs a command that must work.
func (c *cluster) kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, errOut, err := c.KubectlInput(t.Context(), strings.NewReader(stdin), args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, out, errOut)
	}
	return out + errOut
}

// try runs a command and returns everything it says.
func (c *cluster) try(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	out, errOut, err := c.KubectlInput(t.Context(), strings.NewReader(stdin), args...)
	return out + errOut, err
}

// installDefinitions applies our CRDs, the Gateway API's, and for every vendor's
// kind a definition that takes any content.
func (c *cluster) installDefinitions(t *testing.T) {
	t.Helper()
	if installed {
		return
	}
	defer func() { installed = !t.Failed() }()
	c.kubectl(t, "", "apply", "--server-side", "-k", filepath.Join(root(t), "manifests", "crd"))
	c.kubectl(t, "", "apply", "--server-side", "-f", gatewayDefinitions(t))
	var docs bytes.Buffer
	n := 0
	for _, k := range inventory.Kinds() {
		if k.BuiltIn || k.Group == inventory.GatewayGroup || k.Group == v1alpha1.GroupName {
			continue
		}
		raw, err := json.Marshal(definition(k))
		if err != nil {
			t.Fatal(err)
		}
		docs.Write(raw)
		docs.WriteString("\n---\n")
		n++
	}
	if n == 0 {
		t.Fatal("no vendor kinds")
	}
	c.kubectl(t, docs.String(), "apply", "--server-side", "-f", "-")
	c.kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
}

func definition(k inventory.Kind) *apiextensionsv1.CustomResourceDefinition {
	scope := apiextensionsv1.NamespaceScoped
	if !k.Namespaced {
		scope = apiextensionsv1.ClusterScoped
	}
	anything := true
	return &apiextensionsv1.CustomResourceDefinition{
		TypeMeta: metav1.TypeMeta{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition"},
		ObjectMeta: metav1.ObjectMeta{Name: k.Resource + "." + k.Group, Annotations: map[string]string{
			"api-approved.kubernetes.io": "unapproved, a test's own copy",
		}},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: k.Group, Scope: scope,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: k.GroupKind.Kind, Plural: k.Resource, Singular: strings.ToLower(k.GroupKind.Kind)},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: k.Version, Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &anything}},
			}},
		},
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// root is the folder of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(dir))
}

func gatewayDefinitions(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "config", "crd", "standard")
}

func testLog(t *testing.T) logr.Logger {
	t.Helper()
	if os.Getenv("GATEHOUSE_TEST_LOG") == "" {
		return logr.Discard()
	}
	return newTestLogger(os.Stderr)
}
