// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

const installed = "gatehouse-system"

// following is a cluster whose Exemptions a manager follows.
type following struct {
	t   *testing.T
	cp  *controlplane.ControlPlane
	mgr ctrl.Manager
	*Exemptions
}

func (f *following) kubectl(stdin string, args ...string) string {
	f.t.Helper()
	out, errOut, err := f.cp.KubectlInput(f.t.Context(), strings.NewReader(stdin), args...)
	if err != nil {
		f.t.Fatalf("kubectl %v: %v\n%s%s", args, err, out, errOut)
	}
	return out
}

// follow starts the follower in a cluster that has no definition of Exemptions.
func follow(t *testing.T) *following {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	f := &following{t: t, cp: controlplane.Get(t)}
	f.kubectl("", "delete", "crd", "exemptions.gatehouse.sh", "--ignore-not-found")
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, admissionregistrationv1.AddToScheme, corev1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	f.mgr, err = ctrl.NewManager(f.cp.RESTConfig(), ctrl.Options{
		Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"},
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&admissionregistrationv1.ValidatingWebhookConfiguration{}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Exemptions, err = NewExemptions(f.mgr.GetCache(), set, ExemptionOptions{
		Registration: f.mgr.GetClient(), RegistrationName: "gatehouse-exemption-test", Install: installed,
	}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	f.every = 200 * time.Millisecond
	if err := f.SetupWithManager(f.mgr); err != nil {
		t.Fatal(err)
	}
	controlplane.Run(t, f.mgr.Start)
	return f
}

func (f *following) install() {
	f.t.Helper()
	f.kubectl("", "apply", "--server-side", "-f", filepath.Join("..", "..", "manifests", "crd", "gatehouse.sh_exemptions.yaml"))
	f.kubectl("", "wait", "--for=condition=Established", "--timeout=60s", "crd", "exemptions.gatehouse.sh")
	for _, ns := range []string{installed, "shop"} {
		f.kubectl(fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, ns), "apply", "-f", "-")
	}
}

func doc(ns, name, check string, end time.Time) string {
	return fmt.Sprintf("apiVersion: gatehouse.sh/v1alpha1\nkind: Exemption\nmetadata: {namespace: %s, name: %s}\nspec:\n  checks: [%s]\n"+
		"  objects: [{kinds: [Service]}]\n  reason: r\n  owner: o@example.com\n  expiresAt: %s\n---\n", ns, name, check, end.UTC().Format(time.RFC3339))
}

func names(s *exempt.Set) []string {
	var out []string
	for _, e := range s.All() {
		out = append(out, fmt.Sprintf("%s %d", e.String(), e.Reach))
	}
	for _, bad := range s.Faulty() {
		out = append(out, "faulty "+bad.Namespace+"/"+bad.Name)
	}
	return out
}

// TestExemptionsAreFollowed: the definition may come later, a faulty exemption
// leaves the others alone, and what is written or deleted is seen at once.
func TestExemptionsAreFollowed(t *testing.T) {
	f := follow(t)
	controlplane.Eventually(t, time.Minute, "a missing definition counts as loaded", controlplane.Holds(f.Loaded))
	if len(f.Load().All()) > 0 {
		t.Fatal("exemptions without a definition")
	}
	f.install()
	end := time.Now().Add(time.Hour)
	f.kubectl(doc(installed, "good", "node-port", end)+doc(installed, "bad", "no-such-check", end)+doc("shop", "own", "EXP-001", end), "apply", "-f", "-")
	// Nothing is registered, so nobody saw who wrote the one in shop.
	want := []string{installed + "/good 2", "shop/own 0", "faulty " + installed + "/bad"}
	controlplane.Eventually(t, time.Minute, "all three are seen", controlplane.Holds(func() bool { return slices.Equal(names(f.Load()), want) }))

	kept := f.Load()
	start := time.Now()
	f.kubectl("", "delete", "exemptions", "-n", installed, "bad")
	controlplane.Eventually(t, time.Minute, "one that is deleted is gone", controlplane.Holds(func() bool { return slices.Equal(names(f.Load()), want[:2]) }))
	t.Logf("seen after %s, kubectl included", time.Since(start).Round(time.Millisecond))
	if f.Load() == kept || len(kept.Faulty()) != 1 {
		t.Error("a published set was changed")
	}
	kept = f.Load()
	time.Sleep(3 * f.every)
	if f.Load() != kept {
		t.Error("the same exemptions were published again")
	}
}

// TestTheRegistrationMakesApproval registers, and compares exemptions that are
// older and younger than the registration.
func TestTheRegistrationMakesApproval(t *testing.T) {
	f := follow(t)
	f.install()
	end := time.Now().Add(time.Hour)
	f.kubectl(doc("shop", "older", "EXP-001", end), "apply", "-f", "-")
	api := f.mgr.GetClient()
	hook := &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "gatehouse-exemption-test"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: exempt.GuardWebhook, FailurePolicy: new(admissionregistrationv1.Fail), SideEffects: new(admissionregistrationv1.SideEffectClassNone),
			AdmissionReviewVersions: []string{"v1"}, ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: new("https://127.0.0.1:1/")},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{v1alpha1.GroupName}, APIVersions: []string{"*"}, Resources: []string{"exemptions"}},
			}},
			// Nobody answers; the test writes as one whom the API server does not ask about.
			MatchConditions: []admissionregistrationv1.MatchCondition{{Name: "never", Expression: "false"}},
		}},
	}
	if err := api.Create(t.Context(), hook); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Delete(context.Background(), hook); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
	time.Sleep(time.Until(hook.CreationTimestamp.Add(12 * time.Second)))
	f.kubectl(doc("shop", "younger", "EXP-001", end), "apply", "-f", "-")
	want := []string{"shop/older 0", "shop/younger 1"}
	controlplane.Eventually(t, time.Minute, "only the younger one reaches its namespace", controlplane.Holds(func() bool { return slices.Equal(names(f.Load()), want) }))
	if err := api.Delete(t.Context(), hook); err != nil {
		t.Fatal(err)
	}
	controlplane.Eventually(t, time.Minute, "without the registration none does", controlplane.Holds(func() bool { return slices.Equal(names(f.Load()), []string{"shop/older 0", "shop/younger 0"}) }))
}
