// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/inventory"
	policytemplates "github.com/gatehouse-sh/gatehouse/policy-templates"
)

// look is a cluster of one Deployment, which asks no name servers of the cluster,
// with a plan.
func look(t *testing.T, by string, plan *v1alpha1.NetworkPlan) *Cluster {
	t.Helper()
	return lookAt(t, by, Sources{Inventory: inventory.New(web(corev1.DNSDefault)), Plans: []*v1alpha1.NetworkPlan{plan}})
}

func lookAt(t *testing.T, by string, s Sources) *Cluster {
	t.Helper()
	profile, err := enforcer.Find(by)
	if err != nil {
		t.Fatal(err)
	}
	library, err := templates.Load(policytemplates.FS)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Look(s, Options{Templates: library, Enforcer: profile}, time.Unix(1_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func web(dns corev1.DNSPolicy) *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{DNSPolicy: dns, Containers: []corev1.Container{{Name: "web", Image: "web:1"}}}},
		},
	}
}

// TestPropose: what a plan asks for and its templates are in its policies, whatever
// the manifests say, and each enforcer gets what it can do.
func TestPropose(t *testing.T) {
	t.Parallel()
	plan := &v1alpha1.NetworkPlan{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: v1alpha1.NetworkPlanName}}
	plan.Spec = v1alpha1.NetworkPlanSpec{
		Learn: v1alpha1.NetworkNone, Templates: []v1alpha1.NetworkTemplate{{Name: "same-namespace"}},
		Allow: []v1alpha1.NetworkIntent{{To: &v1alpha1.NetworkPeer{CIDR: "192.0.2.0/24"}, Ports: []string{"443"}, Reason: "payments"}},
	}
	p := look(t, "generic", plan).Propose("shop", &plan.Spec)
	if len(p.Refusals) > 0 || len(p.Extra) > 0 || p.Workloads != 1 || len(p.Policies) < 3 {
		t.Errorf("refused %q, extra %v, %d workloads, %d policies", p.Refusals, p.Extra, p.Workloads, len(p.Policies))
	}
	for name, tc := range map[string]struct {
		change func(*v1alpha1.NetworkPlanSpec)
		says   string
	}{
		"an unknown template":        {func(s *v1alpha1.NetworkPlanSpec) { s.Templates[0].Name = "no-such" }, `there is no template "no-such"`},
		"a template for the cluster": {func(s *v1alpha1.NetworkPlanSpec) { s.Templates[0].Name = "cluster-wide-tiers" }, "cluster-wide-tiers"},
		"a domain name":              {func(s *v1alpha1.NetworkPlanSpec) { s.Allow[0].To = &v1alpha1.NetworkPeer{Domain: "api.example.com"} }, "it would refuse"},
		"nobody knows the gateway": {func(s *v1alpha1.NetworkPlanSpec) {
			s.Allow[0].From = &v1alpha1.NetworkPeer{Group: "gateway"}
			s.Allow[0].To = nil
		}, "it would cut"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := plan.DeepCopy()
			tc.change(&changed.Spec)
			p := look(t, "generic", changed).Propose("shop", &changed.Spec)
			if !strings.Contains(strings.Join(p.Refusals, "\n"), tc.says) {
				t.Errorf("refused %q, want %q", p.Refusals, tc.says)
			}
		})
	}
	t.Run("outside in place of a name", func(t *testing.T) {
		t.Parallel()
		changed := plan.DeepCopy()
		changed.Spec.Allow[0].To, changed.Spec.Domains = &v1alpha1.NetworkPeer{Domain: "api.example.com"}, v1alpha1.DomainsExternal
		p := look(t, "generic", changed).Propose("shop", &changed.Spec)
		if len(p.Refusals) > 0 {
			t.Errorf("refused %q", p.Refusals)
		}
	})
	for by, refused := range map[string]bool{"generic": false, "cilium": true} {
		t.Run("SCTP by "+by, func(t *testing.T) {
			t.Parallel()
			changed := plan.DeepCopy()
			changed.Spec.Allow[0].Ports = []string{"SCTP/3868"}
			p := look(t, by, changed).Propose("shop", &changed.Spec)
			if (len(p.Refusals) > 0) != refused {
				t.Errorf("refused %q", p.Refusals)
			}
		})
	}
	t.Run("an empty namespace", func(t *testing.T) {
		t.Parallel()
		p := look(t, "generic", plan).Propose("elsewhere", &v1alpha1.NetworkPlanSpec{})
		if len(p.Refusals) != 1 || !strings.Contains(p.Refusals[0], "no workload") {
			t.Errorf("refused %q", p.Refusals)
		}
	})
}

// TestPlansOfOneClusterAreThoseOfEach: what the plans of a cluster share changes none of
// them, whichever comes first and however many are made at once.
func TestPlansOfOneClusterAreThoseOfEach(t *testing.T) {
	t.Parallel()
	var objects []inventory.Object
	names := []string{"shop", "bank", "post"}
	for _, namespace := range names {
		for i, app := range []string{"web", "carts", "web"} { // two that have the same name
			d := web(corev1.DNSDefault)
			d.Namespace, d.Name = namespace, fmt.Sprintf("%s-%d", app, i)
			labels := map[string]string{"app": app, "part": strconv.Itoa(i)}
			d.Spec.Template.Labels = labels
			objects = append(objects, d)
		}
	}
	spec := &v1alpha1.NetworkPlanSpec{TrustedNamespaces: []v1alpha1.NamePattern{"*"}, Allow: []v1alpha1.NetworkIntent{
		{To: &v1alpha1.NetworkPeer{Namespace: "bank"}, Ports: []string{"443"}, Reason: "payments"},
		{From: &v1alpha1.NetworkPeer{Namespace: "shop", Workload: &v1alpha1.WorkloadReference{Kind: "Deployment", Name: "web-0"}}, Ports: []string{"8080"}, Reason: "orders"},
	}}
	sources := Sources{Inventory: inventory.New(objects...)}
	for _, namespace := range names {
		sources.Plans = append(sources.Plans, &v1alpha1.NetworkPlan{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: v1alpha1.NetworkPlanName}, Spec: *spec})
	}
	shared := lookAt(t, "generic", sources)
	for _, namespace := range append(names, names...) {
		want := lookAt(t, "generic", sources).Propose(namespace, spec)
		if want.Fault != nil || len(want.Policies) < 3 {
			t.Fatalf("%s: %v, %d policies", namespace, want.Fault, len(want.Policies))
		}
		t.Run(namespace, func(t *testing.T) {
			t.Parallel()
			got := shared.Propose(namespace, spec)
			if d := cmp.Diff(want.Policies, got.Policies); d != "" {
				t.Errorf("alone (-) and with others (+):\n%s", d)
			}
		})
	}
}
