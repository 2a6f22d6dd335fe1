// SPDX-License-Identifier: Apache-2.0

package custom

import (
	apiservercel "k8s.io/apiserver/pkg/cel"
)

// fieldOf declares a field of an object.
func fieldOf(name string, t *apiservercel.DeclType, presence presence) *apiservercel.DeclField {
	return apiservercel.NewDeclField(name, t, presence == required, nil, nil)
}

type presence uint8

const (
	required presence = iota
	optional
)

func objectOf(name string, fields ...*apiservercel.DeclField) *apiservercel.DeclType {
	byName := make(map[string]*apiservercel.DeclField, len(fields))
	for _, f := range fields {
		byName[f.Name] = f
	}
	return apiservercel.NewObjectType(name, byName)
}

// requestType declares request as Kubernetes does: an AdmissionRequest without the
// objects and the uid.
// https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/admission/plugin/cel/compile.go (BuildRequestType)
func requestType() *apiservercel.DeclType {
	text, texts := apiservercel.StringType, apiservercel.NewListType(apiservercel.StringType, -1)
	kind := objectOf("kubernetes.GroupVersionKind", fieldOf("group", text, required), fieldOf("version", text, required), fieldOf("kind", text, required))
	resource := objectOf("kubernetes.GroupVersionResource", fieldOf("group", text, required), fieldOf("version", text, required), fieldOf("resource", text, required))
	user := objectOf("kubernetes.UserInfo",
		fieldOf("username", text, optional),
		fieldOf("uid", text, optional),
		fieldOf("groups", texts, optional),
		fieldOf("extra", apiservercel.NewMapType(text, texts, -1), optional),
	)
	return objectOf("kubernetes.AdmissionRequest",
		fieldOf("kind", kind, required),
		fieldOf("resource", resource, required),
		fieldOf("subResource", text, optional),
		fieldOf("requestKind", kind, required),
		fieldOf("requestResource", resource, required),
		fieldOf("requestSubResource", text, optional),
		fieldOf("name", text, required),
		fieldOf("namespace", text, optional),
		fieldOf("operation", text, required),
		fieldOf("userInfo", user, required),
		fieldOf("dryRun", apiservercel.BoolType, optional),
		fieldOf("options", apiservercel.DynType, optional),
	)
}

// namespaceType declares of a namespace what an inventory keeps: name, labels and
// annotations. Kubernetes declares its spec and status as well. Here an expression
// that reads them is refused when it is compiled, rather than wrong when it runs.
func namespaceType() *apiservercel.DeclType {
	text := apiservercel.StringType
	words := apiservercel.NewMapType(text, text, -1)
	return objectOf("kubernetes.Namespace", fieldOf("metadata", objectOf("kubernetes.NamespaceMetadata",
		fieldOf("name", text, required), fieldOf("labels", words, required), fieldOf("annotations", words, required),
	), required))
}
