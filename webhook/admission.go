// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"encoding/json"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kjson "sigs.k8s.io/json"
)

// rest is what a review says that only custom checks read: what the request was
// before the API server converted it, more about the user, and the options. What
// has a structure is left as JSON, for most reviews are judged without it.
type rest struct {
	ResourceVersion, UID, Subresource string
	Kind, Resource, Extra, Options    json.RawMessage
}

// described returns the review with what the API server says of the request, as an
// expression of a ValidatingAdmissionPolicy sees it: the objects and the uid are
// not in it.
// https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/admission/plugin/cel/condition.go (CreateAdmissionRequest)
func (r Review) described() (Review, error) {
	out := &admissionv1.AdmissionRequest{
		Kind:        metav1.GroupVersionKind(r.Kind),
		Resource:    metav1.GroupVersionResource{Group: r.Resource.Group, Version: r.rest.ResourceVersion, Resource: r.Resource.Resource},
		SubResource: r.Subresource, RequestSubResource: r.rest.Subresource,
		Name: r.Name, Namespace: r.Namespace, Operation: admissionv1.Operation(r.Operation), DryRun: &r.DryRun,
		UserInfo: authenticationv1.UserInfo{Username: r.User, UID: r.rest.UID, Groups: r.Groups},
		Options:  runtime.RawExtension{Raw: present(r.rest.Options)},
	}
	for _, part := range []struct {
		name string
		raw  json.RawMessage
		into any
	}{
		{"requestKind", r.rest.Kind, &out.RequestKind},
		{"requestResource", r.rest.Resource, &out.RequestResource},
		{"userInfo.extra", r.rest.Extra, &out.UserInfo.Extra},
	} {
		if part.raw == nil {
			continue
		}
		if err := kjson.UnmarshalCaseSensitivePreserveInts(part.raw, part.into); err != nil {
			return r, fmt.Errorf("decode request.%s: %w", part.name, err)
		}
	}
	r.admission = out
	return r, nil
}
