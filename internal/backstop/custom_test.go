// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"slices"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	plugin "k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// custom is a check of a user with one validation.
func custom(expression string, more ...func(*v1alpha1.CustomCheck)) v1alpha1.CustomCheck {
	out := v1alpha1.CustomCheck{
		ID: "CUSTOM-001", Name: "own-rule", Title: "The rule of this cluster.", Fix: "follow the rule", Severity: "high",
		Kinds:       []v1alpha1.CustomKind{{Kind: "Service"}},
		Validations: []v1alpha1.CustomValidation{{Name: "rule", Expression: v1alpha1.CustomExpression(expression), Message: "is not as it must be"}},
	}
	for _, change := range more {
		change(&out)
	}
	return out
}

func onlyIf(name, expression string) func(*v1alpha1.CustomCheck) {
	return func(c *v1alpha1.CustomCheck) {
		c.MatchConditions = append(c.MatchConditions, v1alpha1.CustomCondition{Name: name, Expression: v1alpha1.CustomExpression(expression)})
	}
}

func let(name, expression string) func(*v1alpha1.CustomCheck) {
	return func(c *v1alpha1.CustomCheck) {
		c.Variables = append(c.Variables, v1alpha1.CustomVariable{Name: name, Expression: v1alpha1.CustomExpression(expression)})
	}
}

// labelled is a Service with two ports and the labels team and tier.
func labelled(team, tier string, ports ...int32) *corev1.Service {
	s := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", Labels: map[string]string{"tier": tier}},
	}
	if team != "" {
		s.Labels["team"] = team
	}
	for _, p := range ports {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Port: p, Protocol: corev1.ProtocolTCP})
	}
	return s
}

// TestCustomChecksHoldWithoutTheWebhook compares the policy of a custom check, as
// the API server's plugin evaluates it, with the check: on creations, and on
// updates that keep, add, mend and change a fault.
func TestCustomChecksHoldWithoutTheWebhook(t *testing.T) {
	t.Parallel()
	states := map[string]*corev1.Service{
		"good": labelled("blue", "a", 80), "bad": labelled("", "a", 80), "bad otherwise": labelled("", "b", 80, 81), "good otherwise": labelled("red", "b", 8080, 22),
	}
	tests := map[string]struct {
		check   v1alpha1.CustomCheck
		unasked bool // updates are left to the webhook
	}{
		"the object":                  {check: custom("has(object.metadata.labels.team)")},
		"a loop":                      {check: custom("object.spec.ports.all(p, p.port < 1000 && p.port != 22)")},
		"several lines and a comment": {check: custom("has(object.metadata.labels.team) && // the team\n  object.spec.ports.size() < 2 // few")},
		"beyond ASCII":                {check: custom("'é' != '' && has(object.metadata.labels.team) && object.metadata.labels.team != 'é'")},
		"object inside a text":        {check: custom("'object' + \"object.x\" != '' && has(object.metadata.labels.team)")},
		"an absent field":             {check: custom("object.metadata.labels.team != 'red'")},
		"a condition":                 {check: custom("has(object.metadata.labels.team)", onlyIf("only-b", "object.metadata.labels.tier == 'b'"))},
		"conditions that fail":        {check: custom("object.spec.ports.size() < 2", onlyIf("team", "object.metadata.labels.team != ''"), onlyIf("only-b", "object.metadata.labels.tier == 'b'"))},
		"the change":                  {check: custom("request.operation != 'UPDATE' || object.spec.ports == oldObject.spec.ports")},
		"a condition on the change":   {check: custom("has(object.metadata.labels.team)", onlyIf("new-tier", "oldObject == null || object.metadata.labels.tier != oldObject.metadata.labels.tier"))},
		"variables":                   {check: custom("variables.many || variables . named", let("count", "object.spec.ports.size()"), let("many", "variables.count > 1"), let("named", "has(object.metadata.labels.team)"))},
		"a variable that fails":       {check: custom("!variables.named || variables.team == 'blue'", let("named", "has(object.metadata.labels.team)"), let("team", "object.metadata.labels.team"))},
		"the namespace":               {check: custom("namespaceObject.metadata.name == 'shop' && has(object.metadata.labels.team)")},
		"a message": {check: custom("has(object.metadata.labels.team)", func(c *v1alpha1.CustomCheck) {
			c.Validations[0].MessageExpression = "'of tier ' + object.metadata.labels.tier // said"
		})},
		"a name taken by a loop": {check: custom("object.spec.ports.all(object, object.port != 81)"), unasked: true},
	}
	compared, refused, kept := 0, 0, 0
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := customPolicy(t, test.check)
			objects, err := Build(p, Options{Namespace: own, Only: []string{"CUSTOM-001"}})
			if err != nil || len(objects.Policies) != 1 || len(objects.Bindings) == 0 {
				t.Fatalf("%d policies, %d bindings: %v", len(objects.Policies), len(objects.Bindings), err)
			}
			for newName, object := range states {
				for oldName, old := range states {
					if oldName == newName {
						old = nil
					}
					in := customInput(object, old)
					want, got := customFound(p, in), refusedByAPI(t, &objects.Policies[0], in)
					if test.unasked && old != nil {
						want = false
					}
					if want != got {
						t.Errorf("%s after %s: the check refuses: %v, the policy: %v", newName, oldName, want, got)
					}
					compared++
					if want {
						refused++
					} else if old != nil && customFound(p, customInput(object, nil)) {
						kept++
					}
				}
			}
		})
	}
	if compared != len(tests)*16 || refused < 40 || kept < 10 {
		t.Errorf("%d requests compared, %d refused, %d kept a fault: this compares too little", compared, refused, kept)
	}
	t.Logf("%d requests compared, %d refused, %d kept a fault", compared, refused, kept)
}

