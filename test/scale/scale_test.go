// SPDX-License-Identifier: Apache-2.0

package scale

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// kwokVariable names the program of kwok; `make scale` builds it.
const kwokVariable = "GATEHOUSE_KWOK"

// nodeVariable names the folder of a node that runs; `make scale-node` brings one up.
const nodeVariable = "GATEHOUSE_NODE"

// changes are how many are measured, one after the other: the first comes while the
// controller rests from its first pass.
const changes = 3

// writers is how many write at once.
const writers = 8

// The programs.
const (
	webhookName    = "gatehouse-webhook"
	controllerName = "gatehouse-controller"
)

// TestScale measures; it fails only if something does not come to its end.
func TestScale(t *testing.T) {
	kwok := kwokProgram(t)
	measure(t, newProcesses(t), kwok)
}

// TestScaleBesideANode measures the same in a cluster that has a node which runs Pods,
// Gatehouse's among them, with its scheduler, its controllers and its enforcer.
func TestScaleBesideANode(t *testing.T) {
	if os.Getenv(nodeVariable) == "" {
		t.Skipf("%s names no node, so NOT MEASURED: 5,000 Pods beside a real node; `make scale-node` does", nodeVariable)
	}
	kwok := kwokProgram(t)
	measure(t, newNode(t), kwok)
}

func kwokProgram(t *testing.T) string {
	t.Helper()
	kwok := os.Getenv(kwokVariable)
	if kwok == "" {
		t.Skipf("%s names no kwok, so NOT MEASURED: 5,000 Pods in 500 namespaces; `make scale` does", kwokVariable)
	}
	return kwok
}

func measure(t *testing.T, s site, kwok string) {
	t.Helper()
	f := &figures{t: t}
	defer func() {
		t.Logf("%d processors, %s\n\n| what | figure |\n|---|---|\n%s", runtime.NumCPU(), runtime.Version(), strings.Join(f.lines, "\n"))
	}()
	w := newWorld(t, s)
	f.add("webhook, empty cluster: memory (VmHWM)", "%d MiB", w.peak(t, webhookName)>>10)
	w.fill(t, f, kwok)
	w.reconcile(t, f)
	f.add("webhook: memory (VmHWM)", "%d MiB", w.peak(t, webhookName)>>10)
}

// fill writes the cluster, with the webhook judging it, and waits until its Pods run.
func (w *world) fill(t *testing.T, f *figures, kwok string) {
	t.Helper()
	flags := append([]string{"--kubeconfig=" + w.Kubeconfig(), "--cidr=10.64.0.0/14"}, w.kwok()...)
	nodes := start(t, w, kwok, append(flags, stages(t)...)...)
	first, rest := w.objects()
	w.create(t, first)
	must(t, w, "", "wait", "--for=condition=Ready", "--timeout=120s", "node", "--all")
	before := w.put(t)
	began := time.Now()
	took := w.create(t, rest)
	f.add("objects written by 8 clients at once", "%d in %.0f s", len(rest), time.Since(began).Seconds())
	for _, kind := range []string{"*v1.Pod", "*v1.Service", "*v1.Deployment", "*v1alpha1.NetworkPlan"} {
		if len(took[kind]) == 0 {
			continue // others create them
		}
		f.add("time of a creation, "+kind[strings.LastIndexByte(kind, '.')+1:], "%s", quantiles(took[kind]))
	}
	controlplane.Eventually(t, patience, "every Pod runs", func() error {
		select {
		case <-nodes.Over():
			t.Fatalf("kwok ended: %s", nodes.Said())
		default:
		}
		var pods corev1.PodList
		if err := w.api.List(t.Context(), &pods, client.MatchingFields{"status.phase": "Running"}); err != nil {
			return err
		}
		if want := network.Workloads * copies; len(pods.Items) < want {
			return fmt.Errorf("%d of %d do", len(pods.Items), want)
		}
		return nil
	})
	f.add("Pods of kwok running", "after %.0f s", time.Since(began).Seconds())
	f.add("of the webhook for all of it", "%s", histogram(w.reviews(t), "gatehouse_admission_review_seconds"))
	f.add("etcd was given for all of this", "%.1f MiB", (w.put(t)-before)/(1<<20))
	if !w.keepsNodes() {
		nodes.Kill() // what is written from now on is ours
	}
	f.add("creation of a Service, nothing else written, judged", "%s", quantiles(w.dry(t, network.Home(7))))
	f.add("the same where nobody opted in", "%s", quantiles(w.dry(t, plain)))
}

