// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/program"
)

// numbered is a route for a host of its own, to one of 100 Services.
func numbered(t testing.TB, n int) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(fmt.Appendf(nil, `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r%[1]d, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [h%[1]d.example.com]
  rules: [{matches: [{path: {type: PathPrefix, value: /p%[1]d}}], backendRefs: [{name: s%[2]d, port: 80}]}]
`, n, n%100), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

// fill makes so many routes, and the Services that they are for.
func (c *cluster) fill(t testing.TB, routes int) {
	t.Helper()
	c.apply(t, shop)
	host, port := backend(t, "web")
	for i := range 100 {
		name := fmt.Sprintf("s%d", i)
		c.apply(t, fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: shop}\nspec: {ports: [{name: http, port: 80}]}\n---\n", name)+slice(name, host, port))
	}
	var all sync.WaitGroup
	for k := range 16 {
		all.Go(func() {
			for i := k; i < routes; i += 16 {
				if err := c.api.Create(t.Context(), numbered(t, i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// allTold waits until each of so many HTTPRoutes has a status.
func (c *cluster) allTold(t testing.TB, routes int) {
	t.Helper()
	controlplane.Eventually(t, 5*time.Minute, "the last status is written", func() error {
		u := &unstructured.UnstructuredList{}
		u.SetAPIVersion(gatewayv1.GroupVersion.String())
		u.SetKind("HTTPRouteList")
		if err := c.api.List(t.Context(), u); err != nil {
			return err
		}
		without := 0
		for i := range u.Items {
			if parents, _, _ := unstructured.NestedSlice(u.Items[i].Object, "status", "parents"); len(parents) == 0 {
				without++
			}
		}
		if without > 0 || len(u.Items) < routes {
			return fmt.Errorf("%d of %d have none", without, len(u.Items))
		}
		return nil
	})
}

// BenchmarkApply is how long it takes from the apply of an HTTPRoute to the first request
// that its backend answers, beside so many other routes: of one now and then, and of one
// after the other without a pause, of which the controller makes half of a processor's work
// at most.
func BenchmarkApply(b *testing.B) {
	for _, routes := range []int{1000, 5000} {
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			c := start(b, controlplane.Options{})
			c.install(b, nil)
			c.fill(b, routes)
			g := c.serve(b, "127.0.24.1")
			const at = "http://127.0.24.1:20080"
			ask := func(n int) bool {
				status, _, err := get(b, http.DefaultClient, fmt.Sprintf("%s/p%d", at, n), fmt.Sprintf("h%d.example.com", n))
				return err == nil && status == 200
			}
			controlplane.Eventually(b, time.Minute, "the last route is served", controlplane.Holds(func() bool { return ask(routes - 1) }))
			c.allTold(b, routes)
			controlplane.Eventually(b, 5*time.Minute, "nothing is left to write", controlplane.Holds(func() bool { return g.controller.writer.left() == 0 }))
			n := routes
			for _, pause := range []time.Duration{time.Second / 4, 0} {
				b.Run("pause="+pause.String(), func(b *testing.B) {
					var took []time.Duration
					for b.Loop() {
						<-time.After(pause)
						began := time.Now()
						if err := c.api.Create(b.Context(), numbered(b, n)); err != nil {
							b.Fatal(err)
						}
						for !ask(n) {
							if time.Since(began) > time.Minute {
								b.Fatal("it is not served")
							}
							<-time.After(time.Millisecond)
						}
						took = append(took, time.Since(began))
						n++
					}
					slices.Sort(took)
					b.ReportMetric(0, "ns/op") // of the pauses, too
					b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
					b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
				})
			}
		})
	}
}

// TestManyRoutesOfAClusterFitIntoASmallProcess: with 5,000 HTTPRoutes the process never
// holds more than 128 MiB, the writing of their statuses included.
func TestManyRoutesOfAClusterFitIntoASmallProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes 5,000 objects, which takes half a minute")
	}
	t.Parallel()
	const routes, most = 5000, 128 << 10
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	c.fill(t, routes)
	log := &lines{}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program.Gateway(t), "--kubernetes", "--kubeconfig", c.Kubeconfig(), "--addresses", "127.0.25.1", "--port-offset", strconv.Itoa(offset), "--drain", "0s")
	cmd.Stdout, cmd.Stderr = io.Discard, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, log)
		}
	})
	controlplane.Eventually(t, time.Minute, "the last route is served", controlplane.Holds(func() bool {
		status, _, err := get(t, http.DefaultClient, fmt.Sprintf("http://127.0.25.1:20080/p%d", routes-1), fmt.Sprintf("h%d.example.com", routes-1))
		return err == nil && status == 200
	}))
	c.allTold(t, routes)
	if held := program.Peak(t, cmd.Process.Pid); held > most {
		t.Errorf("it held %d KiB", held)
	} else {
		t.Logf("it held %d KiB", held)
	}
}
