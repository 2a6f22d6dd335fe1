// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/testr"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/internal/controller"
	"github.com/gatehouse-sh/gatehouse/internal/network"
	"github.com/gatehouse-sh/gatehouse/internal/source/cluster"
	"github.com/gatehouse-sh/gatehouse/inventory"
	policytemplates "github.com/gatehouse-sh/gatehouse/policy-templates"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// environment is the real API server with the definition and the name servers.
type environment struct {
	t  *testing.T
	cp *controlplane.ControlPlane
	client.WithWatch

	log *logr.Logger // of the controllers; nil for that of the test
}

// dns is what every namespace needs.
const dns = `
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec:
  selector: {k8s-app: kube-dns}
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
`

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	e := &environment{t: t, cp: controlplane.Get(t)}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, clientgoscheme.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	e.kubectl("", "apply", "--server-side", "-f", filepath.Join("..", "..", "..", "manifests", "crd", "gatehouse.sh_networkplans.yaml"))
	e.served("networkplans")
	e.kubectl(dns, "apply", "-f", "-")
	var err error
	if e.WithWatch, err = client.NewWithWatch(e.cp.RESTConfig(), client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *environment) kubectl(stdin string, args ...string) string {
	e.t.Helper()
	out, errOut, err := e.cp.KubectlInput(e.t.Context(), strings.NewReader(stdin), args...)
	if err != nil {
		e.t.Fatalf("kubectl %v: %v\n%s%s", args, err, out, errOut)
	}
	return out
}

// served waits until the API server has a resource: a definition that was just
// written has no conditions yet, over which "kubectl wait" fails.
func (e *environment) served(resource string) {
	e.t.Helper()
	controlplane.Eventually(e.t, time.Minute, resource+" are served", func() error {
		_, errOut, err := e.cp.KubectlInput(e.t.Context(), strings.NewReader(""), "get", resource, "-A")
		if err != nil {
			return fmt.Errorf("%w: %s", err, errOut)
		}
		return nil
	})
}

// replica is a controller at work.
type replica struct {
	stop func()

	mu   sync.Mutex
	told []controller.Notice
}

func (r *replica) tell(n controller.Notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, n)
}

func (r *replica) heard(reason string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.told, func(n controller.Notice) bool { return n.Reason == reason })
}

// quick is how tests apply.
func quick() Options {
	generic, err := enforcer.Find("generic")
	if err != nil {
		panic(err)
	}
	library, err := templates.Load(policytemplates.FS)
	if err != nil {
		panic(err)
	}
	return Options{Network: network.Options{Enforcer: generic, Templates: library}, AtOnce: 100, Watch: time.Second, Settle: 300 * time.Millisecond, Never: []string{"kube-system"}}
}

