// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// alwaysAsked are lines that a service is told by HTTP whether or not they are named (GEP-1494).
func alwaysAsked(name string) bool {
	return slices.ContainsFunc([]string{"Host", "Method", "Path", "Content-Length", "Authorization"}, func(n string) bool { return strings.EqualFold(n, name) })
}

// yes is the only status by which a service lets a request in (HTTPExternalAuthFilter).
const yes = 200

// external has a service asked about the requests of a rule. One that cannot be had lets
// none of them in.
func (f *filters) external(at string, e *gatewayv1.HTTPExternalAuthFilter) {
	b := f.b
	at += ".externalAuth"
	if b.out.guards != nil || b.out.unasked {
		b.unsupported(at, "there is one already, and one service is asked")
		return
	}
	asked := f.question(at, e)
	if asked == nil {
		return
	}
	backend, p := b.lead(&e.BackendRef)
	if p != nil {
		b.route.unresolved(b.at+at+".backendRef", p)
		b.out.unasked = true
		return
	}
	if asked.GRPC != nil && backend.Protocol == "" {
		own := *backend // others have it, too
		if own.Protocol = "h2c"; own.TLS != nil {
			own.Protocol = "h2"
		}
		own.Name += "/" + own.Protocol
		backend = &own
	}
	if asked.GRPC != nil {
		asked.GRPC.Backend = backend.Name
	} else {
		asked.HTTP.Backend = backend.Name
	}
	policy := &config.AccessPolicy{Name: f.policyName(), Forward: config.Forward{Credentials: "Keep"}, ExternalAuth: asked}
	policy.Authentication.AnyOf = []config.Authenticator{{Name: "anybody", Anonymous: &config.Anonymous{}}}
	policy.Authorization.Rules = []config.AccessRule{{Name: "all", Allow: &config.Condition{}}}
	alone := &config.Snapshot{AccessPolicies: []config.AccessPolicy{*policy}, Backends: []config.Backend{{Name: backend.Name, Protocol: backend.Protocol, TLS: backend.TLS}}}
	alone.Routes = []config.Route{{Name: "r", AccessBeside: []string{policy.Name}, Target: config.Target{Backends: []config.Weighted{{Status: 500}}}}}
	for _, fault := range faults(alone) {
		b.unsupported(at, fault.What)
	}
	b.out.guards, b.out.backends = &guards{beside: policy}, append(b.out.backends, backend)
}

// policyName is what the data plane calls the policy of a rule: by its route, which is at
// home in its namespace, and its place there.
func (f *filters) policyName() string {
	return strings.ToLower(f.b.route.of.kind) + "/" + f.b.route.name.String() + "/" + strconv.Itoa(f.b.number)
}

// question reads how the service is asked, and what of its answer the backend is told; nil if
// it is asked for what there is not.
func (f *filters) question(at string, e *gatewayv1.HTTPExternalAuthFilter) *config.ExternalAuth {
	if body := e.ForwardBody; body != nil && body.MaxSize > 0 {
		f.b.unsupported(at+".forwardBody", "no service is sent a body")
		return nil
	}
	switch e.ExternalAuthProtocol {
	case gatewayv1.HTTPRouteExternalAuthHTTPProtocol:
		own := e.HTTPAuthConfig
		if own == nil || len(own.AllowedResponseHeaders) == 0 {
			f.b.unsupported(at+".http.allowedResponseHeaders", "name the lines of its answer that backends get: of all that there may be, clients could say the same")
			return nil
		}
		out := &config.ExternalHTTP{PathPrefix: own.Path, Statuses: []int{yes}}
		out.RequestHeaders = slices.DeleteFunc(slices.Clone(own.AllowedRequestHeaders), alwaysAsked)
		out.ResponseHeaders = own.AllowedResponseHeaders
		return &config.ExternalAuth{HTTP: out}
	case gatewayv1.HTTPRouteExternalAuthGRPCProtocol:
		out := &config.ExternalGRPC{Lines: config.AllLines, Unnamed: config.RefuseUnnamed}
		if own := e.GRPCAuthConfig; own != nil && len(own.AllowedRequestHeaders) > 0 {
			out.Lines, out.RequestHeaders = config.NamedLines, own.AllowedRequestHeaders
		}
		return &config.ExternalAuth{GRPC: out}
	}
	f.b.unsupported(at+".protocol", fmt.Sprintf("%q is neither HTTP nor GRPC", e.ExternalAuthProtocol))
	return nil
}
