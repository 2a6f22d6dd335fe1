// SPDX-License-Identifier: Apache-2.0

// Package schema judges custom resources as an API server does that has their
// definition: by its schema and its rules in CEL, with the API server's own code. It asks
// no cluster. Commands that read files call it, before which nobody else has judged them.
package schema

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// Schema is what the only version of a definition says of its objects. Safe for concurrent
// use.
type Schema struct {
	structural *structuralschema.Structural
	openAPI    validation.SchemaValidator
	rules      *cel.Validator
}

// Read reads a CustomResourceDefinition that has one version.
func Read(text []byte) (*Schema, error) {
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &crd); err != nil {
		return nil, fmt.Errorf("read the definition: %w", err)
	}
	if len(crd.Spec.Versions) != 1 || crd.Spec.Versions[0].Schema == nil {
		return nil, errors.New("read the definition: it has not one version with a schema")
	}
	var internal apiextensions.CustomResourceValidation
	if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(crd.Spec.Versions[0].Schema, &internal, nil); err != nil {
		return nil, fmt.Errorf("convert the definition: %w", err)
	}
	structural, err := structuralschema.NewStructural(internal.OpenAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	openAPI, _, err := validation.NewSchemaValidator(internal.OpenAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	return &Schema{structural, openAPI, cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}

// Admit returns an object with its defaults, or why the API server would refuse it, with
// strict validation of fields. The argument is not changed. Of the metadata only what the
// definition says of it is judged.
func (s *Schema) Admit(ctx context.Context, object map[string]any) (map[string]any, field.ErrorList) {
	object = runtime.DeepCopyJSON(object)
	unread := pruning.PruneWithOptions(object, s.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	faults := make(field.ErrorList, 0, len(unread))
	for _, unknown := range unread {
		faults = append(faults, &field.Error{Type: field.ErrorTypeInvalid, Field: unknown, BadValue: field.OmitValueType{}, Detail: "there is no such field"})
	}
	defaulting.Default(object, s.structural)
	defaulting.PruneNonNullableNullsWithoutDefaults(object, s.structural)
	faults = append(faults, validation.ValidateCustomResource(nil, object, s.openAPI)...)
	faults = append(faults, listtype.ValidateListSetsAndMaps(nil, s.structural, object)...)
	if len(faults) == 0 {
		faults, _ = s.rules.Validate(ctx, nil, s.structural, object, nil, celconfig.RuntimeCELCostBudget)
	}
	return object, faults
}
