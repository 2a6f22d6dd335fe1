// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"path/filepath"
	"slices"
	"testing"

	celgo "github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission"
	plugin "k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/webhook/mutation"
)

// condition is a match condition as the API server takes it.
type condition struct{ text string }

func (c condition) GetExpression() string      { return c.text }
func (c condition) ReturnTypes() []*celgo.Type { return []*celgo.Type{celgo.BoolType} }

// undecided compiles the condition that says what runs pods without a word about
// their token, with the libraries of the oldest release that is supported.
func undecided(t *testing.T) func(inventory.Object) bool {
	t.Helper()
	list := mutatingConditions()
	c := plugin.NewConditionCompiler(environment.MustBaseEnvSet(version.MajorMinor(1, 30))).CompileCondition(
		[]plugin.ExpressionAccessor{condition{list[len(list)-1].Expression}}, plugin.OptionalVariableDeclarations{}, environment.StoredExpressions)
	if errs := c.CompilationErrors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	return func(o inventory.Object) bool {
		k, known := inventory.KindOf(inventory.GroupKindOf(o))
		if !known {
			t.Fatalf("%T is not a known kind", o)
		}
		gvk := schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.GroupKind.Kind}
		gvr := schema.GroupVersionResource{Group: k.Group, Version: k.Version, Resource: k.Resource}
		a := &admission.VersionedAttributes{Attributes: admission.NewAttributesRecord(o, nil, gvk, o.GetNamespace(), o.GetName(), gvr, "", admission.Create, nil, false, nil)}
		a.VersionedObject.Set(o)
		request := &admissionv1.AdmissionRequest{Resource: metav1.GroupVersionResource(gvr), Operation: admissionv1.Create}
		results, _, err := c.ForInput(t.Context(), a, request, plugin.OptionalVariableBindings{}, nil, celconfig.RuntimeCELCostBudgetMatchConditions)
		if err != nil || results[0].Error != nil {
			t.Fatalf("%s: %v, %v", inventory.KeyOf(o), err, results)
		}
		return results[0].EvalResult.Value() == true
	}
}

// TestNothingIsAddedToWhatTheMutatingWebhookIsNotCalledFor compares the condition
// with the plan, for every object among the fixtures that the webhook is registered
// for, as it stands and with every answer to whether its pods mount a token. All of
// it is exposed and the policy asks for everything that can be added.
func TestNothingIsAddedToWhatTheMutatingWebhookIsNotCalledFor(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	spec := &v1alpha1.CheckPolicySpec{}
	spec.Parameters.Mutation = v1alpha1.Mutation{DefaultAutomount: v1alpha1.Enabled, DefaultNodePorts: v1alpha1.Enabled, InjectParentRefs: v1alpha1.Enabled}
	spec.Parameters.Gateway.ParentGateways = []v1alpha1.ParentGateway{{Namespace: "gatehouse-system", Name: "gatehouse"}}
	p, err := policy.Compile(set, spec)
	if err != nil {
		t.Fatal(err)
	}
	called := undecided(t)
	marked, running := mutatedKinds()
	registered := func(o inventory.Object, kinds []inventory.Kind) bool {
		return slices.ContainsFunc(kinds, func(k inventory.Kind) bool { return k.GroupKind == inventory.GroupKindOf(o) })
	}
	judged, added, spared := 0, 0, 0
	try := func(path string, o inventory.Object) {
		judged++
		open := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: o.GetNamespace(), Name: "open"}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort}}
		template, runs := inventory.TemplateOf(o)
		if runs {
			open.Spec.Selector = template.Meta.Labels
		}
		plan, calls := mutation.Plan(o, inventory.New(open), p, true), called(o)
		switch {
		case len(plan) > 0 && !calls:
			t.Errorf("%s: %s: the webhook is not called, and would add %v", path, inventory.KeyOf(o), plan)
		case runs && calls != (template.Spec.AutomountServiceAccountToken == nil):
			t.Errorf("%s: %s: called: %v, and the token of its pods: %v", path, inventory.KeyOf(o), calls, template.Spec.AutomountServiceAccountToken)
		case len(plan) > 0:
			added++
		case !calls:
			spared++
		}
	}
	seen := map[schema.GroupKind]bool{}
	for _, folder := range []string{"exposure", "privilege", "blast"} {
		cases, err := fixture.Load(filepath.Join("..", "..", "checks", folder, "testdata"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			in, err := c.Input(checks.DefaultParameters())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range append(c.Context, in.Object) {
				if !registered(o, marked) && !registered(o, running) {
					continue
				}
				seen[inventory.GroupKindOf(o)] = true
				o, _ = o.DeepCopyObject().(inventory.Object)
				try(c.Path, o)
				if template, runs := inventory.TemplateOf(o); runs {
					for _, answer := range []*bool{nil, new(false), new(true)} {
						template.Spec.AutomountServiceAccountToken = answer
						try(c.Path, o)
					}
				}
			}
		}
	}
	for _, k := range slices.Concat(marked, running) {
		if !seen[k.GroupKind] { // no fixture: an empty one, with each answer
			try("no fixture", k.Object())
			if o := k.Object(); registered(o, running) {
				template, _ := inventory.TemplateOf(o)
				template.Spec.AutomountServiceAccountToken = new(false)
				try("no fixture", o)
			}
		}
	}
	t.Logf("%d objects: %d are added to, and for %d nobody is called", judged, added, spared)
	if added == 0 || spared == 0 {
		t.Fatal("nothing was compared")
	}
}
