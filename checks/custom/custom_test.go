// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// definition is a check of Services with the validations.
func definition(validations ...Validation) *Definition {
	return &Definition{
		ID: "CUSTOM-001", Name: "ours", Title: "Services are ours", Fix: "make it ours", Severity: checks.High,
		Kinds: []schema.GroupKind{inventory.ServiceKind}, Validations: validations,
	}
}

func validate(expression string) Validation {
	return Validation{Name: "object", Expression: expression, Message: "is not ours"}
}

// compileGood compiles a definition that has no fault.
func compileGood(t testing.TB, d *Definition) checks.Check {
	t.Helper()
	c, faults := Compile(d)
	if len(faults) > 0 {
		t.Fatalf("refused: %v", faults)
	}
	return c
}

// service is a Service of namespace shop with that many ports.
func service(ports int) *corev1.Service {
	out := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Labels: map[string]string{"team": "blue"}},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, Selector: map[string]string{"app": "web"}},
	}
	for i := range ports {
		out.Spec.Ports = append(out.Spec.Ports, corev1.ServicePort{Port: int32(1000 + i)})
	}
	return out
}

// input is a creation that an API server asks about.
func input(o inventory.Object) checks.Input {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"tier": "gold"}}}
	kind, resource := metav1.GroupVersionKind{Version: "v1", Kind: "Service"}, metav1.GroupVersionResource{Version: "v1", Resource: "services"}
	return checks.Input{
		Object: o, Inventory: inventory.New(ns, o), Parameters: checks.DefaultParameters(),
		Request: checks.Request{User: "ann", Admission: &admissionv1.AdmissionRequest{
			Kind: kind, RequestKind: &kind, Resource: resource, RequestResource: &resource, Name: o.GetName(), Namespace: o.GetNamespace(),
			Operation: admissionv1.Create, UserInfo: authenticationv1.UserInfo{Username: "ann", Groups: []string{"dev"}}, DryRun: new(false),
		}},
	}.Sharing()
}

