// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"testing"

	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	plugin "k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// accessor is an expression as the admission plugin of Kubernetes takes it.
type accessor struct {
	name, text string
	types      []*celgo.Type
}

func (a accessor) GetName() string            { return a.name }
func (a accessor) GetExpression() string      { return a.text }
func (a accessor) ReturnTypes() []*celgo.Type { return a.types }

// outcome is what an expression comes to.
type outcome string

const (
	refused outcome = "refused when it is compiled"
	failed  outcome = "fails"
	isTrue  outcome = "true"
	isFalse outcome = "false"
)

// theirs is the compiler of the admission plugin of Kubernetes, which knows the
// variables. To make one takes a tenth of a second.
func theirs(t *testing.T, variables []Named) *plugin.CompositedCompiler {
	t.Helper()
	compiler, err := plugin.NewCompositedCompiler(environment.MustBaseEnvSet(release))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range variables {
		r := compiler.CompileAndStoreVariable(accessor{v.Name, v.Expression, []*celgo.Type{celgo.AnyType, celgo.DynType}}, plugin.OptionalVariableDeclarations{}, environment.StoredExpressions)
		if r.Error != nil {
			t.Fatal(r.Error)
		}
	}
	return compiler
}

// kubernetes asks the admission plugin of Kubernetes.
func kubernetes(t *testing.T, compiler *plugin.CompositedCompiler, d *Definition, in checks.Input) outcome {
	t.Helper()
	var none plugin.OptionalVariableDeclarations
	condition := compiler.CompileCondition([]plugin.ExpressionAccessor{accessor{"", d.Validations[0].Expression, []*celgo.Type{celgo.BoolType}}}, none, environment.StoredExpressions)
	if len(condition.CompilationErrors()) > 0 {
		return refused
	}
	var object, old runtime.Object = in.Object, in.Old
	r := in.Request.Admission
	attributes := &admission.VersionedAttributes{
		Attributes: admission.NewAttributesRecord(object, old, schema.GroupVersionKind(r.Kind), r.Namespace, r.Name, schema.GroupVersionResource(r.Resource), "", admission.Create, nil, false, nil),
	}
	attributes.VersionedObject.Set(object)
	if in.Old != nil {
		attributes.VersionedOldObject.Set(old)
	}
	results, _, err := condition.ForInput(t.Context(), attributes, r, plugin.OptionalVariableBindings{}, in.Inventory.Namespace("shop"), celconfig.RuntimeCELCostBudget)
	switch {
	case err != nil || results[0].Error != nil:
		return failed
	case results[0].EvalResult == types.True:
		return isTrue
	}
	return isFalse
}

// gatehouse asks this package.
func gatehouse(d *Definition, in checks.Input) outcome {
	c, faults := Compile(d)
	if len(faults) > 0 {
		return refused
	}
	switch found := c.Run(in); {
	case len(found) == 0:
		return isTrue
	case found[0].Subject == d.Validations[0].Name:
		return isFalse
	}
	return failed
}

