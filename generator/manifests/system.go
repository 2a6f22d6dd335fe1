// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"net/netip"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// system finds what a pod connects to by what it is: the name servers that the
// kubelet writes into its resolver, and the API server.
func (f *finder) system(p *pod) {
	field := p.spec() + ".dnsPolicy"
	asks := declared(p.Key, field, "asks the name servers of the cluster (dnsPolicy)")
	switch policy := p.Spec.DNSPolicy; {
	case policy == corev1.DNSClusterFirstWithHostNet, (policy == "" || policy == corev1.DNSClusterFirst) && !p.Spec.HostNetwork:
		f.edge(p.peer, generator.Peer{Kind: generator.DNSPeer}, generator.Port{}, asks)
	}
	if p.Spec.DNSConfig != nil {
		asks = declared(p.Key, p.spec()+".dnsConfig.nameservers", "asks name servers of its own (dnsConfig)")
		for _, text := range p.Spec.DNSConfig.Nameservers {
			f.nameServer(p, text, asks)
		}
	}
	f.apiServer(p)
}

func (f *finder) nameServer(p *pod, text string, why generator.Evidence) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.IsLoopback() {
		return
	}
	a = a.Unmap()
	for _, protocol := range []generator.Protocol{generator.TCP, generator.UDP} {
		to := generator.CIDRPeerOf(netip.PrefixFrom(a, a.BitLen()))
		if s := f.byIP[a]; s != nil {
			to = generator.ServicePeerOf(s.Namespace, s.Name)
		}
		f.edge(p.peer, to, generator.NumberedPort(protocol, 53), why)
	}
}

// apiServer: a pod that has a token of an account that somebody gave a role. The
// token alone proves nothing, since every pod has one unless it is turned off;
// a role that is given to an account is given for a reason.
func (f *finder) apiServer(p *pod) {
	account := p.ServiceAccount()
	if !f.hasToken(p, account) {
		return
	}
	for range f.inv.BindingsOf(rbacv1.ServiceAccountKind, p.Key.Namespace, account) {
		why := declared(p.Key, p.spec()+".serviceAccountName", "holds a token of ServiceAccount "+p.Key.Namespace+"/"+account+", to which a role is bound")
		why.Confidence = generator.Likely
		f.edge(p.peer, generator.Peer{Kind: generator.APIServerPeer}, generator.Port{}, why)
		return
	}
}

func (f *finder) hasToken(p *pod, account string) bool {
	for i := range p.Spec.Volumes {
		if projected := p.Spec.Volumes[i].Projected; projected != nil {
			for _, s := range projected.Sources {
				if s.ServiceAccountToken != nil && s.ServiceAccountToken.Audience == "" {
					return true
				}
			}
		}
	}
	if mount := p.Spec.AutomountServiceAccountToken; mount != nil {
		return *mount
	}
	sa, ok := inventory.Get[*corev1.ServiceAccount](f.inv, inventory.ServiceAccountKind, p.Key.Namespace, account)
	return !ok || sa.AutomountServiceAccountToken == nil || *sa.AutomountServiceAccountToken
}

// peers: the members of a StatefulSet with more than one replica know each other
// by its headless Service, which exists for nothing else.
func (f *finder) peers(p *pod) {
	e := f.inv.Entry(p.Key)
	if e == nil {
		return
	}
	set, ok := e.Object.(*appsv1.StatefulSet)
	if !ok || set.Spec.Replicas == nil || *set.Spec.Replicas < 2 || set.Spec.ServiceName == "" {
		return
	}
	s := f.inv.Service(set.Namespace, set.Spec.ServiceName)
	if s == nil || s.Spec.ClusterIP != corev1.ClusterIPNone || !inventory.Matches(s.Spec.Selector, p.Labels) {
		return
	}
	why := declared(p.Key, "spec.serviceName", "its members find each other by Service "+s.Namespace+"/"+s.Name)
	why.Confidence = generator.Likely
	f.edge(p.peer, generator.ServicePeerOf(s.Namespace, s.Name), generator.Port{}, why)
}
