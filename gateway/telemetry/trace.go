// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// Bounds of spans that wait for the collector. More are dropped.
const (
	maxSpans      = 2048
	exportTimeout = 10 * time.Second
)

// Tracer makes spans and tells backends of them (W3C Trace Context).
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

var w3c propagation.TraceContext

// NewTracer sends spans to a collector, which need not be there yet.
func NewTracer(ctx context.Context, c *config.Tracing) (*Tracer, error) {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.Endpoint), otlptracehttp.WithTimeout(exportTimeout))
	if err != nil {
		return nil, err
	}
	return newTracer(sdktrace.NewBatchSpanProcessor(exporter, sdktrace.WithMaxQueueSize(maxSpans)), c), nil
}

func newTracer(to sdktrace.SpanProcessor, c *config.Tracing) *Tracer {
	service := c.Service
	if service == "" {
		service = "gatehouse-gateway"
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(to),
		sdktrace.WithResource(resource.NewSchemaless(semconv.ServiceName(service))),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Ratio))))
	return &Tracer{provider: provider, tracer: provider.Tracer("github.com/gatehouse-sh/gatehouse/gateway")}
}

// Close sends the spans that wait.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Span is a request, or the part of it that a backend answers. The nil Span does
// nothing.
type Span struct {
	span   trace.Span
	tracer *Tracer
	ctx    context.Context //nolint:containedctx // it is the span's identity, and ends nothing
}

// Begin starts the span of a request. A trace that a trusted peer began is
// continued, and it decides what is sampled; anybody else's is only linked to, or
// clients could choose to be sampled.
func (t *Tracer) Begin(f *request.Form) *Span {
	ctx := context.Background()
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(semconv.HTTPRequestMethodKey.String(f.Method), semconv.URLPath(f.Path), semconv.URLScheme(f.Scheme), semconv.ServerAddress(f.Host)),
	}
	theirs := w3c.Extract(ctx, propagation.HeaderCarrier(f.Header))
	switch remote := trace.SpanContextFromContext(theirs); {
	case f.Trusted:
		ctx = theirs
	case remote.IsValid():
		options = append(options, trace.WithLinks(trace.Link{SpanContext: remote}))
	}
	ctx, span := t.tracer.Start(ctx, f.Method, options...)
	return &Span{span, t, ctx}
}

// Trace is the identity of the trace: 32 hexadecimal digits.
func (s *Span) Trace() string {
	if s == nil {
		return ""
	}
	return s.span.SpanContext().TraceID().String()
}

// Backend starts the part of a request that a backend answers, and tells it so by
// the header lines.
func (s *Span) Backend(name string, h http.Header) *Span {
	if s == nil {
		return nil
	}
	ctx, span := s.tracer.tracer.Start(s.ctx, "backend", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("gatehouse.backend", name)))
	w3c.Inject(ctx, propagation.HeaderCarrier(h))
	return &Span{span, s.tracer, ctx}
}

// End ends a span with a status, 0 if there was none, and a reason.
func (s *Span) End(route string, status int, reason string) {
	if s == nil {
		return
	}
	if route != "" {
		s.span.SetAttributes(semconv.HTTPRoute(route))
	}
	if status != 0 {
		s.span.SetAttributes(semconv.HTTPResponseStatusCode(status))
	}
	if reason != "" {
		s.span.SetAttributes(attribute.String("gatehouse.reason", reason))
	}
	if status == 0 || status >= http.StatusInternalServerError {
		s.span.SetStatus(codes.Error, reason)
	}
	s.span.End()
}
