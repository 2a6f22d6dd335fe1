// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"fmt"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types/traits"
	"k8s.io/apimachinery/pkg/util/version"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// The variables of an expression, as in
// https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/admission/plugin/cel/compile.go
const (
	objectName    = "object"
	oldObjectName = "oldObject"
	requestName   = "request"
	namespaceName = "namespaceObject"
	variablesName = "variables"
)

// release is the Kubernetes release whose libraries an expression may use. It is
// that of k8s.io/apiserver.
var release = version.MajorMinor(1, 37)

// declared is the environment of every expression, without variables.*. It is made
// once, when the first custom check is compiled: that takes milliseconds.
var declared = sync.OnceValues(func() (*environment.EnvSet, error) {
	request, namespace := requestType(), namespaceType()
	return environment.MustBaseEnvSet(release).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0), // always
		EnvOptions: []cel.EnvOption{
			cel.Variable(objectName, cel.DynType),
			cel.Variable(oldObjectName, cel.DynType),
			cel.Variable(namespaceName, namespace.CelType()),
			cel.Variable(requestName, request.CelType()),
		},
		DeclTypes: []*apiservercel.DeclType{namespace, request},
	}, environment.StrictCostOpt)
})

// interruptEvery is after how many rounds of loops an expression looks at the clock.
const interruptEvery = 100

// guards are the options of every program: they keep one call, and all of them
// together, within memory and time.
var guards = sync.OnceValues(func() ([]cel.ProgramOption, error) {
	set, err := declared()
	if err != nil {
		return nil, err
	}
	g, err := guard(set.StoredExpressionsEnv())
	if err != nil {
		return nil, err
	}
	return []cel.ProgramOption{g, cel.InterruptCheckFrequency(interruptEvery)}, nil
})

// scope is the environment of the expressions of one check. A variable is known to
// what is compiled after it was added.
type scope struct {
	env       *cel.Env
	variables *apiservercel.DeclType
}

// newScope returns the environment of a check. Extending it is most of what
// compiling a check costs, so a check without variables does without.
func newScope(withVariables bool) (*scope, error) {
	set, err := declared()
	if err != nil {
		return nil, fmt.Errorf("set up CEL: %w", err)
	}
	if !withVariables {
		return &scope{env: set.StoredExpressionsEnv()}, nil
	}
	variables := apiservercel.NewObjectType("kubernetes.variables", map[string]*apiservercel.DeclField{})
	set, err = set.Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0), // always
		EnvOptions:        []cel.EnvOption{cel.Variable(variablesName, variables.CelType())},
		DeclTypes:         []*apiservercel.DeclType{variables},
	})
	if err != nil {
		return nil, fmt.Errorf("set up CEL: %w", err)
	}
	return &scope{set.StoredExpressionsEnv(), variables}, nil
}

// add makes a variable known.
func (s *scope) add(name string, t *cel.Type) {
	s.variables.Fields[name] = apiservercel.NewDeclField(name, declarationOf(t), true, nil, nil)
}

// simple are the types of CEL that Kubernetes declares under the same name.
var simple = map[*cel.Type]*apiservercel.DeclType{
	cel.BoolType: apiservercel.BoolType, cel.BytesType: apiservercel.BytesType, cel.DoubleType: apiservercel.DoubleType,
	cel.DurationType: apiservercel.DurationType, cel.IntType: apiservercel.IntType, cel.NullType: apiservercel.NullType,
	cel.StringType: apiservercel.StringType, cel.TimestampType: apiservercel.TimestampType, cel.UintType: apiservercel.UintType,
}

// declarationOf is the declaration of a variable whose expression has a type; what
// has none is dynamic, as in
// https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/admission/plugin/cel/composition.go
func declarationOf(t *cel.Type) *apiservercel.DeclType {
	if d, known := simple[t]; known {
		return d
	}
	if t == nil || !t.HasTrait(traits.ContainerType) || !t.HasTrait(traits.IndexerType) {
		return apiservercel.DynType
	}
	switch of := t.Parameters(); len(of) {
	case 1:
		return apiservercel.NewListType(declarationOf(of[0]), -1)
	case 2:
		return apiservercel.NewMapType(declarationOf(of[0]), declarationOf(of[1]), -1)
	}
	return apiservercel.DynType
}
