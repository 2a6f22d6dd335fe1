// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// world is the application of the tests, to ask policies about.
func world(t *testing.T, namespace string) *generator.Model {
	t.Helper()
	var list []*generator.Workload
	for _, name := range []string{"web", "carts"} {
		list = append(list, &generator.Workload{
			ID: generator.WorkloadID{Namespace: namespace, Kind: "Deployment", Name: name}, Labels: map[string]string{"app": name},
			Ports: []generator.ContainerPort{{Number: 8080, Protocol: generator.TCP}},
		})
	}
	u, err := generator.NewUniverse(list, nil)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	env.DNS = generator.Group{Pods: []generator.PodSet{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}}}
	return &generator.Model{Universe: u, Environment: env}
}

// refused returns what some policies refuse of what the application needs.
func refused(t *testing.T, m *generator.Model, namespace string, list []networkingv1.NetworkPolicy) string {
	t.Helper()
	var policies []*networkingv1.NetworkPolicy
	for i := range list {
		policies = append(policies, &list[i])
	}
	read, err := netpol.Read(policies)
	if err != nil {
		t.Fatal(err)
	}
	set, err := verify.Compile(read, m, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	end := func(name string) verify.End {
		return verify.PodOf(generator.WorkloadID{Namespace: namespace, Kind: "Deployment", Name: name})
	}
	var out []string
	for _, q := range []struct {
		from, to verify.End
		port     generator.Port
	}{
		{end("web"), end("carts"), generator.NumberedPort(generator.TCP, 8080)},
		{end("web"), verify.Samples(m, generator.Peer{Kind: generator.DNSPeer})[0], generator.NumberedPort(generator.UDP, 53)},
		{end("carts"), verify.Samples(m, generator.Peer{Kind: generator.DNSPeer})[0], generator.NumberedPort(generator.TCP, 53)},
	} {
		v, err := set.Allowed(q.from, q.to, q.port)
		if err != nil {
			t.Fatal(err)
		}
		if !v.Allowed {
			out = append(out, fmt.Sprintf("%s -> %s %s: %s; %s", q.from, q.to, q.port, v.Egress, v.Ingress))
		}
	}
	return strings.Join(out, ", ")
}

// TestARestartInTheMiddle ends the controller again and again while it applies and
// withdraws, and looks at every single version of the policies: none refuses what
// the application needs.
func TestARestartInTheMiddle(t *testing.T) {
	e := newEnvironment(t)
	const ns = "restarts"
	e.namespace(ns, "")
	states := e.record(ns)
	m := world(t, ns)
	restarts := 0
	for _, mode := range []string{"apply", "preview"} {
		e.label(ns, mode)
		want := len(inForce)
		if mode == "preview" {
			want = 0
		}
		for try := range 12 {
			r := e.start(quick(), nil)
			// Each one lives a little longer than the one before.
			done := func() bool { return len(e.policies(ns)) == want && !slices.Contains(e.policies(ns), "opening") }
			for end := time.Now().Add(time.Duration(try+1) * 200 * time.Millisecond); time.Now().Before(end) && !done(); {
				time.Sleep(10 * time.Millisecond)
			}
			r.stop()
			if done() {
				break
			}
			restarts++
		}
		if got := e.policies(ns); len(got) != want {
			t.Fatalf("%s: it does not end: %v", mode, got)
		}
	}
	seen := states()
	opened := 0
	for i, state := range seen {
		if text := refused(t, m, ns, state); text != "" {
			t.Errorf("version %d, %v: %s", i, roles(state), text)
		}
		if slices.Contains(roles(state), "opening") {
			opened++
		}
	}
	t.Logf("%d restarts, %d versions of the policies, %d of them held open", restarts, len(seen), opened)
	if restarts < 2 || len(seen) < 10 || opened == 0 {
		t.Errorf("that is too little to tell")
	}
}

// TestTwoNamespaces: a connection between them needs a word of each, and what is
// wrong with one holds the other up no longer than its turn.
func TestTwoNamespaces(t *testing.T) {
	e := newEnvironment(t)
	o := quick()
	o.AtOnce = 1
	o.Watch = 3 * time.Second
	e.start(o, nil)
	const front, back = "front", "back"
	e.namespace(back, "")
	e.namespace(front, "")
	e.kubectl(workload("portal", "- {name: CARTS_URL, value: 'http://carts.back'}"), "apply", "-n", front, "-f", "-")
	e.label(back, "preview")
	e.label(front, "preview")
	p := e.phase(back, v1alpha1.NetworkPreviewed)
	if !slices.ContainsFunc(p.Status.Problems, func(s string) bool {
		return strings.Contains(s, "Deployment front/portal") && strings.Contains(s, "spec.trustedNamespaces")
	}) {
		t.Errorf("problems %q", p.Status.Problems)
	}
	from := func(p *v1alpha1.NetworkPlan) bool {
		return slices.ContainsFunc(p.Status.Connections, func(c v1alpha1.NetworkConnection) bool { return c.From == "Deployment front/portal" })
	}
	if from(p) {
		t.Errorf("an object of another namespace opened this one: %+v", p.Status.Connections)
	}
	if p = e.phase(front, v1alpha1.NetworkPreviewed); !from(p) {
		t.Errorf("its own egress is not in the plan: %+v", p.Status.Connections)
	}
	e.kubectl("", "patch", "networkplan", "default", "-n", back, "--type=merge", "-p", `{"spec":{"trustedNamespaces":["front"]}}`)
	e.becomes(back, "open for front", from)

	e.label(back, "apply")
	e.label(front, "apply")
	var waited bool
	controlplane.Eventually(t, time.Minute, "both are applied, one after the other", func() error {
		a, b := e.plan(front).Status, e.plan(back).Status
		waited = waited || a.Phase == v1alpha1.NetworkWaiting || b.Phase == v1alpha1.NetworkWaiting
		if a.Phase == v1alpha1.NetworkApplied && b.Phase == v1alpha1.NetworkApplied {
			return nil
		}
		return fmt.Errorf("they are %s and %s", a.Phase, b.Phase)
	})
	a, b := e.plan(front).Status, e.plan(back).Status
	if apart := a.AppliedAt.Sub(b.AppliedAt.Time).Abs(); !waited || apart < o.Watch-time.Second {
		t.Errorf("one waited: %t; they were applied %s apart", waited, apart)
	}
	e.kubectl("", "delete", "namespace", front, "--wait=false")
}

// TestWhatIsRefused: nothing is applied of a plan with a fault, and what was applied
// before stays.
func TestWhatIsRefused(t *testing.T) {
	e := newEnvironment(t)
	e.start(quick(), nil)
	const ns = "refusals"
	e.namespace(ns, "apply")
	first := e.phase(ns, v1alpha1.NetworkApplied)
	e.settled(ns, inForce...)
	patch := func(spec string) {
		e.kubectl("", "patch", "networkplan", "default", "-n", ns, "--type=merge", "-p", `{"spec":`+spec+`}`)
	}
	for name, tc := range map[string]struct{ spec, says string }{
		"an unknown template": {`{"templates":[{"name":"no-such"}]}`, `there is no template "no-such"`},
		"a domain name":       {`{"templates":null,"allow":[{"from":{"workload":{"name":"web"}},"to":{"domain":"api.example.com"},"ports":["443"],"reason":"payments"}]}`, "it would refuse"},
		"a gateway that nobody named": {
			`{"templates":null,"allow":[{"from":{"group":"gateway"},"to":{"service":{"name":"web"}},"reason":"customers"}]}`, "it would cut",
		},
	} {
		patch(tc.spec)
		p := e.becomes(ns, "refused for "+name, func(p *v1alpha1.NetworkPlan) bool {
			return p.Status.Phase == v1alpha1.NetworkRefused && strings.Contains(p.Status.Message, tc.says)
		})
		if p.Status.Applied != first.Status.Applied || !strings.Contains(p.Status.Message, "applied before stays") {
			t.Errorf("%s: %+v", name, p.Status)
		}
		e.settled(ns, inForce...)
	}
	patch(`{"templates":null,"allow":null}`)
	e.phase(ns, v1alpha1.NetworkApplied)

	t.Run("paused", func(*testing.T) {
		patch(`{"paused":true}`)
		e.phase(ns, v1alpha1.NetworkPaused)
		e.kubectl("", "delete", "deployment", "carts", "-n", ns)
		time.Sleep(time.Second)
		e.settled(ns, inForce...)
		patch(`{"paused":false}`)
		e.phase(ns, v1alpha1.NetworkApplied)
		e.settled(ns, "allow", "deny", "deny")
	})

	t.Run("the name servers move", func(t *testing.T) {
		before := e.plan(ns).Status.Plan
		e.kubectl("", "patch", "service", "kube-dns", "-n", "kube-system", "--type=merge", "-p", `{"spec":{"selector":{"k8s-app":"other-dns"}}}`)
		t.Cleanup(func() { e.kubectlAfter("delete", "service", "kube-dns", "-n", "kube-system") })
		p := e.becomes(ns, "a plan for the new ones", func(p *v1alpha1.NetworkPlan) bool {
			return p.Status.Plan != before && p.Status.Applied == p.Status.Plan
		})
		e.settled(ns, "allow", "deny", "deny")
		if text := e.kubectl("", "get", "networkpolicy", "-n", ns, "-o", "yaml"); !strings.Contains(text, "other-dns") || strings.Contains(text, "k8s-app: kube-dns") {
			t.Errorf("the policies do not follow: %s", p.Status.Policies)
		}
	})

	t.Run("a system namespace", func(t *testing.T) {
		e.label("kube-system", "apply")
		t.Cleanup(func() {
			e.kubectlAfter("label", "namespace", "kube-system", v1alpha1.NetworkLabel+"-")
			e.kubectlAfter("delete", "networkplan", "--all", "-n", "kube-system")
		})
		p := e.becomes("kube-system", "refused", func(p *v1alpha1.NetworkPlan) bool {
			return strings.Contains(p.Status.Message, "No plan is applied in kube-system")
		})
		if len(e.policies("kube-system")) > 0 {
			t.Errorf("policies in kube-system: %s", p.Status.Message)
		}
	})
}
