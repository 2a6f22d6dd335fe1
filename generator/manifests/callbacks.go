// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// callbackGroups are the API groups of what makes the API server call a Service:
// admission webhooks, conversion webhooks and aggregated APIs.
var callbackGroups = []string{"admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io"}

// callbacks finds the Services that the API server calls. Where no port is said
// it is 443 (WebhookClientConfig and APIServiceSpec, k8s.io/api and
// k8s.io/kube-aggregator).
func (f *finder) callbacks() {
	for _, kind := range inventory.Kinds() {
		called := false
		for _, group := range callbackGroups {
			called = called || kind.Group == group
		}
		if !called {
			continue
		}
		for e := range f.inv.Entries(kind.GroupKind, "") {
			for _, b := range inventory.Backends(e.Object) {
				if b.Port == "" {
					b.Port = "443"
				}
				to := generator.ServicePeerOf(b.Namespace, b.Name)
				why := declared(e.Key, b.Field, "the API server calls it because of "+e.Key.String())
				if f.inv.Service(b.Namespace, b.Name) == nil {
					f.problem(generator.Peer{Kind: generator.APIServerPeer}, to, generator.Port{}, why, "there is no %s among the objects", to)
					continue
				}
				for _, port := range f.backendPorts(b) {
					f.edge(generator.Peer{Kind: generator.APIServerPeer}, to, port, why)
				}
			}
		}
	}
}