func TestFaultsHaveAPosition(t *testing.T) {
	t.Parallel()
	loops := func(n int) string {
		out := "1"
		for i := range n {
			out = "[0,1,2,3,4,5,6,7,8,9].map(" + string(rune('a'+i)) + ", " + out + ")"
		}
		return out + ".size() > 0"
	}
	message := func(e string) *Definition {
		return definition(Validation{Name: "object", Expression: "true", MessageExpression: e})
	}
	condition := func(e string) *Definition {
		d := definition(validate("true"))
		d.MatchConditions = []Named{{"first", "true"}, {"second", e}}
		return d
	}
	variables := func(list ...string) *Definition {
		d := definition(validate("variables.b == 1"))
		for i, e := range list {
			d.Variables = append(d.Variables, Named{string(rune('a' + i)), e})
		}
		return d
	}
	for name, tc := range map[string]struct {
		refused, accepted *Definition
		path, says        string
	}{
		"an unknown name":              {definition(validate("object.spec.type == kind")), definition(validate("object.spec.type == object.kind")), "validations[0].expression", "1:21: undeclared reference to 'kind'"},
		"a fault in the second line":   {definition(validate("object.spec.type == 'x' ||\n  nothing")), definition(validate("object.spec.type == 'x' ||\n  true")), "validations[0].expression", "2:3: undeclared reference to 'nothing'"},
		"bad syntax":                   {definition(validate("object.spec. == 1")), definition(validate("object.spec == 1")), "validations[0].expression", "1:14: Syntax error"},
		"parameters":                   {definition(validate("params.x == 1")), definition(validate("object.x == 1")), "validations[0].expression", "1:1: undeclared reference to 'params'"},
		"an authorizer":                {definition(validate("authorizer.group('').resource('pods').check('get').allowed()")), definition(validate("request.userInfo.username != ''")), "validations[0].expression", "1:1: undeclared reference to 'authorizer'"},
		"the second validation":        {definition(validate("true"), validate("1 + true == 2")), definition(validate("true"), validate("1 + 1 == 2")), "validations[1].expression", "1:3: found no matching overload"},
		"a validation of another type": {definition(validate("'yes'")), definition(validate("'yes' == 'yes'")), "validations[0].expression", "1:1: must evaluate to bool, but evaluates to string"},
		"a validation of any type":     {definition(validate("object.spec.flag")), definition(validate("object.spec.flag == true")), "validations[0].expression", "1:1: must evaluate to bool, but evaluates to dyn"},
		"a message of another type":    {message("1"), message("string(1)"), "validations[0].messageExpression", "1:1: must evaluate to string, but evaluates to int"},
		"a faulty message":             {message("'a' + b"), message("'a' + 'b'"), "validations[0].messageExpression", "1:7: undeclared reference to 'b'"},
		"a faulty condition":           {condition("objekt != null"), condition("object != null"), "matchConditions[1].expression", "1:1: undeclared reference to 'objekt'"},
		"a condition of another type":  {condition("1"), condition("1 == 1"), "matchConditions[1].expression", "1:1: must evaluate to bool, but evaluates to int"},
		"a variable that is missing":   {variables("1"), variables("1", "1"), "validations[0].expression", "1:10: undefined field 'b'"},
		"a variable before its time":   {variables("variables.b", "1"), variables("1", "variables.a"), "variables[0].expression", "1:10: undefined field 'b'"},
		"a variable of another type":   {variables("'x'", "variables.a"), variables("'x'", "variables.a.size()"), "validations[0].expression", "1:13: found no matching overload for '_==_' applied to '(string, int)'"},
		"a field that no request has":  {definition(validate("request.user == 'ann'")), definition(validate("request.userInfo.username == 'ann'")), "validations[0].expression", "1:8: undefined field 'user'"},
		"the objects of the request":   {definition(validate("request.object == null")), definition(validate("request.options == null")), "validations[0].expression", "1:8: undefined field 'object'"},
		"the status of the namespace":  {definition(validate("namespaceObject.status.phase == 'Active'")), definition(validate("namespaceObject.metadata.name == 'shop'")), "validations[0].expression", "1:16: undefined field 'status'"},
		"a function that no one has":   {definition(validate("read('/etc/passwd') == ''")), definition(validate("size('/etc/passwd') == 0")), "validations[0].expression", "1:5: undeclared reference to 'read'"},
		"a pattern that is none":       {definition(validate("object.spec.type.matches('[')")), definition(validate("object.spec.type.matches('[a]')")), "validations[0].expression", "1:26: "},
		"what always costs too much":   {definition(validate(loops(6))), definition(validate(loops(4))), "validations[0].expression", "1:1: costs at least "},
		"deep nesting":                 {definition(validate(strings.Repeat("(", 1000) + "true" + strings.Repeat(")", 1000))), definition(validate("((((true))))")), "validations[0].expression", "1:1: expression recursion limit exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, faults := Compile(tc.refused)
			if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Path == tc.path && strings.HasPrefix(f.Message, tc.says) }) {
				t.Errorf("faults %q, want one of %s that begins with %q", faults, tc.path, tc.says)
			}
			for _, f := range faults {
				if strings.Contains(f.Message, "\n") {
					t.Errorf("the fault %q has several lines", f.Message)
				}
			}
			if _, faults := Compile(tc.accepted); len(faults) > 0 {
				t.Errorf("the nearest good definition is refused: %q", faults)
			}
		})
	}
}