// TestKubernetesSaysTheSame holds expressions against Kubernetes' own evaluation of
// a ValidatingAdmissionPolicy: over a typed object, an object of a kind without a
// type, and an update.
func TestKubernetesSaysTheSame(t *testing.T) {
	t.Parallel()
	route := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": map[string]any{"name": "web", "namespace": "shop", "labels": map[string]any{"team": "blue"}},
		"spec": map[string]any{"host": "a.example", "type": "x", "weight": int64(3), "ratio": 0.5, "ports": []any{map[string]any{"port": int64(1000)}}},
	}}
	update := input(service(2))
	update.Old = service(1)
	update.Request.Operation = checks.Update
	update.Request.Admission.Operation = admissionv1.Update
	inputs := map[string]checks.Input{"a Service": input(service(2)), "a Route": input(route), "an update": update, "many ports": input(service(300))}
	long := make([]string, 0, 64)
	for _, e := range []string{
		"object.spec.type == 'ClusterIP'", "has(object.spec.externalName)", "object.spec.externalName == ''", "object.spec.?externalName.orValue('x') == 'x'",
		"object.metadata.labels.team == 'blue'", "'team' in object.metadata.labels", "object.metadata.annotations.size() == 0", "has(object.metadata.creationTimestamp)",
		"has(object.status)", "object.status == {}", "object.spec.ports[0].targetPort == 0", "object.spec.ports.all(p, p.port >= 1000)", "object.spec.ports.exists_one(p, p.port == 1001)",
		"object.spec.ports[5].port == 1", "object.spec.ports.map(p, p.port).sum() > 1", "object.spec.weight == 3", "object.spec.ratio < 1", "object.spec == oldObject.spec",
		"oldObject == null", "oldObject.spec.ports.size() < object.spec.ports.size()", "request.operation == 'UPDATE'", "request.userInfo.username == 'ann'", "request.userInfo.uid == ''",
		"has(request.userInfo.uid)", "request.userInfo.extra.size() == 0", "request.dryRun", "request.subResource == ''", "request.options == null", "request.kind.version == 'v1'", "request.requestKind.kind == 'Service'",
		"namespaceObject.metadata.labels.tier == 'gold'", "namespaceObject.metadata.name == 'shop'", "has(namespaceObject.metadata.annotations)", "namespaceObject.metadata.annotations.x == ''",
		"variables.first == 1", "variables.second == 'x'", "variables.second > 1", "variables.third == 1", "variables.bad == 1 || true", "variables.bad == 1",
		"object.spec.selector.app.matches('^w.b$')", "quantity('1Gi').isGreaterThan(quantity('1Mi'))", "ip('10.0.0.1').family() == 4", "cidr('10.0.0.0/8').containsIP('10.0.0.1')", "url('https://a/b').getHost() == 'a'",
		"isSemver('1.2.3')", "format.dns1123Label().validate('A').hasValue()", "sets.contains([1, 2], [1])", "object.kind in ['Service', 'Route']", "[1, 2, 3].sortBy(x, -x)[0] == 3",
		"1 / (object.spec.ports.size() - 2) > 0", "timestamp('2026-01-01T00:00:00Z') < timestamp('2027-01-01T00:00:00Z')", "'a' == 1", "dyn('a') == 1", "params == null", "authorizer == null", "1", "object.spec.type", "foo", "object.", "request.object == null",
	} {
		long = append(long, e, "!("+e+")", "("+e+") || object.spec.nothing == 1")
	}
	long = append(long, "object.spec.ports.all(a, object.spec.ports.all(b, object.spec.ports.all(c, a.port + b.port + c.port > 0)))")
	variables := []Named{{"first", "1"}, {"second", "variables.first == 1 ? 'x' : 'y'"}, {"bad", "object.spec.nothing"}}
	compiler, seen := theirs(t, variables), map[outcome]int{}
	for name, in := range inputs {
		for _, e := range long {
			d := definition(validate(e))
			d.Variables = variables
			in := in.Sharing()
			want, got := kubernetes(t, compiler, d, in), gatehouse(d, in)
			if want != got {
				t.Errorf("%s: %s: %s, and in Kubernetes: %s", name, e, got, want)
			}
			seen[want]++
		}
	}
	for _, o := range []outcome{refused, failed, isTrue, isFalse} {
		if seen[o] < 20 {
			t.Errorf("only %d expressions are %q: this compares too little", seen[o], o)
		}
	}
}

// TestTheRequestIsDeclaredAsInKubernetes: request has the fields and types that an
// expression finds in a ValidatingAdmissionPolicy.
func TestTheRequestIsDeclaredAsInKubernetes(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(flat("request", plugin.BuildRequestType().Fields), flat("request", requestType().Fields)); diff != "" {
		t.Errorf("request (want -, got +):\n%s", diff)
	}
	known := flat("namespaceObject", plugin.BuildNamespaceType().Fields)
	ours := flat("namespaceObject", namespaceType().Fields)
	if len(ours) == 0 {
		t.Fatal("namespaceObject has no fields")
	}
	for name, of := range ours {
		if name != "namespaceObject.metadata" && known[name] != of {
			t.Errorf("%s is %q, and %q in Kubernetes", name, of, known[name])
		}
	}
}

// TestWhatAFileSays: where no API server asks, the request says of the object what
// one would say.
func TestWhatAFileSays(t *testing.T) {
	t.Parallel()
	in := input(service(1))
	want := in.Request.Admission.DeepCopy()
	want.UserInfo = authenticationv1.UserInfo{Username: "ann"}
	in.Request.Admission = nil
	if diff := cmp.Diff(want, requestOf(in)); diff != "" {
		t.Errorf("request (want -, got +):\n%s", diff)
	}
	typeless := service(1)
	typeless.TypeMeta = metav1.TypeMeta{}
	in.Object = typeless
	if diff := cmp.Diff(want, requestOf(in)); diff != "" {
		t.Errorf("request of an object without kind (want -, got +):\n%s", diff)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	if got := requestOf(checks.Input{Object: pod, Inventory: inventory.New()}).Resource.Resource; got != "pods" {
		t.Errorf("the resource of a Pod is %q", got)
	}
}
