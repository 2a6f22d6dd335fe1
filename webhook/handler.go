// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/semaphore"
)

// Judge answers one review. It makes no API call and does not block.
type Judge interface {
	Answer(ctx context.Context, r Review) Answer
}

// memory bounds the bytes of the bodies that are judged at once, so that many
// large objects cannot exhaust the process: 64 MiB is nine of the largest
// requests, or four thousand common ones.
const memory = 64 << 20

// commonBody is what a request without a length is counted as, and the least
// that any is: a typical review has 2 to 8 KiB.
const commonBody = 16 << 10

// Handler serves one webhook path: it bounds, decodes, judges, encodes. A
// request that cannot be decoded is refused; a body that would exceed the
// memory bound within the deadline is answered 503, which the API server
// handles by the webhook's failurePolicy.
type Handler struct {
	judge   Judge
	metrics *Metrics
	log     logr.Logger
	slots   *semaphore.Weighted
	buffers *buffers
	patient time.Duration
}

// NewHandler serves the judge. Several handlers share one bound when they are
// made by the same Bound. Safe for concurrent use.
func NewHandler(judge Judge, bound *Bound, metrics *Metrics, log logr.Logger) *Handler {
	return &Handler{judge: judge, metrics: metrics, log: log, slots: bound.slots, buffers: &buffers{}, patient: time.Second}
}

// Bound is the memory that all handlers of a process share.
type Bound struct{ slots *semaphore.Weighted }

// NewBound returns the bound of a process.
func NewBound() *Bound { return &Bound{semaphore.NewWeighted(memory)} }

func (h *Handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	start := time.Now()
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "send an AdmissionReview by POST", http.StatusMethodNotAllowed)
		return
	}
	cost := max(req.ContentLength, commonBody)
	if cost > MaxReview || req.ContentLength < 0 {
		cost = MaxReview
	}
	if !h.acquire(req.Context(), cost) {
		h.metrics.shed()
		http.Error(w, "too many reviews at once", http.StatusServiceUnavailable)
		return
	}
	defer h.slots.Release(cost)

	buffer := h.buffers.Get()
	defer h.buffers.Put(buffer)
	body, err := buffer.read(w, req)
	if err != nil {
		h.metrics.failed("body")
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review, answer := h.answer(req.Context(), body)
	out, err := answer.Encode(review.UID)
	if err != nil {
		h.metrics.failed("encode")
		http.Error(w, "encode answer", http.StatusInternalServerError)
		return
	}
	h.metrics.answered(review, answer, time.Since(start))
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(out); err != nil { //nolint:gosec // JSON to the API server; no browser reads it
		h.metrics.failed("write")
	}
}

// acquire takes room for a body, waiting for it if it must.
func (h *Handler) acquire(ctx context.Context, cost int64) bool {
	if h.slots.TryAcquire(cost) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, h.patient)
	defer cancel()
	return h.slots.Acquire(ctx, cost) == nil
}

// read reads the body of a request. It is valid until the buffer is put back:
// nothing that a judge keeps may point into it.
func (b *buffer) read(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	limited := http.MaxBytesReader(w, req.Body, MaxReview)
	if n := req.ContentLength; n > 0 && n <= MaxReview {
		body := b.bytes(int(n))
		if _, err := io.ReadFull(limited, body); err != nil {
			return nil, fmt.Errorf("read review: %w", err)
		}
		return body, nil
	}
	body, err := io.ReadAll(limited)
	if err != nil {
		return nil, fmt.Errorf("read review: %w", err)
	}
	return body, nil
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
