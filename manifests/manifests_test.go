// SPDX-License-Identifier: Apache-2.0

// Package manifests_test holds the installation to what the code needs and to
// what its comments promise.
package manifests_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

const installed = "gatehouse-system"

func render(t *testing.T, dir string) []byte {
	t.Helper()
	o := krusty.MakeDefaultOptions()
	o.Reorder = krusty.ReorderOptionUnspecified
	m, err := krusty.MakeKustomizer(o).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// documents splits a YAML stream.
func documents(t *testing.T, data []byte) [][]byte {
	t.Helper()
	var out [][]byte
	r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, doc)
	}
}

// objects decodes the documents of one kind strictly.
func objects[T any](t *testing.T, data []byte, kind string) []T {
	t.Helper()
	var out []T
	for _, doc := range documents(t, data) {
		var head metav1.TypeMeta
		if err := yaml.Unmarshal(doc, &head); err != nil {
			t.Fatal(err)
		}
		if head.Kind != kind {
			continue
		}
		var o T
		if err := yaml.UnmarshalStrict(doc, &o); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		out = append(out, o)
	}
	if len(out) == 0 {
		t.Fatalf("no %s", kind)
	}
	return out
}

func TestInstallIsTheRenderedDefault(t *testing.T) {
	t.Parallel()
	want := render(t, "default")
	got, err := os.ReadFile("install.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("install.yaml is not up to date; run\n"+
			"go tool -modfile=hack/tools/kustomize/go.mod kustomize build manifests/default > manifests/install.yaml\n(want -, got +):\n%s", diff)
	}
}

func TestEveryOverlayRenders(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"default", "overlays/audit", "overlays/dev"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			objects[appsv1.Deployment](t, render(t, dir), "Deployment")
		})
	}
}

func TestTheWebhookReadsWhatTheInventoryKeeps(t *testing.T) {
	t.Parallel()
	want := sets.New[string]()
	for _, k := range inventory.Kinds() {
		if k.Kept {
			want.Insert(k.GVR().GroupResource().String())
		}
	}
	want.Insert("checkpolicies.gatehouse.sh", "exemptions.gatehouse.sh")
	got := sets.New[string]()
	for _, role := range of("gatehouse-webhook", objects[rbacv1.ClusterRole](t, render(t, "rbac"), "ClusterRole")) {
		for _, rule := range role.Rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					name := strings.TrimSuffix(resource+"."+group, ".")
					if slices.Contains(rule.Verbs, "list") != slices.Contains(rule.Verbs, "watch") {
						t.Errorf("%s: list without watch, or watch without list", name)
					}
					if slices.Contains(rule.Verbs, "list") {
						got.Insert(name)
					}
				}
			}
		}
	}
	if diff := cmp.Diff(sets.List(want), sets.List(got)); diff != "" {
		t.Errorf("kinds that are listed and watched (want -, got +):\n%s", diff)
	}
}

func TestTheWebhookWritesNothingButItsOwn(t *testing.T) {
	t.Parallel()
	data := render(t, "rbac")
	var rules []rbacv1.PolicyRule
	for _, r := range of("gatehouse-webhook", objects[rbacv1.ClusterRole](t, data, "ClusterRole")) {
		rules = append(rules, r.Rules...)
	}
	for _, r := range of("gatehouse-webhook", objects[rbacv1.Role](t, data, "Role")) {
		if r.Namespace != installed {
			t.Errorf("role %s is in namespace %s", r.Name, r.Namespace)
		}
		rules = append(rules, r.Rules...)
	}
	var writes []string
	for _, r := range rules {
		all := slices.Concat(r.APIGroups, r.Resources, r.Verbs, r.ResourceNames)
		if slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, "*") }) || len(r.NonResourceURLs) > 0 {
			t.Errorf("wildcard or URL in %v", r)
		}
		for _, verb := range r.Verbs {
			if verb != "list" && verb != "watch" {
				writes = append(writes, verb+" "+strings.Join(r.Resources, ",")+" "+strings.Join(r.ResourceNames, ","))
			}
		}
		if slices.Contains(r.Resources, "secrets") && len(r.ResourceNames) == 0 {
			t.Errorf("every secret in %v", r)
		}
	}
	want := []string{
		"get mutatingwebhookconfigurations,validatingwebhookconfigurations gatehouse",
		"patch mutatingwebhookconfigurations,validatingwebhookconfigurations gatehouse",
		"get checkpolicies ",
		"patch checkpolicies/status ",
		"get secrets gatehouse-webhook-certificates",
		"update secrets gatehouse-webhook-certificates",
	}
	if diff := cmp.Diff(want, writes); diff != "" {
		t.Errorf("rights besides list and watch (want -, got +):\n%s", diff)
	}
}

func TestPodsAreConfined(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"default", "overlays/dev"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			for _, d := range objects[appsv1.Deployment](t, render(t, dir), "Deployment") {
				pod := d.Spec.Template.Spec
				if pod.SecurityContext == nil || pod.SecurityContext.RunAsNonRoot == nil || !*pod.SecurityContext.RunAsNonRoot ||
					pod.SecurityContext.SeccompProfile == nil || pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
					t.Errorf("%s: the pod's security context is not restricted", d.Name)
				}
				if pod.HostNetwork || pod.HostPID || pod.HostIPC || len(pod.Volumes) > 0 || pod.AutomountServiceAccountToken == nil {
					t.Errorf("%s: the pod uses the host or a volume, or does not say whether it needs a token", d.Name)
				}
				for _, c := range pod.Containers {
					s := c.SecurityContext
					if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
						s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
						t.Errorf("%s: the security context of %s is not restricted", d.Name, c.Name)
					}
					if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() || c.ReadinessProbe == nil || c.LivenessProbe == nil {
						t.Errorf("%s: %s lacks a bound or a probe", d.Name, c.Name)
					}
				}
			}
		})
	}
}

func TestNothingIsExposed(t *testing.T) {
	t.Parallel()
	for _, s := range objects[corev1.Service](t, render(t, "default"), "Service") {
		if s.Spec.Type != corev1.ServiceTypeClusterIP || len(s.Spec.ExternalIPs) > 0 || len(s.Spec.Selector) == 0 {
			t.Errorf("service %s is exposed", s.Name)
		}
	}
}
