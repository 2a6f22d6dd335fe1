// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// xrWorkers is how many sets are written at once.
const xrWorkers = 12

// randomOrders is how many there are for each pair, besides the six in which each
// object once comes last.
func randomOrders() int {
	if testing.Short() {
		return 1
	}
	return 20
}

// xrCount is what was seen.
type xrCount struct {
	mu                                        sync.Mutex
	sets, writes, early, missed, twins, wrong int
	last                                      map[string]int // sets by the object that completed them
	shown                                     int
}

// TestExposureTimesPrivilege writes sets of objects, each harmless without any one
// of the others, through the real webhook: for every exposure and every
// privileged identity, with each of the six objects as the last one and in random
// orders. The one that completes the set is refused, and nothing before. The
// harmless variants are accepted whole.
func TestExposureTimesPrivilege(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	c.onlyXR(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	start := time.Now()
	count := &xrCount{last: map[string]int{}}
	runs := c.xrRuns(t, seed)
	var workers sync.WaitGroup
	queue := make(chan func(context.Context))
	for range xrWorkers {
		workers.Go(func() {
			for run := range queue {
				run(t.Context())
			}
		})
	}
	for _, run := range runs {
		queue <- func(ctx context.Context) { run(ctx, t, count) }
	}
	close(queue)
	workers.Wait()
	t.Logf("%d exposures x %d identities: %d violating sets, %d writes: %d refused before they were complete, %d not refused when they were; completed by %v; %d harmless sets, %d of them refused; %s",
		len(xrDoors), len(xrRights), count.sets, count.writes, count.early, count.missed, count.last, count.twins, count.wrong, time.Since(start).Round(time.Second))
	if want := len(xrDoors) * len(xrRights) * (6 + randomOrders()); count.sets != want || count.twins != 3*len(xrDoors)*len(xrRights) || len(xrDoors) < 10 || len(xrRights) < 10 {
		t.Errorf("ran %d sets and %d twins, not %d and %d", count.sets, count.twins, want, 3*len(xrDoors)*len(xrRights))
	}
	for _, name := range []string{"service", "route", "change", "workload", "account", "token", "role", "binding"} {
		if count.last[name] == 0 {
			t.Errorf("no set was completed by its %s", name)
		}
	}
}

// onlyXR leaves the refusing to the rules about exposure and privilege together,
// for objects without namespace as well.
func (c *cluster) onlyXR(t *testing.T) {
	t.Helper()
	var others []string
	for _, check := range c.set.Checks() {
		if !strings.HasPrefix(check.ID, "XR-") {
			others = append(others, "{check: "+check.ID+", action: audit}")
		}
	}
	c.kubectl(t, policyDoc("clusterMode: enforce\n  checks: ["+strings.Join(others, ", ")+"]"), "apply", "-f", "-")
	t.Cleanup(func() {
		for _, kind := range []string{"ClusterRoleBinding", "ClusterRole"} {
			u := &unstructured.Unstructured{}
			u.SetAPIVersion("rbac.authorization.k8s.io/v1")
			u.SetKind(kind)
			if err := c.api.DeleteAllOf(context.Background(), u, client.MatchingLabels{"xr": "test"}); err != nil {
				t.Errorf("clean up: %v", err)
			}
		}
		if out, errOut, err := c.Kubectl(context.Background(), "delete", "checkpolicy", "default", "--ignore-not-found"); err != nil {
			t.Errorf("clean up: %v\n%s%s", err, out, errOut)
		}
	})
	c.kubectl(t, "{apiVersion: v1, kind: Namespace, metadata: {name: xr-probe, labels: {gatehouse.sh/admission: enforce}}}", "apply", "-f", "-")
	controlplane.Eventually(t, 10*time.Second, "the policy is in force", func() error { return c.nodePortIs(t, "xr-probe", "allowed") })
}

// xrRuns prepares the namespaces and returns the runs in random order.
func (c *cluster) xrRuns(t *testing.T, seed uint64) []func(context.Context, *testing.T, *xrCount) {
	t.Helper()
	var out []func(context.Context, *testing.T, *xrCount)
	random := rand.New(rand.NewPCG(seed, 0))
	for i, d := range xrDoors {
		for j, r := range xrRights {
			n := 0
			next := func(tw twin) chainOf {
				n++
				ns := fmt.Sprintf("xr-%d-%d", i, j)
				if !r.shares() {
					ns += fmt.Sprintf("-%d", n)
				}
				return chainOf{door: d, right: r, ns: ns, n: fmt.Sprint(n), twin: tw}
			}
			for last := range 6 {
				set := next(violating)
				steps := set.steps()
				order := append(slices.Delete(slices.Clone(steps), last, last+1), steps[last])
				out = append(out, c.xrRun(set, feasible(order)))
			}
			for range randomOrders() {
				set := next(violating)
				order := set.steps()
				random.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
				out = append(out, c.xrRun(set, feasible(order)))
			}
			for _, tw := range []twin{closed, unprivileged, tokenless} {
				set := next(tw)
				order := set.steps()
				random.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
				out = append(out, c.xrRun(set, feasible(order)))
			}
		}
	}
	random.Shuffle(len(out), func(a, b int) { out[a], out[b] = out[b], out[a] })
	return out
}

// feasible makes an order out of one in which a change comes before what it
// changes: that is then written in its final form at once.
func feasible(order []step) []step {
	for i := 0; i < len(order); i++ {
		later := slices.IndexFunc(order, func(s step) bool { return s.name == order[i].of })
		if order[i].of == "" || later < i {
			continue
		}
		order[later].doc = order[i].doc
		order = slices.Delete(order, i, i+1)
		i--
	}
	return order
}

// xrRun writes one set in an order.
func (c *cluster) xrRun(set chainOf, order []step) func(context.Context, *testing.T, *xrCount) {
	return func(ctx context.Context, t *testing.T, count *xrCount) {
		if err := c.xrPrepare(ctx, set); err != nil {
			t.Errorf("prepare %s: %v", set.ns, err)
			return
		}
		names := make([]string, 0, len(order))
		for _, s := range order {
			names = append(names, s.name)
		}
		for i, s := range order {
			last := i == len(order)-1
			err := c.xrWrite(ctx, s)
			count.see(t, set, names, s, last, err)
			if err != nil && !last {
				return
			}
		}
	}
}

func (n *xrCount) see(t *testing.T, set chainOf, order []string, s step, last bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.writes++
	complain := func(what string) {
		t.Fail()
		if n.shown++; n.shown <= 5 {
			t.Logf("%s: %s, %s, %q in the order %s: the %s: %v\n%s", what, set.door.name, set.right.name, set.twin, strings.Join(order, ", "), s.name, err, s.doc)
		}
	}
	done := last || err != nil
	if set.twin != violating {
		if done {
			n.twins++
		}
		if err != nil {
			n.wrong++
			complain("a harmless set is refused")
		}
		return
	}
	if done {
		n.sets++
	}
	switch {
	case !last && err != nil:
		n.early++
		complain("refused before the set is complete")
	case last && (err == nil || !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), set.door.check) || !strings.Contains(err.Error(), "-> ServiceAccount "+set.ns)):
		n.missed++
		complain("not refused as " + set.door.check)
	case last:
		n.last[s.name]++
	}
}

