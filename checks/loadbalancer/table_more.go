// SPDX-License-Identifier: Apache-2.0

package loadbalancer

// moreCloudRows are the controllers whose code is not public, whose reading comes from their documentation, and the clouds
// that have no switch for an internal load balancer.
func moreCloudRows() []Provider {
	return []Provider{
		{
			Name: "alibaba", Title: "Alibaba cloud controller manager",
			Keys: []KeyRule{
				{Annotation: "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id", Rule: NamesExisting},
				{Annotation: "service.beta.kubernetes.io/alicloud-loadbalancer-id", Rule: NamesExisting},
				{
					Annotation: "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", Rule: Equals,
					Internal: []string{"intranet"}, Public: []string{"internet"}, Ignored: []string{""},
				},
				{
					Annotation: "service.beta.kubernetes.io/alicloud-loadbalancer-address-type", Rule: Equals,
					Internal: []string{"intranet"}, Public: []string{"internet"}, Ignored: []string{""},
				},
			},
			Marks:   []string{"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-", "service.beta.kubernetes.io/alicloud-loadbalancer-"},
			Default: Public,
			Sources: []string{"https://kubernetes.io/docs/concepts/services-networking/service/#internal-load-balancer"},
		},
		{
			Name: "tencent", Title: "Tencent TKE service controller",
			Keys: []KeyRule{
				{Annotation: "service.kubernetes.io/tke-existed-lbid", Rule: NamesExisting},
				{Annotation: "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid", Rule: PresentNonEmpty},
			},
			Marks:   []string{"service.kubernetes.io/qcloud-loadbalancer-"},
			Default: Public,
			Sources: []string{"https://kubernetes.io/docs/concepts/services-networking/service/#internal-load-balancer"},
		},
		{
			Name: "huawei", Title: "Huawei CCE",
			Keys: []KeyRule{
				{Annotation: "kubernetes.io/elb.id", Rule: NamesExisting},
				{Annotation: "kubernetes.io/elb.autocreate", Rule: JSONTypeInner},
			},
			Marks:   []string{"kubernetes.io/elb."},
			Default: Unknown,
			Sources: []string{"https://support.huaweicloud.com/intl/en-us/usermanual-cce/cce_10_0385.html"},
			Note:    "with both annotations the existing load balancer is used",
		},
		{
			Name: "yandex", Title: "Yandex cloud controller manager",
			Keys: []KeyRule{{
				Annotation: "yandex.cloud/load-balancer-type", Rule: Equals,
				Internal: []string{"internal"}, Public: []string{"external"}, Ignored: []string{""},
			}},
			Marks:   []string{"yandex.cloud/"},
			Default: Public,
			Sources: []string{"https://yandex.cloud/en/docs/managed-kubernetes/"},
		},
		{
			// No marks: the operator acts on these annotations only where the class is its own.
			Name: "tailscale", Title: "Tailscale operator",
			Classes: []Class{{Name: "tailscale", Scheme: Internal}},
			Default: Unknown, DefaultIsSetting: true,
			Sources: []string{
				"https://github.com/tailscale/tailscale/blob/main/cmd/k8s-operator/svc.go",
				"https://tailscale.com/docs/kubernetes-operator/ingress",
			},
			Note: "internal is the tailnet, whose members and their rights are set outside the cluster; Services without class are taken only where the installation says so",
		},
		{
			Name: "ngrok", Title: "ngrok operator",
			Classes: []Class{{Name: "ngrok", Scheme: Public}},
			Default: Public,
			Sources: []string{
				"https://github.com/ngrok/ngrok-operator",
				"https://ngrok.com/docs/k8s/guides/using-loadbalancers",
			},
			Note: "a URL that ends in .internal is reachable within the ngrok account only; it counts as public here",
		},
		publicOnly("linode", "Linode cloud controller manager", "service.beta.kubernetes.io/linode-loadbalancer-",
			"https://github.com/linode/linode-cloud-controller-manager/blob/main/cloud/annotations/annotations.go",
			"its annotations set firewalls, protocols and the network of the nodes, none the scheme"),
		publicOnly("vultr", "Vultr cloud controller manager", "service.beta.kubernetes.io/vultr-loadbalancer-",
			"https://github.com/vultr/vultr-cloud-controller-manager/blob/master/docs/load-balancers.md",
			"the annotation vpc attaches a private network and does not take the public address away"),
		publicOnly("exoscale", "Exoscale cloud controller manager", "service.beta.kubernetes.io/exoscale-loadbalancer-",
			"https://github.com/exoscale/exoscale-cloud-controller-manager/blob/master/docs/service-loadbalancer.md",
			"the annotation external names a load balancer that is managed elsewhere; it is public as well"),
		publicOnly("civo", "Civo cloud controller manager", "kubernetes.civo.com/",
			"https://github.com/civo/civo-cloud-controller-manager/blob/master/cloud-controller-manager/civo/loadbalancer.go",
			"every load balancer has a public address"),
		publicOnly("upcloud", "UpCloud cloud controller manager", "service.beta.kubernetes.io/upcloud-load-balancer-",
			"https://upcloud.com/docs/guides/customise-load-balancer-network-configuration/",
			"the JSON of upcloud-load-balancer-config can leave the public network out; it is not read here and counts as public"),
	}
}

// publicOnly is a cloud without a simple switch for internal load balancers.
func publicOnly(name, title, mark, source, note string) Provider {
	return Provider{Name: name, Title: title, Marks: []string{mark}, Default: Public, Sources: []string{source}, Note: note}
}