func TestWhatIsFound(t *testing.T) {
	t.Parallel()
	found := checks.Finding{Subject: "object", Message: "is not ours"}
	with := func(d *Definition, change func(d *Definition)) *Definition { change(d); return d }
	for name, tc := range map[string]struct {
		definition *Definition
		want       []checks.Finding
	}{
		"what is false":                     {definition(validate("object.spec.type != 'ClusterIP'")), []checks.Finding{found}},
		"what is true":                      {definition(validate("object.spec.type == 'ClusterIP'")), nil},
		"the kind and version of an object": {definition(validate("object.apiVersion == 'v1' && object.kind == 'Service'")), nil},
		"no older object":                   {definition(validate("oldObject == null")), nil},
		"the user":                          {definition(validate("request.userInfo.username == 'ann' && 'dev' in request.userInfo.groups && request.operation == 'CREATE' && !request.dryRun")), nil},
		"the kind of the request":           {definition(validate("request.kind.kind == 'Service' && request.resource.resource == 'services' && request.namespace == 'shop'")), nil},
		"the labels of the namespace":       {definition(validate("namespaceObject.metadata.labels.tier == 'gold'")), nil},
		"two faults": {
			definition(Validation{Name: "type", Expression: "object.spec.type == 'ExternalName'", Message: "has another type", Field: "spec.type"}, validate("false"), Validation{Name: "third", Expression: "true"}),
			[]checks.Finding{{Subject: "type", Field: "spec.type", Message: "has another type"}, found},
		},
		"no message":              {definition(Validation{Name: "object", Expression: "1  ==\n 2"}), []checks.Finding{{Subject: "object", Message: "does not fulfil 1 == 2"}}},
		"a computed message":      {definition(Validation{Name: "object", Expression: "false", Message: "m", MessageExpression: "' has the type ' + object.spec.type"}), []checks.Finding{{Subject: "object", Message: "has the type ClusterIP"}}},
		"a message that fails":    {definition(Validation{Name: "object", Expression: "false", Message: "is wrong", MessageExpression: "object.spec.nothing + ''"}), []checks.Finding{{Subject: "object", Message: "is wrong"}}},
		"a message of two lines":  {definition(Validation{Name: "object", Expression: "false", Message: "is wrong", MessageExpression: `"a\nb"`}), []checks.Finding{{Subject: "object", Message: "is wrong"}}},
		"an empty message":        {definition(Validation{Name: "object", Expression: "false", Message: "is wrong", MessageExpression: "' '"}), []checks.Finding{{Subject: "object", Message: "is wrong"}}},
		"a message of many bytes": {definition(Validation{Name: "object", Expression: "false", Message: "is wrong", MessageExpression: "lists.range(6000).map(x, 'x').join('')"}), []checks.Finding{{Subject: "object", Message: "is wrong"}}},
		"variables": {
			with(definition(validate("variables.both == 'ClusterIP/blue' && variables.ports[0] == 1000")), func(d *Definition) {
				d.Variables = []Named{{"type", "object.spec.type"}, {"both", "variables.type + '/' + object.metadata.labels.team"}, {"ports", "object.spec.ports.map(p, p.port)"}}
			}), nil,
		},
		"a variable that fails and is not used": {
			with(definition(validate("variables.good == 1 || variables.bad == 1")), func(d *Definition) {
				d.Variables = []Named{{"good", "1"}, {"bad", "object.spec.nothing"}}
			}), nil,
		},
		"a condition that is true": {with(definition(validate("false")), func(d *Definition) { d.MatchConditions = []Named{{"a", "true"}} }), []checks.Finding{found}},
		"a condition that is false": {with(definition(validate("false")), func(d *Definition) {
			d.MatchConditions = []Named{{"a", "true"}, {"b", "object.spec.type != 'ClusterIP'"}}
		}), nil},
		"a condition fails and another one is not": {with(definition(validate("false")), func(d *Definition) { d.MatchConditions = []Named{{"a", "object.x == 1"}, {"b", "false"}} }), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := compileGood(t, tc.definition)
			if diff := cmp.Diff(tc.want, c.Run(input(service(1))), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (want -, got +):\n%s", diff)
			}
		})
	}
}

func TestWhatCannotBeJudgedIsFound(t *testing.T) {
	t.Parallel()
	expensive := "lists.range(300).all(x, lists.range(300).all(y, object.spec.ports.all(p, p.port + x + y >= 0)))"
	with := func(d *Definition, change func(d *Definition)) *Definition { change(d); return d }
	for name, tc := range map[string]struct {
		definition *Definition
		subject    string
		says       []string
	}{
		"a field that is absent": {definition(validate("object.spec.type == 'ClusterIP' && object.spec.externalName == ''")), "object/not-judged", []string{"validations[0].expression: 1:47: no such key: externalName"}},
		"a field of another type": {
			definition(Validation{Name: "size", Expression: "object.spec.type.size() + object.metadata.name > 3", Message: "m"}), "size/not-judged",
			[]string{"validations[0].expression", "no such overload"},
		},
		"an expression over its limit": {definition(validate(expensive)), "object/not-judged", []string{"validations[0].expression", "cost limit exceeded"}},
		"a variable that fails": {
			with(definition(validate("variables.a == 1")), func(d *Definition) { d.Variables = []Named{{"a", "object.spec.nothing"}} }), "object/not-judged",
			[]string{"validations[0].expression", "variables[0].expression: 1:12: no such key: nothing"},
		},
		"a variable over its limit": {
			with(definition(validate("variables.a")), func(d *Definition) { d.Variables = []Named{{"a", expensive}} }), "object/not-judged",
			[]string{"variables[0].expression", "cost limit exceeded"},
		},
		"a condition that fails": {
			with(definition(validate("true")), func(d *Definition) { d.MatchConditions = []Named{{"a", "true"}, {"b", "object.x == 1"}} }), "match/not-judged",
			[]string{"matchConditions[1].expression: 1:7: no such key: x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := compileGood(t, tc.definition)
			found := c.Run(input(service(100)))
			if len(found) != 1 || found[0].Subject != tc.subject || found[0].Certainty != checks.Violation {
				t.Fatalf("findings %+v", found)
			}
			for _, says := range tc.says {
				if !strings.Contains(found[0].Message, says) {
					t.Errorf("the message %q does not say %q", found[0].Message, says)
				}
			}
		})
	}
}