// start runs a controller, wired as the changes want it, which follows what is seen
// at an address where one is given.
func (e *environment) start(o Options, traffic *Traffic, changes ...func(*Controller)) *replica {
	e.t.Helper()
	log := testr.New(e.t)
	if e.log != nil {
		log = *e.log
	}
	mgr, err := ctrl.NewManager(e.cp.RESTConfig(), ctrl.Options{Scheme: e.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"}, Logger: log})
	if err != nil {
		e.t.Fatal(err)
	}
	reader, err := cluster.NewClient(e.cp.RESTConfig())
	if err != nil {
		e.t.Fatal(err)
	}
	c, err := New(o)
	if err != nil {
		e.t.Fatal(err)
	}
	live := cluster.NewLive(reader, cluster.LiveOptions{Kinds: Kinds(), Connections: true, Hooks: cluster.Hooks{Changed: func(*inventory.Inventory, []inventory.Key) { c.Changed() }}})
	r := &replica{}
	c.Client, c.Reader, c.Cache, c.Inventory, c.Ready, c.Tell = mgr.GetClient(), mgr.GetAPIReader(), mgr.GetCache(), live.Inventory, live.HasSynced, r.tell
	list := []interface{ Start(context.Context) error }{live, c}
	for _, change := range changes {
		change(c)
	}
	if traffic != nil {
		traffic.Inventory, traffic.Ready, traffic.Changed = live.Inventory, live.HasSynced, c.Changed
		c.Traffic = traffic.Load
		list = append(list, traffic)
	}
	for _, runnable := range list {
		if err := mgr.Add(runnable); err != nil {
			e.t.Fatal(err)
		}
	}
	r.stop = controlplane.Run(e.t, func(ctx context.Context) error { return mgr.Start(logr.NewContext(ctx, log)) })
	return r
}

// namespace makes a namespace with the application that the tests are about: web
// asks carts, and nothing else.
func (e *environment) namespace(name, label string) {
	e.t.Helper()
	e.kubectl(fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name), "apply", "-f", "-")
	e.label(name, label)
	e.kubectl(workload("web", "- {name: CARTS_ADDR, value: 'carts:80'}")+service("web")+workload("carts", "")+service("carts"), "apply", "-n", name, "-f", "-")
	e.t.Cleanup(func() {
		e.kubectlAfter("label", "namespace", name, v1alpha1.NetworkLabel+"-")
		e.kubectlAfter("delete", "networkplan,networkpolicy,deployment,service", "--all", "-n", name)
	})
}

// kubectlAfter is for clean-ups, after the context of the test has ended.
func (e *environment) kubectlAfter(args ...string) {
	if _, errOut, err := e.cp.KubectlInput(context.Background(), strings.NewReader(""), args...); err != nil {
		e.t.Logf("kubectl %v: %v %s", args, err, errOut)
	}
}

func (e *environment) label(namespace, mode string) {
	e.t.Helper()
	text := v1alpha1.NetworkLabel + "=" + mode
	if mode == "" {
		text = v1alpha1.NetworkLabel + "-"
	}
	e.kubectl("", "label", "--overwrite", "namespace", namespace, text)
}

func workload(name, env string) string {
	if env != "" {
		env = "\n        env:\n        " + env
	}
	return fmt.Sprintf(`---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - name: main
        image: %[1]s:1
        ports: [{containerPort: 8080}]%[2]s
`, name, env)
}

func service(name string) string {
	return fmt.Sprintf("---\napiVersion: v1\nkind: Service\nmetadata: {name: %[1]s}\nspec:\n  selector: {app: %[1]s}\n  ports: [{port: 80, targetPort: 8080}]\n", name)
}

// plan reads the NetworkPlan of a namespace; nil without one.
func (e *environment) plan(namespace string) *v1alpha1.NetworkPlan {
	var p v1alpha1.NetworkPlan
	if err := e.Get(e.t.Context(), client.ObjectKey{Namespace: namespace, Name: v1alpha1.NetworkPlanName}, &p); err != nil {
		return nil
	}
	return &p
}

// policies are those of a namespace by what they are for: "allow", "deny",
// "opening", and the names of those of others.
func (e *environment) policies(namespace string) []string {
	e.t.Helper()
	var list networkingv1.NetworkPolicyList
	if err := e.List(e.t.Context(), &list, client.InNamespace(namespace)); err != nil {
		e.t.Fatal(err)
	}
	return roles(list.Items)
}

func roles(list []networkingv1.NetworkPolicy) []string {
	var out []string
	for i := range list {
		role := list[i].Labels["gatehouse.sh/network-role"]
		if role == "" {
			role = list[i].Name
		}
		out = append(out, role)
	}
	slices.Sort(out)
	return out
}

// becomes waits until a plan is as it should be.
func (e *environment) becomes(namespace, what string, is func(*v1alpha1.NetworkPlan) bool) *v1alpha1.NetworkPlan {
	e.t.Helper()
	var last *v1alpha1.NetworkPlan
	controlplane.Eventually(e.t, 30*time.Second, namespace+" becomes "+what, func() error {
		if last = e.plan(namespace); last != nil && is(last) {
			return nil
		}
		if last == nil {
			return fmt.Errorf("there is no plan")
		}
		return fmt.Errorf("it is %s: %s %v", last.Status.Phase, last.Status.Message, last.Status.Problems)
	})
	return last
}

func (e *environment) phase(namespace string, phase v1alpha1.NetworkPhase) *v1alpha1.NetworkPlan {
	e.t.Helper()
	return e.becomes(namespace, string(phase), func(p *v1alpha1.NetworkPlan) bool {
		return p.Status.Phase == phase && p.Status.ObservedGeneration == p.Generation
	})
}

// settled waits until the policies of a namespace are these.
func (e *environment) settled(namespace string, want ...string) {
	e.t.Helper()
	controlplane.Eventually(e.t, time.Minute, fmt.Sprintf("the policies of %s are %v", namespace, want), func() error {
		if got := e.policies(namespace); !slices.Equal(got, want) {
			return fmt.Errorf("they are %v", got)
		}
		return nil
	})
}

// record returns what the policies of a namespace were after every single change,
// once it is called again.
func (e *environment) record(namespace string) (states func() [][]networkingv1.NetworkPolicy) {
	e.t.Helper()
	w, err := e.Watch(e.t.Context(), &networkingv1.NetworkPolicyList{}, client.InNamespace(namespace))
	if err != nil {
		e.t.Fatal(err)
	}
	var mu sync.Mutex
	var out [][]networkingv1.NetworkPolicy
	go func() {
		now := map[string]networkingv1.NetworkPolicy{}
		for event := range w.ResultChan() {
			p, is := event.Object.(*networkingv1.NetworkPolicy)
			if !is {
				continue
			}
			if now[p.Name] = *p; event.Type == watch.Deleted {
				delete(now, p.Name)
			}
			var state []networkingv1.NetworkPolicy
			for _, p := range now {
				state = append(state, p)
			}
			mu.Lock()
			out = append(out, state)
			mu.Unlock()
		}
	}()
	e.t.Cleanup(w.Stop)
	return func() [][]networkingv1.NetworkPolicy {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(out)
	}
}
