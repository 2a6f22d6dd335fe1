// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"os"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// apiServer judges a CheckPolicy as an API server with our CRD does.
type apiServer struct {
	structural *schema.Structural
	openAPI    validation.SchemaValidator
	cel        *cel.Validator
}

func newAPIServer(t *testing.T) apiServer {
	t.Helper()
	data, err := os.ReadFile("../../manifests/crd/gatehouse.sh_checkpolicies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(data, &crd); err != nil {
		t.Fatal(err)
	}
	var internal apiextensions.CustomResourceValidation
	if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(crd.Spec.Versions[0].Schema, &internal, nil); err != nil {
		t.Fatal(err)
	}
	structural, err := schema.NewStructural(internal.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	openAPI, _, err := validation.NewSchemaValidator(internal.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	return apiServer{structural, openAPI, cel.NewValidator(structural, true, celconfig.PerCallLimit)}
}

// admit returns the object as it would be stored, and why it would not be.
func (s apiServer) admit(t *testing.T, object map[string]any) (map[string]any, field.ErrorList) {
	t.Helper()
	object = runtime.DeepCopyJSON(object)
	if unknown := pruning.PruneWithOptions(object, s.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}); len(unknown) > 0 {
		return nil, field.ErrorList{field.Invalid(field.NewPath(""), unknown, "unknown fields")}
	}
	defaulting.Default(object, s.structural)
	errs := validation.ValidateCustomResource(nil, object, s.openAPI)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, object)...)
	if len(errs) > 0 {
		return nil, errs
	}
	errs, _ = s.cel.Validate(t.Context(), nil, s.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return object, errs
}

func checkPolicy(t *testing.T, name, spec string) map[string]any {
	t.Helper()
	doc, err := onlyDocument([]byte(spec))
	if err != nil {
		t.Fatal(err)
	}
	var content map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(doc, &content); err != nil {
		t.Fatal(err)
	}
	return map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": v1alpha1.CheckPolicyKind,
		"metadata": map[string]any{"name": name}, "spec": content,
	}
}

func TestTheSchemaRefusesWhatCompileRefuses(t *testing.T) {
	t.Parallel()
	server, cases := newAPIServer(t), specCases()
	maps.Copy(cases, customCases())
	both := 0
	for name, tc := range cases {
		if !tc.onlyCompile {
			both++
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, errs := server.admit(t, checkPolicy(t, v1alpha1.CheckPolicyName, tc.refused))
			if refused := len(errs) > 0; refused == tc.onlyCompile {
				t.Errorf("refused = %v (%v), want %v", refused, errs.ToAggregate(), !tc.onlyCompile)
			}
			if _, errs := server.admit(t, checkPolicy(t, v1alpha1.CheckPolicyName, tc.accepted)); len(errs) > 0 {
				t.Errorf("the nearest good spec is refused: %v", errs.ToAggregate())
			}
		})
	}
	if both < len(cases)/2 {
		t.Errorf("only %d of %d cases are for both", both, len(cases))
	}
}

func TestThereIsOneCheckPolicy(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	for name, accepted := range map[string]bool{v1alpha1.CheckPolicyName: true, "second": false, "Default": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, errs := server.admit(t, checkPolicy(t, name, "{}"))
			if (len(errs) == 0) != accepted {
				t.Errorf("the API server accepts = %v, want %v: %v", !accepted, accepted, errs.ToAggregate())
			}
			for _, err := range errs {
				if err.Field != "metadata" || err.Type != field.ErrorTypeForbidden {
					t.Errorf("the message points at %q: %v", err.Field, err)
				}
			}
			obj := &v1alpha1.CheckPolicy{}
			obj.Name = name
			if _, err := CompileObject(testSet(t), obj); (err == nil) != accepted {
				t.Errorf("CompileObject: %v", err)
			}
		})
	}
}

func TestTheDefaultsOfTheSchemaAreThoseOfCompile(t *testing.T) {
	t.Parallel()
	set := testSet(t)
	stored, errs := newAPIServer(t).admit(t, checkPolicy(t, v1alpha1.CheckPolicyName,
		"{undetermined: {}, parameters: {gateway: {}, loadBalancers: {}, sensitivePorts: {}, mutation: {}}}"))
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	data, err := yaml.Marshal(stored)
	if err != nil {
		t.Fatal(err)
	}
	obj, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if obj.Spec.ClusterMode == "" || obj.Spec.Parameters.ClusterDomain == "" || len(obj.Spec.Parameters.Gateway.Namespaces) == 0 || obj.Spec.Undetermined.Strict == "" {
		t.Fatalf("nothing was defaulted:\n%s", data)
	}
	got, err := CompileObject(set, obj)
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffPolicies(Default(set), got); diff != "" {
		t.Errorf("policy (want -, got +):\n%s", diff)
	}
}
