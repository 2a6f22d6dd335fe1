// SPDX-License-Identifier: Apache-2.0

package loadbalancer

const kubeVIPAddresses = "kube-vip.io/loadbalancerIPs"

// addressRows are controllers for one's own network: the address says who can reach it.
func addressRows() []Provider {
	return []Provider{
		{
			Name: "metallb", Title: "MetalLB controller", ByAddress: true,
			PinKeys:  [][]string{{"metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs"}},
			SpecPin:  SpecPinExcludes,
			PoolKeys: []string{"metallb.io/address-pool", "metallb.universe.tf/address-pool"},
			Marks:    []string{"metallb.io/", "metallb.universe.tf/"},
			Classes:  []Class{{Name: "metallb.io/metallb"}},
			Sources:  []string{"https://github.com/metallb/metallb/blob/main/controller/service.go"},
			Note:     "a named pool is refused unless it holds the pinned addresses",
		},
		{
			Name: "cilium", Title: "Cilium LB-IPAM", ByAddress: true,
			PinKeys: [][]string{{"lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips"}},
			Marks:   []string{"lbipam.cilium.io/", "io.cilium/lb-ipam-"},
			Classes: []Class{{Name: "io.cilium/bgp-control-plane"}, {Name: "io.cilium/l2-announcer"}},
			Sources: []string{
				"https://github.com/cilium/cilium/blob/main/operator/pkg/lbipam/lbipam.go",
				"https://docs.cilium.io/en/stable/network/lb-ipam/",
			},
		},
		{
			Name: "cilium-node-ipam", Title: "Cilium node IPAM",
			Marks:   []string{"io.cilium.nodeipam/"},
			Classes: []Class{{Name: "io.cilium/node"}},
			Default: Unknown, DefaultIsSetting: true,
			Sources: []string{"https://docs.cilium.io/en/stable/network/node-ipam/"},
			Note:    "the addresses are those of the nodes",
		},
		{
			Name: "kube-vip", Title: "kube-vip", ByAddress: true,
			Keys:    []KeyRule{{Annotation: "kube-vip.io/forwardUPNP", Rule: PublishesWhenTrue}},
			PinKeys: [][]string{{kubeVIPAddresses}},
			Marks:   []string{"kube-vip.io/"},
			Classes: []Class{{Name: "kube-vip.io/kube-vip-class"}},
			Sources: []string{
				"https://github.com/kube-vip/kube-vip/blob/main/pkg/kubevip/annotations.go",
			},
			Note: "a host name or 0.0.0.0 (DHCP) in place of an address is unknown",
		},
		{
			Name: "purelb", Title: "PureLB allocator", ByAddress: true,
			PinKeys:  [][]string{{"purelb.io/addresses"}},
			PoolKeys: []string{"purelb.io/service-group"},
			Marks:    []string{"purelb.io/"},
			Classes:  []Class{{Name: "purelb.io/purelb"}},
			Sources:  []string{"https://gitlab.com/purelb/purelb"},
		},
		{
			Name: "openelb", Title: "OpenELB manager", ByAddress: true,
			PinKeys:  [][]string{{"eip.openelb.kubesphere.io/v1alpha1"}},
			PoolKeys: []string{"eip.openelb.kubesphere.io/v1alpha2"},
			Marks:    []string{"lb.kubesphere.io/", "eip.openelb.kubesphere.io/", "protocol.openelb.kubesphere.io/"},
			Sources:  []string{"https://github.com/openelb/openelb/blob/master/pkg/constant/constants.go"},
			Note:     "formerly Porter",
		},
		{
			Name: "antrea", Title: "Antrea controller", ByAddress: true,
			PoolKeys: []string{"service.antrea.io/external-ip-pool"},
			Marks:    []string{"service.antrea.io/"},
			Sources:  []string{"https://github.com/antrea-io/antrea/blob/main/docs/service-loadbalancer.md"},
		},
		{
			Name: "harvester", Title: "Harvester cloud provider", ByAddress: true,
			PinKeys: [][]string{{kubeVIPAddresses}},
			Marks:   []string{"cloudprovider.harvesterhci.io/"},
			Sources: []string{"https://docs.harvesterhci.io/latest/rancher/cloud-provider/"},
			Note:    "kube-vip announces the addresses",
		},
		{
			Name: "k3s", Title: "K3s ServiceLB controller",
			Marks:   []string{"svccontroller.k3s.cattle.io/"},
			Default: Unknown, DefaultIsSetting: true,
			Sources: []string{"https://docs.k3s.io/networking/networking-services"},
			Note:    "every node listens on a host port, so the addresses are those of the nodes",
		},
		{
			Name: "avi", Title: "Avi Kubernetes Operator",
			PinKeys: [][]string{{"ako.vmware.com/load-balancer-ip"}},
			Marks:   []string{"ako.vmware.com/"},
			Classes: []Class{{Name: "ako.vmware.com/avi-lb"}},
			Default: Unknown, DefaultIsSetting: true,
			Sources: []string{"https://github.com/vmware/load-balancer-and-ingress-services-for-kubernetes"},
			Note:    "the network of the virtual service is configured outside the Service, and an address may be translated",
		},
		{
			Name: "nsx", Title: "VMware NSX",
			Marks:   []string{"networking.vmware.com/"},
			Default: Unknown, DefaultIsSetting: true,
			Sources: []string{"https://github.com/kubernetes/cloud-provider-vsphere"},
			Note:    "the address pool is configured outside the Service",
		},
		{
			Name: "nutanix", Title: "Nutanix cloud provider",
			Default: Unknown, DefaultIsSetting: true,
			Sources: []string{"https://github.com/nutanix-cloud-native/cloud-provider-nutanix"},
			Note:    "no annotation is known; it applies only when Config.Providers names it",
		},
		{
			Name: "rancher", Title: "Rancher cluster's load balancer",
			Default: Unknown, DefaultIsSetting: true,
			Sources: []string{"https://ranchermanager.docs.rancher.com/"},
			Note:    "no annotation is known; it applies only when Config.Providers names it",
		},
	}
}