// TestTheBudgetIsCommon: each expression stays below its own limit, but together
// they do not stay below that of the policy.
func TestTheBudgetIsCommon(t *testing.T) {
	t.Parallel()
	const loop = "lists.range(200).all(x, lists.range(200).all(y, x + y >= 0))"
	c := compileGood(t, definition(validate(loop)))
	in := input(service(1))
	if found := c.Run(in); found != nil {
		t.Fatalf("alone: %+v", found)
	}
	cost := in.Spend(0)
	if cost < 100_000 || cost > celconfig.PerCallLimit {
		t.Fatalf("it costs %d", cost)
	}
	in.Spend(celconfig.RuntimeCELCostBudget - 2*cost)
	if found := c.Run(in); found != nil {
		t.Errorf("what just fits: %+v", found)
	}
	for range 2 { // the one that goes beyond, and the next one
		if found := c.Run(in); len(found) != 1 || found[0].Subject != "object/not-judged" || !strings.Contains(found[0].Message, "common cost budget of 10000000") {
			t.Errorf("what does not: %+v", found)
		}
	}
	if found := c.Run(input(service(1))); found != nil {
		t.Errorf("the next object: %+v", found)
	}

	// An input that shares nothing has the budget for itself.
	alone := input(service(1))
	d := definition(validate(loop))
	parts, _ := compile(d)
	e := newEvaluation(parts, checks.Input{Object: alone.Object, Inventory: alone.Inventory, Request: alone.Request})
	if f := e.validate(&parts.validations[0]); f != nil {
		t.Errorf("without sharing: %+v", f)
	}
	e.spend(celconfig.RuntimeCELCostBudget - 2*cost + 1)
	if f := e.validate(&parts.validations[0]); f == nil || !strings.Contains(f.Message, "common cost budget") {
		t.Errorf("without sharing, beyond the budget: %+v", f)
	}
}

// TestConditionsHaveABudgetOfTheirOwn, as in Kubernetes.
func TestConditionsHaveABudgetOfTheirOwn(t *testing.T) {
	t.Parallel()
	d := definition(validate("true"))
	d.MatchConditions = []Named{{"c", "lists.range(200).all(x, lists.range(200).all(y, x + y >= 0))"}}
	parts, faults := compile(d)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	e := newEvaluation(parts, input(service(1)))
	if judges, failed := e.matches(); !judges || failed != nil {
		t.Errorf("within the budget: %v, %+v", judges, failed)
	}
	e.conditions = celconfig.RuntimeCELCostBudgetMatchConditions - 1
	if judges, failed := e.matches(); judges || failed == nil || !strings.Contains(failed.Message, "match conditions cost more than 2500000") {
		t.Errorf("beyond the budget: %v, %+v", judges, failed)
	}
}

func BenchmarkMillion(b *testing.B) {
	c := compileGood(b, definition(validate("lists.range(300).all(x, lists.range(300).all(y, object.spec.ports.all(p, p.port + x + y >= 0)))")))
	in := input(service(100))
	for b.Loop() {
		in = in.Sharing()
		c.Run(in)
	}
}

func BenchmarkSimple(b *testing.B) {
	c := compileGood(b, definition(validate("has(object.metadata.labels) && 'team' in object.metadata.labels")))
	in := input(service(3))
	b.ReportAllocs()
	for b.Loop() {
		in = in.Sharing()
		c.Run(in)
	}
}

func BenchmarkCompile(b *testing.B) {
	d := definition(validate("variables.a in ['x', 'y']"))
	d.Variables = []Named{{"a", "object.metadata.?labels.?team.orValue('')"}}
	for b.Loop() {
		Compile(d)
	}
}

