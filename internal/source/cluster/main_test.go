// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

func newClient(t testing.TB, config *rest.Config) *Client {
	t.Helper()
	c, err := NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// create stores an object in the cluster and removes it after the test.
func create(t testing.TB, c *Client, o inventory.Object) {
	t.Helper()
	kind, known := inventory.KindOf(inventory.GroupKindOf(o))
	if !known {
		t.Fatalf("%T is of no kind", o)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(kind.GVK())
	r := c.dynamic.Resource(kind.GVR()).Namespace(o.GetNamespace())
	if _, err := r.Create(t.Context(), u, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = r.Delete(ctx, o.GetName(), metav1.DeleteOptions{}) // the test may have deleted it
	})
}

func remove1(t testing.TB, c *Client, k inventory.Key) {
	t.Helper()
	kind, _ := inventory.KindOf(k.Kind)
	if err := c.dynamic.Resource(kind.GVR()).Namespace(k.Namespace).Delete(t.Context(), k.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// start runs a Live until the test ends, and fails the test when Start does.
func start(t testing.TB, l *Live) {
	t.Helper()
	controlplane.Run(t, l.Start)
}

func sync1(t testing.TB, l *Live) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := l.WaitForSync(ctx); err != nil {
		t.Fatal(err)
	}
}

func namespaceName(testing.TB) string {
	return fmt.Sprintf("source-%d", time.Now().UnixNano())
}