// create writes objects, several at once, and returns how long each took, by type.
func (w *world) create(t *testing.T, all []client.Object) map[string][]time.Duration {
	t.Helper()
	work, took := make(chan client.Object), map[string][]time.Duration{}
	var mu sync.Mutex
	var done sync.WaitGroup
	for range writers {
		done.Go(func() {
			for o := range work {
				began := time.Now()
				err := w.api.Create(context.WithoutCancel(t.Context()), o)
				lasted := time.Since(began)
				mu.Lock()
				if kind := fmt.Sprintf("%T", o); err == nil {
					took[kind] = append(took[kind], lasted)
				} else {
					t.Errorf("create %s %s/%s: %v", kind, o.GetNamespace(), o.GetName(), err)
				}
				mu.Unlock()
			}
		})
	}
	for _, o := range all {
		if t.Failed() {
			break
		}
		work <- o
	}
	close(work)
	done.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return took
}

// dry creates a Service a thousand times without storing it.
func (w *world) dry(t *testing.T, namespace string) []time.Duration {
	t.Helper()
	took := make([]time.Duration, 0, 1000)
	for range cap(took) {
		s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "tried"}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "tried"}, Ports: []corev1.ServicePort{{Port: 80}}}}
		began := time.Now()
		if err := w.api.Create(t.Context(), s, client.DryRunAll); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	return took
}

// reconcile starts the controller, and measures until every namespace has its plan, and
// then until one of them has another one, since a workload calls somebody else.
func (w *world) reconcile(t *testing.T, f *figures) {
	t.Helper()
	before, began := w.put(t), time.Now()
	w.control(t)
	f.add("controller: ready", "after %.1f s", time.Since(began).Seconds())
	want := network.Namespaces
	controlplane.Eventually(t, patience, "every namespace is planned", func() error {
		var plans v1alpha1.NetworkPlanList
		if err := w.api.List(t.Context(), &plans); err != nil {
			return err
		}
		n, other := 0, ""
		for i := range plans.Items {
			if s := &plans.Items[i].Status; s.Phase == v1alpha1.NetworkPreviewed {
				n++
			} else {
				other = string(s.Phase) + ": " + s.Message
			}
		}
		if n < want {
			return fmt.Errorf("%d of %d are, another is %q", n, want, other)
		}
		return nil
	})
	f.add(fmt.Sprintf("controller: %d namespaces planned", want), "after %.1f s", time.Since(began).Seconds())
	f.add("etcd was given by us for it", "%.1f MiB", (w.put(t)-before)/(1<<20))

	before = w.put(t)
	for i := range changes {
		f.add("controller: one workload calls one more, until its plan says so", "after %.1f s", w.change(t, i).Seconds())
	}
	f.add("etcd was given for each of these changes", "%.1f KiB", (w.put(t)-before)/1024/changes)
	f.add("controller: memory (VmHWM)", "%d MiB", w.peak(t, controllerName)>>10)
}

// change has a workload call one of another namespace, and returns how long it took until
// the plan of its namespace is another one.
func (w *world) change(t *testing.T, i int) time.Duration {
	t.Helper()
	namespace, name := network.Home(i), fmt.Sprintf("app-%d", i)
	plan := func() (p v1alpha1.NetworkPlan) {
		if err := w.api.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "default"}, &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	was := plan().Status.Counts
	var d appsv1.Deployment
	if err := w.api.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &d); err != nil {
		t.Fatal(err)
	}
	c := &d.Spec.Template.Spec.Containers[0]
	to := (i + 417) % network.Workloads
	c.Env = append(c.Env, corev1.EnvVar{Name: "ONE_MORE_URL", Value: fmt.Sprintf("http://app-%d.%s.svc.cluster.local:8082/more", to, network.Home(to))})
	began := time.Now()
	if err := w.api.Update(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	controlplane.Eventually(t, patience, "the plan is another one", func() error {
		if now := plan().Status.Counts; now == was {
			return fmt.Errorf("it is as before: %+v", now)
		}
		return nil
	})
	return time.Since(began)
}
