// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"context"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apiserver/pkg/cel/common"
	"k8s.io/apiserver/pkg/cel/lazy"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// evaluation is one object judged by one check. It is the activation of every
// expression: what their variables stand for. One goroutine may use it.
type evaluation struct {
	check *compiled
	in    checks.Input

	object, old, request, namespace ref.Val
	variables                       *lazy.MapValue

	spent        int64 // by all custom checks over this object
	conditions   int64 // by the match conditions of this check
	inConditions bool

	meter *meter
	ctx   context.Context //nolint:containedctx // an evaluation is one call of run, which ends it
}

var _ cel.Activation = (*evaluation)(nil)

func newEvaluation(c *compiled, in checks.Input) *evaluation {
	e := &evaluation{check: c, in: in, spent: in.Spend(0), ctx: in.Context(), meter: &meter{left: maxAll, ended: in.Ended}}
	e.object, e.old = valueOf(in.Object), valueOf(in.Old)
	e.request, e.namespace = common.SchemalessTypedToVal(requestOf(in)), namespaceOf(in)
	e.variables = lazy.NewMapValue(types.NewObjectType("kubernetes.variables"))
	for i := range c.variables {
		v := &c.variables[i]
		e.variables.Append(v.name, func(*lazy.MapValue) ref.Val { return e.variable(v) })
	}
	return e
}

// ResolveName implements cel.Activation.
func (e *evaluation) ResolveName(name string) (any, bool) {
	switch name {
	case objectName:
		return e.object, true
	case oldObjectName:
		return e.old, true
	case requestName:
		return e.request, true
	case namespaceName:
		return e.namespace, true
	case variablesName:
		return e.variables, true
	case meterName:
		return e.meter, true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (e *evaluation) Parent() cel.Activation { return nil }

// variable evaluates a variable; the map keeps what it says.
func (e *evaluation) variable(v *variable) ref.Val {
	value, err := e.eval(&v.expression)
	if err != nil {
		return types.NewErr("%s: %s%v", v.at, v.position(err), err)
	}
	return value
}

// valueOf is an object as an expression sees it: as its JSON. Objects are read
// where they are, not copied.
func valueOf(o inventory.Object) ref.Val {
	switch o := o.(type) {
	case nil:
		return types.NullValue
	case *unstructured.Unstructured:
		return types.DefaultTypeAdapter.NativeToValue(o.Object)
	}
	return common.SchemalessTypedToVal(o)
}

// namespaceOf is namespaceObject: null for an object without namespace, and for one
// whose namespace is not known.
func namespaceOf(in checks.Input) ref.Val {
	if in.Inventory == nil || in.Object.GetNamespace() == "" {
		return types.NullValue
	}
	ns := in.Inventory.Namespace(in.Object.GetNamespace())
	if ns == nil {
		return types.NullValue
	}
	return common.SchemalessTypedToVal(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns.Name, Labels: ns.Labels, Annotations: ns.Annotations}})
}

// requestOf is request: what an API server said, or what follows from the object
// where none asked.
func requestOf(in checks.Input) *admissionv1.AdmissionRequest {
	if in.Request.Admission != nil {
		return in.Request.Admission
	}
	operation := admissionv1.Create
	if in.Request.Operation == checks.Update {
		operation = admissionv1.Update
	}
	gvk, resource := in.Object.GetObjectKind().GroupVersionKind(), metav1.GroupVersionResource{}
	if k, known := inventory.KindOf(inventory.GroupKindOf(in.Object)); known {
		if gvk.Version == "" || gvk.GroupKind() != k.GroupKind {
			gvk = k.GVK()
		}
		resource = metav1.GroupVersionResource{Group: k.Group, Version: gvk.Version, Resource: k.Resource}
	}
	kind := metav1.GroupVersionKind(gvk)
	return &admissionv1.AdmissionRequest{
		Kind: kind, RequestKind: &kind, Resource: resource, RequestResource: &resource,
		SubResource: in.Request.Subresource, RequestSubResource: in.Request.Subresource,
		Name: in.Object.GetName(), Namespace: in.Object.GetNamespace(), Operation: operation,
		UserInfo: authenticationv1.UserInfo{Username: in.Request.User, Groups: in.Request.Groups}, DryRun: new(false),
	}
}
