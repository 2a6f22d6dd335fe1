// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestTheTableOfInternalWorkloadsIsWellFormed(t *testing.T) {
	t.Parallel()
	if len(internalWorkloads) == 0 || len(internalWorkloads) > maxInternal {
		t.Fatalf("the table has %d rows, want 1 to %d", len(internalWorkloads), maxInternal)
	}
	seen := map[string]bool{}
	for _, k := range internalWorkloads {
		if k.name == "" || k.what == "" || len(k.names) == 0 || len(k.images) == 0 || seen[k.name] {
			t.Errorf("%q is incomplete or there twice", k.name)
		}
		seen[k.name] = true
		for _, n := range append(k.names, k.images...) {
			if n != strings.ToLower(n) || strings.ContainsAny(n, ":@ ") || n == "" {
				t.Errorf("%s: %q is not the name of a Service, container or repository", k.name, n)
			}
		}
	}
}

// exposedWith returns the findings for a NodePort Service in front of a pod.
func exposedWith(service, container, image string) []checks.Finding {
	svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: service}}
	svc.Spec = corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Selector: map[string]string{"tier": "front"}, Ports: []corev1.ServicePort{{Port: 80}}}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "p", Labels: map[string]string{"tier": "front"}}}
	pod.Spec.Containers = []corev1.Container{{Name: container, Image: image}}
	in := checks.Input{Object: svc, Inventory: inventory.New(pod).With(svc), Parameters: checks.DefaultParameters()}
	return internalWorkloadExposed().Run(in)
}

func TestTwoSignsRecogniseEveryInternalWorkloadAndOneNever(t *testing.T) {
	t.Parallel()
	for _, k := range internalWorkloads {
		for _, image := range k.images {
			if got := exposedWith(k.names[0], "main", "registry.example.com:5000/"+image+":1@sha256:00"); len(got) != 1 {
				t.Errorf("%s is not recognised by the Service's name %s and image %s: %+v", k.name, k.names[0], image, got)
			}
			if got := exposedWith("front", "main", image); len(got) != 0 {
				t.Errorf("image %s alone gives %+v", image, got)
			}
		}
		for _, n := range k.names {
			if got := exposedWith(n, "main", "registry.example.com/shop/web:1"); len(got) != 0 {
				t.Errorf("the Service's name %s alone gives %+v", n, got)
			}
			if got := exposedWith("front", n, "registry.example.com/shop/web:1"); len(got) != 0 {
				t.Errorf("the container's name %s alone gives %+v", n, got)
			}
		}
	}
}

// Words that say what a thing does and not what it is must not name a product:
// a Service and its container often share one.
func TestEverydayNamesAreNoSigns(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"web", "api", "app", "server", "frontend", "backend", "proxy", "gateway", "hub", "notebook", "registry", "discovery", "webservice", "dashboard", "controller", "admin"} {
		if got := exposedWith(word, word, "registry.example.com/shop/"+word+":1"); len(got) != 0 {
			t.Errorf("a Service, container and image named %s give %+v", word, got)
		}
	}
}

func TestImageParts(t *testing.T) {
	t.Parallel()
	for image, want := range map[string][2]string{
		"postgres":               {"postgres", "postgres"},
		"postgres:17":            {"postgres", "postgres"},
		"library/postgres:17":    {"postgres", "library/postgres"},
		"localhost:5000/a/b/c:1": {"c", "b/c"},
		"localhost:5000/c":       {"c", "localhost:5000/c"},
		"quay.io/x/y@sha256:0":   {"y", "x/y"},
		"x/y:1@sha256:0":         {"y", "x/y"},
		"":                       {"", ""},
		"/":                      {"", "/"},
		"a/":                     {"", "a/"},
		"@":                      {"", ""},
	} {
		if got := [2]string{imageBase(image), imagePair(image)}; got != want {
			t.Errorf("%q: %q, want %q", image, got, want)
		}
	}
}

func FuzzImageParts(f *testing.F) {
	for _, s := range []string{"", "a", "a/b:c", "a:1/b@sha256:0", "///", ":@/", "a@b/c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, image string) {
		base, pair := imageBase(image), imagePair(image)
		if !strings.Contains(image, base) || !strings.HasSuffix(pair, base) || strings.ContainsAny(base, "/:@") {
			t.Errorf("%q: %q, %q", image, base, pair)
		}
	})
}

// An APIService that leads nowhere would break the discovery of a real cluster,
// so it is no fixture.
func TestAnExposedAggregatedAPIIsRefused(t *testing.T) {
	t.Parallel()
	api := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"name": "v1.stock.example.com"},
		"spec": map[string]any{"service": map[string]any{"namespace": "shop", "name": "stock"}},
	}}
	for typ, want := range map[corev1.ServiceType]int{corev1.ServiceTypeNodePort: 1, corev1.ServiceTypeClusterIP: 0} {
		svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "stock"}, Spec: corev1.ServiceSpec{Type: typ, Ports: []corev1.ServicePort{{Port: 443}}}}
		in := checks.Input{Object: svc, Inventory: inventory.New(api).With(svc), Parameters: checks.DefaultParameters()}
		if got := webhookBackend().Run(in); len(got) != want {
			t.Errorf("type %s: %+v, want %d findings", typ, got, want)
		}
	}
}
