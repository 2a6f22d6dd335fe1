// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"encoding/json"
	"net/http"
)

// Answer is what the API server is told. The zero value refuses.
type Answer struct {
	Allowed     bool
	Code        int32  // HTTP status of a refusal; 0 means 403
	Message     string // of a refusal
	Warnings    []string
	Annotations map[string]string // audit annotations; the API server prefixes their keys
	Patch       []byte            // JSON patch (RFC 6902); nil when nothing changes
}

type wireAnswer struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Response   wireResponse `json:"response"`
}

type wireResponse struct {
	UID              string            `json:"uid"`
	Allowed          bool              `json:"allowed"`
	Status           *wireStatus       `json:"status,omitempty"`
	Patch            []byte            `json:"patch,omitempty"`
	PatchType        string            `json:"patchType,omitempty"`
	AuditAnnotations map[string]string `json:"auditAnnotations,omitempty"`
	Warnings         []string          `json:"warnings,omitempty"`
}

type wireStatus struct {
	Status  string `json:"status"`
	Message string `json:"message"`
	Reason  string `json:"reason"`
	Code    int32  `json:"code"`
}

// Encode writes the answer as an AdmissionReview for the request with the UID.
func (a Answer) Encode(uid string) ([]byte, error) {
	w := wireAnswer{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview", Response: wireResponse{
		UID: uid, Allowed: a.Allowed, AuditAnnotations: a.Annotations, Warnings: a.Warnings,
	}}
	if a.Allowed && a.Patch != nil {
		w.Response.Patch, w.Response.PatchType = a.Patch, "JSONPatch"
	}
	if !a.Allowed {
		w.Response.Status = &wireStatus{Status: "Failure", Message: a.Message, Reason: "Forbidden", Code: a.Code}
		if a.Code == 0 {
			w.Response.Status.Code = http.StatusForbidden
		}
		if a.Code == http.StatusBadRequest {
			w.Response.Status.Reason = "BadRequest"
		}
	}
	return json.Marshal(w)
}