// TestWithoutAnAPIServer: a file says neither who applies it nor, mostly, what its
// namespace is.
func TestWithoutAnAPIServer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		expression string
		want       []checks.Certainty
	}{
		"the object":                   {"object.spec.type == 'ClusterIP'", nil},
		"what follows from the object": {"request.operation == 'CREATE' && request.kind.kind == 'Service' && request.resource.resource == 'services' && request.namespace == 'shop'", nil},
		"the user":                     {"request.userInfo.username != 'eve'", []checks.Certainty{checks.Undetermined}},
		"the namespace":                {"namespaceObject.metadata.name == 'shop'", []checks.Certainty{checks.Undetermined}},
		"a field that is absent":       {"object.spec.nothing == 1", []checks.Certainty{checks.Violation}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := service(1)
			var got []checks.Certainty
			for _, f := range compileGood(t, definition(validate(tc.expression))).Run(checks.Input{Object: o, Inventory: inventory.New(o)}) {
				got = append(got, f.Certainty)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("certainties (want -, got +):\n%s", diff)
			}
		})
	}
}

// TestAnUpdateWithoutItsOlderObject: null would say that there was none.
func TestAnUpdateWithoutItsOlderObject(t *testing.T) {
	t.Parallel()
	c := compileGood(t, definition(validate("oldObject == null || oldObject.spec.type == object.spec.type")))
	in := input(service(1))
	in.Request.Operation = checks.Update
	if found := c.Run(in); len(found) != 1 || !strings.Contains(found[0].Message, "older object could not be read") {
		t.Errorf("without: %+v", found)
	}
	in.Old = service(2)
	if found := c.Run(in); found != nil {
		t.Errorf("with: %+v", found)
	}
}

func TestEveryKindCanBeRead(t *testing.T) {
	t.Parallel()
	kinds := inventory.Kinds()
	if len(kinds) == 0 {
		t.Fatal("no kinds")
	}
	c := compileGood(t, definition(validate("object.metadata.name == 'x' && request.kind.kind != ''")))
	for _, k := range kinds {
		o := k.Object()
		o.SetName("x")
		if found := c.Run(checks.Input{Object: o, Inventory: inventory.New(o)}); found != nil {
			t.Errorf("%v: %+v", k.GroupKind, found)
		}
	}
}

func TestTheCheckIsComplete(t *testing.T) {
	t.Parallel()
	c := compileGood(t, definition(validate("true")))
	set, err := checks.NewSet(c)
	if err != nil {
		t.Fatal(err)
	}
	in := input(service(1))
	in.Request.Stored = true
	bad, err := checks.NewSet(compileGood(t, definition(validate("false"))))
	if err != nil {
		t.Fatal(err)
	}
	if found := bad.Evaluate(in); found != nil {
		t.Errorf("a stored object: %+v", found)
	}
	in.Request.Stored = false
	if found := bad.Evaluate(in); len(found) != 1 || found[0].Check != "CUSTOM-001" || found[0].Severity != checks.High || found[0].Fix != "make it ours" {
		t.Errorf("a written object: %+v", found)
	}
	if found := set.Evaluate(in); found != nil {
		t.Errorf("a harmless check: %+v", found)
	}
	if diff := cmp.Diff(checks.Actions{}, c.Actions); diff != "" || !c.Custom {
		t.Errorf("actions %+v, custom %v", c.Actions, c.Custom)
	}
}

func TestDefaultActionsAreNeverMilderForTheWorse(t *testing.T) {
	t.Parallel()
	before := checks.Actions{Baseline: checks.Ignore, Strict: checks.Ignore}
	for s := checks.Info; s <= checks.Critical; s++ {
		a := defaultActions(s)
		if a.Baseline > before.Baseline || a.Strict > before.Strict || a.Strict > a.Baseline {
			t.Errorf("%s: %+v after %+v", s, a, before)
		}
		before = a
	}
}

// TestACheckRunsInManyGoroutines is for the race detector: the webhook judges
// requests at the same time with one check.
func TestACheckRunsInManyGoroutines(t *testing.T) {
	t.Parallel()
	d := definition(validate("variables.a == 'blue' && object.spec.ports.all(p, p.port > 0) && namespaceObject.metadata.labels.tier == 'gold' && request.userInfo.username == 'ann'"))
	d.Variables = []Named{{"a", "object.metadata.labels.team"}}
	c := compileGood(t, d)
	shared := service(3)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if found := c.Run(input(shared)); found != nil {
					t.Errorf("found %+v", found)
					return
				}
			}
		})
	}
	group.Wait()
}
