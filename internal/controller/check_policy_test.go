// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// cluster is a cluster with the CheckPolicy's definition. It has one policy, so
// the tests that write it do not run in parallel.
type cluster struct {
	t      *testing.T
	client client.Client
}

// replica is a controller as one process has it.
type replica struct {
	*CheckPolicy
	registry *prometheus.Registry
}

// metric returns the only metric there is.
func (r *replica) metric(t *testing.T) float64 {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "gatehouse_check_policy_accepted" {
		t.Fatalf("%v %v", families, err)
	}
	return families[0].GetMetric()[0].GetGauge().GetValue()
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	cp := controlplane.Get(t)
	for _, args := range [][]string{
		{"apply", "--server-side", "-f", filepath.Join("..", "..", "manifests", "crd", "gatehouse.sh_checkpolicies.yaml")},
		{"wait", "--for=condition=Established", "--timeout=60s", "crd", "checkpolicies.gatehouse.sh"},
		{"delete", "checkpolicies.gatehouse.sh", "--all"},
	} {
		if out, errOut, err := cp.Kubectl(t.Context(), args...); err != nil {
			t.Fatalf("%v\n%s%s", err, out, errOut)
		}
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(cp.RESTConfig(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return &cluster{t, c}
}

// replica starts with the defaults in force.
func (c *cluster) replica() *replica {
	c.t.Helper()
	set, err := catalog.Set()
	if err != nil {
		c.t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	r, err := NewCheckPolicy(c.client, set, policy.NewHolder(policy.Default(set)), registry)
	if err != nil {
		c.t.Fatal(err)
	}
	return &replica{r, registry}
}

// write stores the policy with one rule for each pair of check and action.
func (c *cluster) write(pairs ...string) {
	c.t.Helper()
	want := &v1alpha1.CheckPolicy{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.CheckPolicyName}}
	err := c.client.Get(c.t.Context(), client.ObjectKeyFromObject(want), want)
	if client.IgnoreNotFound(err) != nil {
		c.t.Fatal(err)
	}
	want.Spec.Checks = nil
	for i := 0; i+1 < len(pairs); i += 2 {
		want.Spec.Checks = append(want.Spec.Checks, v1alpha1.CheckRule{Check: pairs[i], Action: v1alpha1.Action(pairs[i+1])})
	}
	if err != nil {
		err = c.client.Create(c.t.Context(), want)
	} else {
		err = c.client.Update(c.t.Context(), want)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) read() *v1alpha1.CheckPolicy {
	c.t.Helper()
	var cp v1alpha1.CheckPolicy
	if err := c.client.Get(c.t.Context(), client.ObjectKey{Name: v1alpha1.CheckPolicyName}, &cp); err != nil {
		c.t.Fatal(err)
	}
	return &cp
}

var request = ctrl.Request{NamespacedName: client.ObjectKey{Name: v1alpha1.CheckPolicyName}}

func (c *cluster) reconcile(r *replica) {
	c.t.Helper()
	if _, err := r.Reconcile(c.t.Context(), request); err != nil {
		c.t.Fatal(err)
	}
}

// state is what users and operators are told.
type state struct {
	Accepted, Ready  string // "status reason"
	Observed, Active int64
	Metric           float64
}

func (c *cluster) state(r *replica) state {
	c.t.Helper()
	cp := c.read()
	out := state{Observed: cp.Status.ObservedGeneration, Active: cp.Status.ActiveGeneration, Metric: r.metric(c.t)}
	for _, at := range []struct {
		kind string
		into *string
	}{{v1alpha1.ConditionAccepted, &out.Accepted}, {v1alpha1.ConditionReady, &out.Ready}} {
		condition := meta.FindStatusCondition(cp.Status.Conditions, at.kind)
		if condition == nil {
			c.t.Fatalf("no condition %s", at.kind)
		}
		if condition.ObservedGeneration != cp.Generation {
			c.t.Errorf("condition %s is of generation %d, not %d", at.kind, condition.ObservedGeneration, cp.Generation)
		}
		*at.into = string(condition.Status) + " " + condition.Reason
	}
	return out
}

func (c *cluster) expect(r *replica, when string, want state) {
	c.t.Helper()
	if diff := cmp.Diff(want, c.state(r)); diff != "" {
		c.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

func TestTheLastGoodPolicyStays(t *testing.T) {
	c := newCluster(t)
	r := c.replica()
	if r.Loaded() {
		t.Error("loaded before anything was read")
	}
	c.reconcile(r)
	if !r.Loaded() {
		t.Error("not loaded although the cluster has no policy")
	}
	defaults := r.Holder.Load()

	c.write("no-such-check", "deny")
	c.reconcile(r)
	if r.Holder.Load() != defaults {
		t.Error("a faulty policy replaced the defaults")
	}
	c.expect(r, "faulty from the start", state{"False Invalid", "False DefaultsInForce", 1, 0, 0})

	c.write("node-port", "warn")
	c.reconcile(r)
	good := r.Holder.Load()
	if good == defaults {
		t.Fatal("a good policy is not in force")
	}
	c.expect(r, "good", state{"True Accepted", "True InForce", 2, 2, 1})

	c.write("node-port", "ignore", "no-such-check", "deny")
	c.reconcile(r)
	if r.Holder.Load() != good {
		t.Error("half of a faulty policy is in force")
	}
	c.expect(r, "faulty after a good one", state{"False Invalid", "False LastGoodInForce", 3, 2, 0})
	if m := meta.FindStatusCondition(c.read().Status.Conditions, v1alpha1.ConditionAccepted).Message; !strings.Contains(m, "no-such-check") {
		t.Errorf("the condition does not name the fault: %s", m)
	}

	c.write("node-port", "ignore")
	c.reconcile(r)
	if r.Holder.Load() == good {
		t.Error("the corrected policy is not in force")
	}
	c.expect(r, "corrected", state{"True Accepted", "True InForce", 4, 4, 1})

	if err := c.client.Delete(t.Context(), c.read()); err != nil {
		t.Fatal(err)
	}
	c.reconcile(r)
	if diff := cmp.Diff(defaults.Parameters, r.Holder.Load().Parameters); diff != "" || r.metric(t) != 1 {
		t.Errorf("without policy the defaults are not in force:\n%s", diff)
	}
}

// TestReplicasWriteTheStatusOnce shows that a second replica, and a second look,
// find nothing to write.
func TestReplicasWriteTheStatusOnce(t *testing.T) {
	c := newCluster(t)
	first, second := c.replica(), c.replica()
	c.write("node-port", "warn")
	c.reconcile(first)
	version := c.read().ResourceVersion
	c.reconcile(second)
	c.reconcile(first)
	if got := c.read().ResourceVersion; got != version {
		t.Error("the status was written again although nothing changed")
	}
	c.expect(second, "after the second replica", state{"True Accepted", "True InForce", 1, 1, 1})
}

// TestReplicasThatDifferAgreeOnTheStatus lets a replica start on a policy that
// became faulty while another has its last good generation. They must not
// overwrite each other for ever; the one that is further behind is told.
func TestReplicasThatDifferAgreeOnTheStatus(t *testing.T) {
	c := newCluster(t)
	running := c.replica()
	c.write("node-port", "warn")
	c.reconcile(running)
	c.write("no-such-check", "deny")
	c.reconcile(running)
	c.expect(running, "one replica", state{"False Invalid", "False LastGoodInForce", 2, 1, 0})
	started := c.replica()
	c.reconcile(started)
	version := c.read().ResourceVersion
	for range 3 {
		c.reconcile(running)
		c.reconcile(started)
	}
	if got := c.read().ResourceVersion; got != version {
		t.Error("the replicas overwrite each other's status")
	}
	c.expect(running, "two replicas", state{"False Invalid", "False DefaultsInForce", 2, 0, 0})
	c.write("node-port", "ignore")
	c.reconcile(running)
	c.reconcile(started)
	c.expect(started, "corrected", state{"True Accepted", "True InForce", 3, 3, 1})
}

// TestAReplicaThatStartsOnAFaultyPolicy has no last good one: it says that the
// defaults are in force.
func TestAReplicaThatStartsOnAFaultyPolicy(t *testing.T) {
	c := newCluster(t)
	c.write("no-such-check", "deny")
	r := c.replica()
	before := r.Holder.Load()
	c.reconcile(r)
	if !r.Loaded() || r.Holder.Load() != before {
		t.Error("the defaults are not in force")
	}
	c.expect(r, "started on a faulty policy", state{"False Invalid", "False DefaultsInForce", 1, 0, 0})
}

// TestAnotherNameChangesNothing also covers an API server that does not answer:
// what is in force stays, and the error asks for another try.
func TestAnotherNameChangesNothing(t *testing.T) {
	c := newCluster(t)
	r := c.replica()
	before := r.Holder.Load()
	if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Name: "mine"}}); err != nil || r.Loaded() {
		t.Errorf("loaded %v, error %v", r.Loaded(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Reconcile(ctx, request); err == nil || r.Loaded() || r.Holder.Load() != before {
		t.Errorf("loaded %v, error %v", r.Loaded(), err)
	}
}

// TestTheManagerFollowsTheObject runs the controller as the webhook does: what
// is written takes effect without a restart, and a cluster without policy counts
// as loaded.
func TestTheManagerFollowsTheObject(t *testing.T) {
	c := newCluster(t)
	r := c.replica()
	mgr, err := ctrl.NewManager(controlplane.Get(t).RESTConfig(), ctrl.Options{Scheme: c.client.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"}})
	if err != nil {
		t.Fatal(err)
	}
	r.Client = mgr.GetClient()
	if err := r.SetupWithManager(mgr); err != nil {
		t.Fatal(err)
	}
	controlplane.Run(t, mgr.Start)
	controlplane.Eventually(t, time.Minute, "an absent policy counts as loaded", controlplane.Holds(r.Loaded))
	before := r.Holder.Load()
	c.write("node-port", "warn")
	controlplane.Eventually(t, time.Minute, "the policy is in force", controlplane.Holds(func() bool { return r.Holder.Load() != before }))
	controlplane.Eventually(t, time.Minute, "the status says so", controlplane.Holds(func() bool { return c.read().Status.ActiveGeneration == 1 }))
}

func TestALongMessageIsCut(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ length, want int }{
		"what fits is kept":    {maxCondition, maxCondition},
		"what does not is cut": {maxCondition + 1, maxCondition + len(" ...")},
	} {
		if got := len(clip(strings.Repeat("x", tc.length))); got != tc.want || got > 32768 {
			t.Errorf("%s: %d bytes, want %d", name, got, tc.want)
		}
	}
}