var xrMade sync.Map // namespaces and what is in them from the start

// xrPrepare makes the namespace of a set, with two Gateways, and its aggregated
// role.
func (c *cluster) xrPrepare(ctx context.Context, set chainOf) error {
	made, _ := xrMade.LoadOrStore(set.ns, sync.OnceValue(func() error {
		for _, doc := range []string{
			`{apiVersion: v1, kind: Namespace, metadata: {name: "%s", labels: {gatehouse.sh/admission: enforce}}}`,
			`{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: foreign, namespace: "%s"}, spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}}`,
			`{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: own, namespace: "%s"}, spec: {gatewayClassName: gatehouse, listeners: [{name: http, port: 80, protocol: HTTP}]}}`,
		} {
			if err := c.xrWrite(ctx, step{doc: fmt.Sprintf(doc, set.ns)}); err != nil {
				return err
			}
		}
		return nil
	}))
	if err := made.(func() error)(); err != nil {
		return err
	}
	if set.right.feeds {
		return c.xrWrite(ctx, step{doc: set.collector()})
	}
	return nil
}

func (c *cluster) xrWrite(ctx context.Context, s step) error {
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(s.doc), &u.Object); err != nil {
		return fmt.Errorf("%w: %s", err, s.doc)
	}
	if s.of != "" {
		raw, err := u.MarshalJSON()
		if err != nil {
			return err
		}
		return c.api.Patch(ctx, u, client.RawPatch("application/merge-patch+json", raw))
	}
	return c.api.Create(ctx, u)
}
