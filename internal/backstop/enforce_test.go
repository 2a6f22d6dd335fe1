// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"regexp"
	"slices"
	"testing"

	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types/traits"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
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
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// accessor is an expression as the admission plugin of Kubernetes takes it.
type accessor struct{ name, text string }

func (a accessor) GetName() string            { return a.name }
func (a accessor) GetExpression() string      { return a.text }
func (a accessor) ReturnTypes() []*celgo.Type { return []*celgo.Type{celgo.AnyType, celgo.DynType} }

// enforcer is a policy as the API server compiles it.
type enforcer struct {
	policy     *admissionregistrationv1.ValidatingAdmissionPolicy
	said       plugin.ConditionEvaluator
	conditions plugin.ConditionEvaluator
	message    plugin.ConditionEvaluator
}

// oldest is the release that the backstop promises to work on.
var oldest = version.MajorMinor(1, 30)

// accessPolicies are the policies about roles and bindings where every finding
// warns, with the policy that they are made of.
func accessPolicies(t *testing.T, set *checks.Set) ([]*enforcer, *policy.Policy) {
	t.Helper()
	var only []string
	for _, c := range set.Checks() {
		if slices.ContainsFunc(c.Kinds, func(gk schema.GroupKind) bool { return familyOf(gk) == ofAccess }) {
			only = append(only, c.ID)
		}
	}
	p := warning(t, set)
	objects, err := Build(p, Options{Namespace: own, Only: only})
	if err != nil {
		t.Fatal(err)
	}
	return enforcers(t, objects), p
}

// enforcers compiles policies with the admission plugin of Kubernetes, with the
// libraries of the oldest release.
func enforcers(t *testing.T, objects Objects) []*enforcer {
	t.Helper()
	var out []*enforcer
	for i := range objects.Policies {
		p := &objects.Policies[i]
		compiler, err := plugin.NewCompositedCompiler(environment.MustBaseEnvSet(oldest))
		if err != nil {
			t.Fatal(err)
		}
		declared := plugin.OptionalVariableDeclarations{HasParams: p.Spec.ParamKind != nil}
		for _, v := range p.Spec.Variables {
			if r := compiler.CompileAndStoreVariable(accessor{v.Name, v.Expression}, declared, environment.NewExpressions); r.Error != nil {
				t.Fatalf("%s: variable %s: %.2000s", p.Name, v.Name, r.Error.Detail)
			}
		}
		one := func(expressions ...string) plugin.ConditionEvaluator {
			list := make([]plugin.ExpressionAccessor, 0, len(expressions))
			for _, e := range expressions {
				list = append(list, accessor{text: e})
			}
			c := compiler.CompileCondition(list, declared, environment.NewExpressions)
			if errs := c.CompilationErrors(); len(errs) > 0 {
				t.Fatalf("%s: %v", p.Name, errs)
			}
			return c
		}
		e := &enforcer{policy: p, said: one("variables.said"), message: one(p.Spec.Validations[0].MessageExpression)}
		var conditions []string
		for _, c := range p.Spec.MatchConditions {
			conditions = append(conditions, c.Expression)
		}
		e.conditions = one(conditions...)
		out = append(out, e)
	}
	return out
}

// saying is what a policy says about one check.
var saying = regexp.MustCompile(`^([A-Z]+-\d{3}) [a-z0-9-]+ \(([a-z]+)\) at (.*?)\. Change: `)

// said is what the policies say of a request: the worst severity by check, the
// texts, and the most that one policy cost.
type said struct {
	checks map[string]checks.Severity
	texts  []string
	cost   int64
}

