// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// infrastructure is what only Gateways have for which objects are made: their labels and
// annotations are on them.
const infrastructure gatewayv1.FeatureName = "GatewayInfrastructure"

// maker is a Plane that makes objects for Gateways.
type maker interface {
	// makes tells whether it does so for those of a class with these parameters, which may be
	// nil.
	makes(p *v1alpha1.GatewayParameters) bool
}

// makingFor are the GatewayClasses for whose Gateways a Plane makes objects. Of a class
// whose parameters are not known nobody can tell.
func makingFor(plane Plane, o *translate.Objects) map[string]bool {
	m, is := plane.(maker)
	if !is {
		return nil
	}
	out := map[string]bool{}
	for _, c := range o.Classes {
		p := translate.Parameters(c, o.Parameters)
		out[c.Name] = (p != nil || c.Spec.ParametersRef == nil) && m.makes(p)
	}
	return out
}

// features are what a GatewayClass says of us (GatewayClassStatus.SupportedFeatures), by
// the names of sigs.k8s.io/gateway-api/pkg/features, in the order that the API
// asks for. One is here when what it asks for was seen to work, and not before.
// making tells whether objects are made for its Gateways.
func features(making bool) []gatewayv1.SupportedFeature {
	names := []gatewayv1.FeatureName{
		"BackendTLSPolicy", "BackendTLSPolicySANValidation",
		"GRPCRoute", "GRPCRouteNamedRouteRule",
		"Gateway", "GatewayAddressEmpty", "GatewayBackendClientCertificate",
		"GatewayFrontendClientCertificateValidation", "GatewayFrontendClientCertificateValidationInsecureFallback",
		"GatewayHTTPListenerIsolation", "GatewayHTTPSListenerDetectMisdirectedRequests", "GatewayPort8080", "GatewayStaticAddresses",
		"HTTPRoute", "HTTPRoute303RedirectStatusCode", "HTTPRoute307RedirectStatusCode", "HTTPRoute308RedirectStatusCode",
		"HTTPRouteBackendProtocolH2C", "HTTPRouteBackendProtocolWebSocket", "HTTPRouteBackendRequestHeaderModification", "HTTPRouteBackendTimeout",
		"HTTPRouteCORS", "HTTPRouteDestinationPortMatching", "HTTPRouteHostRewrite", "HTTPRouteMethodMatching", "HTTPRouteNamedRouteRule", "HTTPRouteParentRefPort", "HTTPRoutePathRedirect", "HTTPRoutePathRewrite",
		"HTTPRoutePortRedirect", "HTTPRouteQueryParamMatching", "HTTPRouteRequestMirror", "HTTPRouteRequestMultipleMirrors", "HTTPRouteRequestPercentageMirror",
		"HTTPRouteRequestTimeout", "HTTPRouteResponseHeaderModification",
		"HTTPRouteRetry", "HTTPRouteRetryBackendTimeout", "HTTPRouteRetryConnectionError", "HTTPRouteSchemeRedirect",
		"ListenerSet", "ReferenceGrant", "TCPRoute", "TLSRoute", "TLSRouteModeMixed", "TLSRouteModeTerminate", "UDPRoute",
	}
	if making {
		at, _ := slices.BinarySearch(names, infrastructure)
		names = slices.Insert(names, at, infrastructure)
	}
	out := make([]gatewayv1.SupportedFeature, 0, len(names))
	for _, n := range names {
		out = append(out, gatewayv1.SupportedFeature{Name: n})
	}
	return out
}