func customPolicy(t *testing.T, c v1alpha1.CustomCheck) *policy.Policy {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Compile(set, &v1alpha1.CheckPolicySpec{CustomChecks: []v1alpha1.CustomCheck{c}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// customInput is a request as the webhook hands it to a check.
func customInput(object, old *corev1.Service) checks.Input {
	kind := metav1.GroupVersionKind{Version: "v1", Kind: "Service"}
	r := &admissionv1.AdmissionRequest{
		Kind: kind, RequestKind: &kind, Resource: metav1.GroupVersionResource{Version: "v1", Resource: "services"}, Name: object.Name, Namespace: object.Namespace,
		Operation: admissionv1.Create, UserInfo: authenticationv1.UserInfo{Username: "ann"}, DryRun: new(bool),
	}
	in := checks.Input{Object: object, Request: checks.Request{User: "ann", Admission: r}}
	in.Inventory = inventory.New(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
	if old != nil {
		r.Operation, in.Request.Operation, in.Old = admissionv1.Update, checks.Update, old
	}
	return in
}

func customFound(p *policy.Policy, in checks.Input) bool {
	_, some := found(p, in)["CUSTOM-001"]
	return some
}

// refusedByAPI reports whether the API server refuses by a policy with
// failurePolicy Fail: an expression is false, or fails.
func refusedByAPI(t *testing.T, p *admissionregistrationv1.ValidatingAdmissionPolicy, in checks.Input) bool {
	t.Helper()
	compiler, err := plugin.NewCompositedCompiler(environment.MustBaseEnvSet(oldest))
	if err != nil {
		t.Fatal(err)
	}
	var none plugin.OptionalVariableDeclarations
	for _, v := range p.Spec.Variables {
		if r := compiler.CompileAndStoreVariable(accessor{v.Name, v.Expression}, none, environment.NewExpressions); r.Error != nil {
			t.Fatalf("variable %s: %s", v.Name, r.Error.Detail)
		}
	}
	attributes := &admission.VersionedAttributes{Attributes: admission.NewAttributesRecord(in.Object, in.Old,
		in.Object.GetObjectKind().GroupVersionKind(), "shop", "web", corev1.SchemeGroupVersion.WithResource("services"), "", admission.Create, nil, false, nil)}
	attributes.VersionedObject.Set(in.Object)
	if in.Old != nil {
		attributes.VersionedOldObject.Set(in.Old)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	evaluate := func(expressions ...string) []plugin.EvaluationResult {
		list := make([]plugin.ExpressionAccessor, 0, len(expressions))
		for _, e := range expressions {
			list = append(list, accessor{text: e})
		}
		c := compiler.CompileCondition(list, none, environment.NewExpressions)
		if errs := c.CompilationErrors(); len(errs) > 0 {
			t.Fatalf("%v", errs)
		}
		results, _, err := c.ForInput(t.Context(), attributes, in.Request.Admission, plugin.OptionalVariableBindings{}, namespace, celconfig.RuntimeCELCostBudget)
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
	isFalse := func(r plugin.EvaluationResult) bool { return r.Error == nil && r.EvalResult.Value() != true }
	failed := func(r plugin.EvaluationResult) bool { return r.Error != nil }
	conditions := make([]string, 0, len(p.Spec.MatchConditions))
	for _, c := range p.Spec.MatchConditions {
		conditions = append(conditions, c.Expression)
	}
	switch r := evaluate(conditions...); {
	case slices.ContainsFunc(r, isFalse):
		return false
	case slices.ContainsFunc(r, failed):
		return true
	}
	out := false
	for _, v := range p.Spec.Validations {
		r := evaluate(v.Expression)
		if !isFalse(r[0]) && !failed(r[0]) {
			continue
		}
		out = true
		if !strings.HasPrefix(v.Message, "CUSTOM-001 own-rule (high) at rule: ") || !strings.HasSuffix(v.Message, ". Change: follow the rule") {
			t.Errorf("the message is %q", v.Message)
		}
		if v.MessageExpression == "" {
			continue
		}
		if text := evaluate(v.MessageExpression)[0]; text.Error != nil || !strings.HasPrefix(text.EvalResult.Value().(string), "CUSTOM-001 own-rule (high) at rule: of tier ") {
			t.Errorf("the message is %v (%v)", text.EvalResult, text.Error)
		}
	}
	return out
}

// TestExemptionsOfCustomChecks: an exemption covers the faults it names, and not
// that an expression fails.
func TestExemptionsOfCustomChecks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	set := exempt.NewSet(exempt.Exemption{
		Name: "teamless", Reach: exempt.Everywhere, Checks: []string{"CUSTOM-001"}, Subjects: []string{"rule"}, ExpiresAt: now.Add(time.Hour),
		Objects: []exempt.Selector{{Namespaces: []string{"shop"}, Names: []string{"web"}}},
	})
	for expression, want := range map[string]bool{
		"has(object.metadata.labels.team)":     false,
		"object.metadata.labels.team == 'red'": true, // fails
	} {
		p := customPolicy(t, custom(expression))
		for _, exemptions := range []*exempt.Set{nil, set} {
			objects, err := Build(p, Options{Namespace: own, Only: []string{"CUSTOM-001"}, Exemptions: exemptions, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			object := labelled("", "a", 80)
			object.CreationTimestamp = metav1.NewTime(now)
			if got := refusedByAPI(t, &objects.Policies[0], customInput(object, nil)); got != (want || exemptions == nil) {
				t.Errorf("%s: refused = %v, exempt = %v", expression, got, exemptions != nil)
			}
			if end := objects.Policies[0].Annotations[EndAnnotation]; (end != "") != (exemptions != nil) {
				t.Errorf("the exemptions end %q", end)
			}
		}
	}
}