// ask asks the policies that match about a request.
func ask(t *testing.T, list []*enforcer, in checks.Input) said {
	t.Helper()
	out := said{checks: map[string]checks.Severity{}}
	kind, _ := inventory.KindOf(inventory.KeyOf(in.Object).Kind)
	gvk := schema.GroupVersionKind{Group: kind.Group, Version: kind.Version, Kind: kind.GroupKind.Kind}
	gvr := schema.GroupVersionResource{Group: kind.Group, Version: kind.Version, Resource: kind.Resource}
	request := &admissionv1.AdmissionRequest{
		Kind: metav1.GroupVersionKind(gvk), Resource: metav1.GroupVersionResource(gvr), Name: in.Object.GetName(), Namespace: in.Object.GetNamespace(),
		Operation: admissionv1.Create, UserInfo: authenticationv1.UserInfo{Username: in.Request.User},
	}
	operation := admission.Create
	if in.Old != nil {
		request.Operation, operation = admissionv1.Update, admission.Update
	}
	attributes := &admission.VersionedAttributes{
		Attributes: admission.NewAttributesRecord(in.Object, in.Old, gvk, request.Namespace, request.Name, gvr, "", operation, nil, false, nil),
	}
	attributes.VersionedObject.Set(in.Object)
	if in.Old != nil {
		attributes.VersionedOldObject.Set(in.Old)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: request.Namespace}}
	for _, e := range list {
		if !e.matches(gvr) {
			continue
		}
		evaluate := func(c plugin.ConditionEvaluator) []plugin.EvaluationResult {
			results, left, err := c.ForInput(t.Context(), attributes, request, plugin.OptionalVariableBindings{}, namespace, celconfig.RuntimeCELCostBudget)
			if err != nil {
				t.Fatalf("%s: %v", e.policy.Name, err)
			}
			for _, r := range results {
				if r.Error != nil {
					t.Fatalf("%s: %v", e.policy.Name, r.Error)
				}
			}
			out.cost = max(out.cost, celconfig.RuntimeCELCostBudget-left)
			return results
		}
		if slices.ContainsFunc(evaluate(e.conditions), func(r plugin.EvaluationResult) bool { return r.EvalResult.Value() != true }) {
			continue
		}
		texts, ok := evaluate(e.said)[0].EvalResult.(traits.Lister)
		if !ok {
			t.Fatalf("%s: said is no list", e.policy.Name)
		}
		for at := texts.Iterator(); at.HasNext().Value() == true; {
			text, _ := at.Next().Value().(string)
			m := saying.FindStringSubmatch(text)
			if m == nil {
				t.Fatalf("%s says %q", e.policy.Name, text)
			}
			severity, known := checks.ParseSeverity(m[2])
			if !known {
				t.Fatalf("%s says %q", e.policy.Name, text)
			}
			out.checks[m[1]] = max(out.checks[m[1]], severity)
			out.texts = append(out.texts, text)
		}
		if len(out.texts) > 0 {
			evaluate(e.message)
		}
	}
	return out
}

// matches reports whether the policy is asked about a resource.
func (e *enforcer) matches(gvr schema.GroupVersionResource) bool {
	return slices.ContainsFunc(e.policy.Spec.MatchConstraints.ResourceRules, func(r admissionregistrationv1.NamedRuleWithOperations) bool {
		return slices.Contains(r.APIGroups, gvr.Group) && slices.Contains(r.Resources, gvr.Resource)
	})
}

// warning is a policy under which every finding warns.
func warning(t *testing.T, set *checks.Set) *policy.Policy {
	t.Helper()
	spec := &v1alpha1.CheckPolicySpec{}
	for _, c := range set.Checks() {
		spec.Checks = append(spec.Checks, v1alpha1.CheckRule{Check: c.ID, Action: v1alpha1.ActionWarn})
	}
	p, err := policy.Compile(set, spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// found is what the checks say of a request that was not so before, by check.
func found(p *policy.Policy, in checks.Input) map[string]checks.Severity {
	out := map[string]checks.Severity{}
	mode := policy.Enforce
	for _, j := range (verdict.Judge{Policy: p}).Of(verdict.Question{Object: in.Object, Old: in.Old, Inventory: in.Inventory, Request: in.Request, Mode: mode}) {
		if !j.Known {
			out[j.Check] = max(out[j.Check], j.Severity)
		}
	}
	return out
}
