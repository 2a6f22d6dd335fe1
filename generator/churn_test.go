// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestChurns: B1.19. Every key and every prefix by which no policy selects, and the
// nearest that stay, above all the one that tells two releases of a chart apart.
func TestChurns(t *testing.T) {
	t.Parallel()
	never := []string{
		"pod-template-hash", "controller-revision-hash", "pod-template-generation", "rollouts-pod-template-hash",
		"statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index",
		"job-name", "batch.kubernetes.io/job-name", "controller-uid", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-completion-index",
		"version", "app.kubernetes.io/version", "chart", "helm.sh/chart", "heritage",
		"istio.io/rev", "service.istio.io/canonical-revision", "security.istio.io/tlsMode", "linkerd.io/control-plane-ns",
		"topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.ebs.csi.aws.com/zone",
		"failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone", "checksum/config",
	}
	for _, key := range never {
		if !Churns(key) {
			t.Errorf("policies may select by %s", key)
		}
	}
	for _, key := range []string{
		"app", "tier", "name", "component", "k8s-app", "release", "role", "topology", "checksum", "my-version", "job",
		"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component", "app.kubernetes.io/part-of", "service.istio.io/canonical-name",
	} {
		if Churns(key) {
			t.Errorf("no policy may select by %s", key)
		}
	}
	for _, key := range churning {
		if !slices.Contains(never, key) {
			t.Errorf("%s is in no row", key)
		}
	}
	for _, prefix := range churningPrefixes {
		if !slices.ContainsFunc(never, func(key string) bool { return strings.HasPrefix(key, prefix) }) {
			t.Errorf("no row begins with %s", prefix)
		}
	}
}

// TestPassing: B1.19. What looks like one release, and the nearest thing that does not.
func TestPassing(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"1.27.3", "v1.2", "v2.0-rc1", "1.2.3.4", "2026.11", "1.0_beta", "1.2.3-alpine",
		"20261122", "2026-11-22", "2026.11.22", "20261122T101500", "20261122101500", "2026-11-22T10-15-00Z", "1795323600", "1795323600123",
		"3f9c2e1", "sha-3f9c2e1", "git-0a1b2c3d", "sha256-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"[:63], "ABC1234",
	} {
		if !Passing(value) {
			t.Errorf("%q is taken to stay", value)
		}
	}
	for _, value := range []string{
		"", "web", "v1", "v2", "1", "80", "8080", "front-end", "web-1", "a.b", "1.", "v", "v.1", "1.x", "api.v2", "deadbeef", "decade1", "1234567", "20269922", "20261140", "30261122",
		"e2e", "k8s-app", "ab12", "x3f9c2e1", "redis-7", "postgres15", "2795323600", "us-east-1", "10-20", "1.2beta", strings.Repeat("0a1b", 40),
	} {
		if Passing(value) {
			t.Errorf("%q is taken for one release", value)
		}
	}
}

// TestLabelsThatNoServerTakes: the workload is named, no policy selects by them, and
// what an API server takes is not reported.
func TestLabelsThatNoServerTakes(t *testing.T) {
	t.Parallel()
	right := map[string]string{"app": "web", "app.kubernetes.io/Name": "W.e_b-1", "example.com/x": "", "empty": "", "z": strings.Repeat("x", 63)}
	wrong := map[string]string{"long": strings.Repeat("x", 64), "bad key": "x", "": "x", "spaced": "a b", "-dash": "x", "dash": "x-", "Example.com/x": "y"}
	objects := make([]inventory.Object, 0, 2)
	for _, namespace := range []string{"shop", "pay"} {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web", Labels: map[string]string{}}}
		maps.Copy(p.Labels, right)
		maps.Copy(p.Labels, wrong)
		objects = append(objects, p)
	}
	u, err := Observe(inventory.New(objects...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(right, u.Within("shop")[0].Labels); diff != "" {
		t.Error(diff)
	}
	_, problems := Build(Input{Universe: u, Guards: map[string]Guard{"shop": {Ingress: true}}})
	var got []string
	for _, p := range problems {
		text, _, _ := strings.Cut(p.String(), ": a ") // the words of the validation
		text, _, _ = strings.Cut(text, ": name ")
		text, _, _ = strings.Cut(text, ": prefix ")
		text, _, _ = strings.Cut(text, ": must ")
		got = append(got, text)
	}
	var want []string
	for _, key := range slices.Sorted(maps.Keys(wrong)) {
		want = append(want, fmt.Sprintf("Pod shop/web: its pods cannot have the label %q=%q", key, wrong[key]))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
