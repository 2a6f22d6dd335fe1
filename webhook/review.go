// SPDX-License-Identifier: Apache-2.0

// Package webhook answers AdmissionReviews: it decodes a review, asks the
// engine, and writes the verdict in the words a person reads on kubectl apply.
//
// It makes no API call while it answers. The server, the certificates and the
// registration around it are in the sub-packages; cmd/gatehouse-webhook wires
// them together.
package webhook

import (
	"encoding/json"
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// MaxReview bounds the body of a request: 7 MiB is two objects of at most
// 3 MiB, the API server's own request limit, and 1 MiB of envelope.
// https://github.com/kubernetes/apiserver/blob/v0.36.3/pkg/server/config.go (MaxRequestBodyBytes)
const MaxReview = 7 << 20

// Review is the part of an admission.k8s.io/v1 AdmissionRequest that is read.
type Review struct {
	UID         string
	Kind        schema.GroupVersionKind
	Resource    schema.GroupResource
	Subresource string
	Namespace   string
	Name        string
	Operation   string // CREATE, UPDATE, DELETE; others are answered without judging
	User        string
	Groups      []string
	DryRun      bool
	Object      []byte // JSON, nil when the request carries none, or it is decoded already
	OldObject   []byte

	// current and old are the objects when they were decoded with the envelope.
	current, old inventory.Object

	size  int  // of the body, in bytes
	binds bool // it was a Binding

	// rest is what only custom checks read, and admission what is made of it where one
	// judges the object.
	rest      rest
	admission *admissionv1.AdmissionRequest
}

type wireGVK struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

// wireReview is a review whose objects are taken as a T.
type wireReview[T any] struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Request    *wireRequest[T] `json:"request"`
}

type wireRequest[T any] struct {
	UID      string  `json:"uid"`
	Kind     wireGVK `json:"kind"`
	Resource struct {
		Group    string `json:"group"`
		Version  string `json:"version"`
		Resource string `json:"resource"`
	} `json:"resource"`
	SubResource string `json:"subResource"`
	Name        string `json:"name"`
	Namespace   string `json:"namespace"`
	Operation   string `json:"operation"`
	UserInfo    struct {
		Username string          `json:"username"`
		UID      string          `json:"uid"`
		Groups   []string        `json:"groups"`
		Extra    json.RawMessage `json:"extra"`
	} `json:"userInfo"`
	Object    T    `json:"object"`
	OldObject T    `json:"oldObject"`
	DryRun    bool `json:"dryRun"`

	RequestKind        json.RawMessage `json:"requestKind"`
	RequestResource    json.RawMessage `json:"requestResource"`
	RequestSubResource string          `json:"requestSubResource"`
	Options            json.RawMessage `json:"options"`
}

// DecodeReview reads the body of a request. The returned review may be used
// for the UID even when the error is not nil: a refusal needs it.
func DecodeReview(body []byte) (Review, error) {
	if r, done := decodeOnce(body); done {
		r.size = len(body)
		return r, nil
	}
	var w wireReview[json.RawMessage]
	if err := kjson.UnmarshalCaseSensitivePreserveInts(body, &w); err != nil {
		return Review{}, fmt.Errorf("decode AdmissionReview: %w", err)
	}
	r, err := w.review()
	r.size = len(body)
	if w.Request != nil {
		r.Object, r.OldObject = present(w.Request.Object), present(w.Request.OldObject)
	}
	return r, err
}

// review is what the envelope says; the caller adds the objects.
func (w *wireReview[T]) review() (Review, error) {
	if w.Kind != "AdmissionReview" || w.APIVersion != "admission.k8s.io/v1" {
		return Review{}, fmt.Errorf("decode AdmissionReview: is a %q of %q, not an AdmissionReview of admission.k8s.io/v1", w.Kind, w.APIVersion)
	}
	if w.Request == nil {
		return Review{}, errors.New("decode AdmissionReview: has no request")
	}
	r := w.Request
	out := Review{
		UID:         r.UID,
		Kind:        schema.GroupVersionKind{Group: r.Kind.Group, Version: r.Kind.Version, Kind: r.Kind.Kind},
		Resource:    schema.GroupResource{Group: r.Resource.Group, Resource: r.Resource.Resource},
		Subresource: r.SubResource,
		Namespace:   r.Namespace, Name: r.Name, Operation: r.Operation,
		User: r.UserInfo.Username, Groups: r.UserInfo.Groups, DryRun: r.DryRun,
		rest: rest{
			ResourceVersion: r.Resource.Version, UID: r.UserInfo.UID, Extra: r.UserInfo.Extra,
			Kind: r.RequestKind, Resource: r.RequestResource, Subresource: r.RequestSubResource, Options: r.Options,
		},
	}
	if out.UID == "" {
		return out, errors.New("decode AdmissionReview: request.uid is empty")
	}
	if out.Kind.Kind == "" {
		return out, errors.New("decode AdmissionReview: request.kind is empty")
	}
	return out, nil
}

// present turns a JSON null into nil.
func present(raw json.RawMessage) []byte {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	return raw
}

// objects decodes what the review carries. The kind of the object is the one of
// the request: for a subresource such as pods/ephemeralcontainers the object is
// the whole Pod.
func (r Review) objects() (current, old inventory.Object, err error) {
	if r.current != nil {
		return r.current, r.old, nil
	}
	if r.Object == nil {
		return nil, nil, errors.New("the request carries no object")
	}
	if current, err = inventory.Decode(r.Kind, r.Object); err != nil {
		return nil, nil, err
	}
	complete(current, r)
	if r.OldObject == nil {
		return current, nil, nil
	}
	if old, err = inventory.Decode(r.Kind, r.OldObject); err != nil {
		return nil, nil, fmt.Errorf("old object: %w", err)
	}
	complete(old, r)
	return current, old, nil
}

// deleted is a review of a deletion, whose object is the one that goes.
// https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request
func (r Review) deleted() Review {
	r.Object, r.OldObject = r.OldObject, nil
	r.current, r.old = r.old, nil
	return r
}

// complete fills in the identity that an object under creation may lack: a
// name that the API server will generate, and the namespace of the request.
func complete(o inventory.Object, r Review) {
	if o.GetNamespace() == "" && r.Kind.GroupKind() != inventory.NamespaceKind { // which is not in itself
		o.SetNamespace(r.Namespace)
	}
	switch {
	case o.GetName() != "":
	case r.Name != "":
		o.SetName(r.Name)
	case o.GetGenerateName() != "":
		o.SetName(o.GetGenerateName() + "*")
	}
}

func (r Review) request() checks.Request {
	op := checks.Create
	switch r.Operation {
	case "UPDATE":
		op = checks.Update
	case "DELETE":
		op = checks.Delete
	}
	return checks.Request{Operation: op, Subresource: r.Subresource, User: r.User, Groups: r.Groups, Admission: r.admission, Stored: r.binds}
}
