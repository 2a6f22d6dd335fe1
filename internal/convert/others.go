// SPDX-License-Identifier: Apache-2.0

package convert

// Kind is a kind of custom resource that annotations name.
type Kind struct{ Group, Version, Kind, Resource string }

// Others are the kinds of Objects.Others.
func Others() []Kind {
	return []Kind{
		{"configuration.konghq.com", "v1", "KongPlugin", "kongplugins"},
		{"traefik.io", "v1alpha1", "Middleware", "middlewares"},
		{"traefik.containo.us", "v1alpha1", "Middleware", "middlewares"},
		{"cloud.google.com", "v1", "BackendConfig", "backendconfigs"},
		{"networking.gke.io", "v1beta1", "FrontendConfig", "frontendconfigs"},
	}
}
