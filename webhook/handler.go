// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
)

// Judge answers one review. It makes no API call and does not block. The end of the
// context is when the answer must be there.
type Judge interface {
	Answer(ctx context.Context, r Review) Answer
}

// Handler serves one webhook path: it bounds, decodes, judges, encodes. A
// request that cannot be decoded is refused; one for which there is no room
// within a second is answered 503, which the API server handles by the webhook's
// failurePolicy.
type Handler struct {
	judge   Judge
	metrics *Metrics
	log     logr.Logger
	bound   *Bound
	buffers *buffers
}

// NewHandler serves the judge. Several handlers share one bound when they are
// made by the same Bound. Safe for concurrent use.
func NewHandler(judge Judge, bound *Bound, metrics *Metrics, log logr.Logger) *Handler {
	return &Handler{judge: judge, metrics: metrics, log: log, bound: bound, buffers: &buffers{}}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	start := time.Now()
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "send an AdmissionReview by POST", http.StatusMethodNotAllowed)
		return
	}
	ctx, cancel := context.WithTimeout(req.Context(), timeFor(req))
	defer cancel()
	held := lease{room: h.bound.of(req.ContentLength)}
	defer held.release()
	buffer, body, err := h.buffers.read(req, &held)
	defer h.buffers.put(buffer)
	if err == nil {
		err = held.decode(ctx, body)
	}
	if err != nil {
		h.turnAway(w, err)
		return
	}
	review, answer := h.answer(ctx, body)
	out, err := answer.Encode(review.UID)
	if err != nil {
		h.metrics.failed("encode")
		http.Error(w, "encode answer", http.StatusInternalServerError)
		return
	}
	h.metrics.answered(review, answer, time.Since(start))
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(out); err != nil {
		h.metrics.failed("write")
	}
}

// turnAway answers a request that is not judged.
func (h *Handler) turnAway(w http.ResponseWriter, err error) {
	if errors.Is(err, errNoRoom) {
		h.metrics.shed()
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	h.metrics.failed("body")
	http.Error(w, err.Error(), http.StatusBadRequest)
}

// answer decodes and judges. A fault of ours must not let a request pass: a
// panic is counted, logged and turned into a refusal that names the request.
func (h *Handler) answer(ctx context.Context, body []byte) (review Review, answer Answer) {
	defer func() {
		if p := recover(); p != nil {
			h.metrics.failed("panic")
			h.log.Error(fmt.Errorf("%v", p), "judging a request panicked", "uid", review.UID, "kind", review.Kind.Kind, "stack", string(debug.Stack()))
			answer = cannotDecide("internal", errors.New("Gatehouse failed while judging this request; its log has the details"), review) //nolint:staticcheck // ST1005: a name
		}
	}()
	review, err := DecodeReview(body)
	if err != nil {
		h.metrics.failed("review")
		return review, cannotDecide("review", err, review)
	}
	return review, h.judge.Answer(ctx, review)
}

// cannotDecide refuses because no verdict could be reached, which is not the
// same as a violation: the message, the code and the audit annotation differ.
func cannotDecide(reason string, err error, r Review) Answer {
	return Answer{
		Code:        http.StatusBadRequest,
		Message:     fmt.Sprintf("Gatehouse cannot judge this request and therefore refuses it: %v (request %s)", err, orUnknown(r.UID)),
		Annotations: map[string]string{"undecided": reason + ": " + clip(err.Error(), 512)},
	}
}

func orUnknown(uid string) string {
	if uid == "" {
		return "without uid"
	}
	return uid
}
