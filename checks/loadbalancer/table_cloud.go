// SPDX-License-Identifier: Apache-2.0

package loadbalancer

const (
	awsInternal     = "service.beta.kubernetes.io/aws-load-balancer-internal"
	awsScheme       = "service.beta.kubernetes.io/aws-load-balancer-scheme"
	awsType         = "service.beta.kubernetes.io/aws-load-balancer-type"
	awsPrefix       = "service.beta.kubernetes.io/aws-load-balancer-"
	awsEIP          = "service.beta.kubernetes.io/aws-load-balancer-eip-allocations"
	awsPrivateIPs   = "service.beta.kubernetes.io/aws-load-balancer-private-ipv4-addresses"
	openStackScheme = "service.beta.kubernetes.io/openstack-internal-load-balancer"

	whyEIP = "public addresses cannot be attached to an internal load balancer"
)

// cloudRows are the cloud controllers whose reading was taken from their code, and those that share their annotations.
func cloudRows() []Provider {
	return []Provider{
		{
			Name: "aws-load-balancer-controller", Title: "AWS Load Balancer Controller",
			Keys: []KeyRule{
				{Annotation: awsScheme, Rule: Equals, Internal: []string{"internal"}, Public: []string{"internet-facing"}},
				{Annotation: awsInternal, Rule: ParseBool},
			},
			Classes:    []Class{{Name: "service.k8s.aws/nlb"}, {Name: "eks.amazonaws.com/nlb"}},
			Selector:   &Selector{Annotation: awsType, Values: []string{"external", "nlb-ip"}},
			Supersedes: "aws",
			Marks:      []string{awsPrefix},
			Default:    Internal, DefaultIsSetting: true,
			PinKeys: [][]string{{awsPrivateIPs}},
			Caveats: []Caveat{
				{Annotation: awsEIP, With: Internal, Why: whyEIP},
				{Annotation: awsPrivateIPs, With: Public, Why: "private addresses can be chosen for an internal load balancer only"},
			},
			Sources: []string{
				"https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/main/pkg/service/model_build_load_balancer.go",
				"https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/main/pkg/service/service_utils.go",
				"https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/main/pkg/annotations/parser.go",
			},
			Note: "without an annotation an existing load balancer keeps the scheme it has",
		},
		{
			Name: "aws", Title: "AWS cloud provider",
			Keys:    []KeyRule{{Annotation: awsInternal, Rule: NonEmptyExceptFalse}},
			Marks:   []string{awsPrefix},
			Default: Public,
			Caveats: []Caveat{
				{Annotation: awsScheme, Why: "only the AWS Load Balancer Controller reads it, and neither loadBalancerClass nor aws-load-balancer-type selects that controller"},
				{Annotation: awsEIP, With: Internal, Why: whyEIP},
			},
			Sources: []string{"https://github.com/kubernetes/cloud-provider-aws/blob/master/pkg/providers/v1/aws.go"},
		},
		{
			Name: "outscale", Title: "Outscale cloud provider", NamedOnly: true,
			Keys:    []KeyRule{{Annotation: awsInternal, Rule: NonEmptyExceptFalse}},
			Marks:   []string{awsPrefix},
			Default: Public,
			Sources: []string{"https://github.com/outscale/cloud-provider-osc"},
		},
		{
			Name: "gke", Title: "GKE load balancer controller",
			Keys: []KeyRule{
				{Annotation: "networking.gke.io/load-balancer-type", Rule: Equals, Internal: []string{"Internal", "internal"}, Otherwise: Public},
				{Annotation: "cloud.google.com/load-balancer-type", Rule: Equals, Internal: []string{"Internal", "internal"}, Otherwise: Public},
			},
			Marks: []string{"networking.gke.io/internal-load-balancer-", "cloud.google.com/l4-rbs"},
			Classes: []Class{
				{Name: "networking.gke.io/l4-regional-internal", Scheme: Internal},
				{Name: "networking.gke.io/l4-regional-internal-legacy", Scheme: Internal},
				{Name: "networking.gke.io/l4-regional-external", Scheme: Public},
				{Name: "networking.gke.io/l4-regional-external-legacy", Scheme: Public},
			},
			Default: Public,
			Sources: []string{
				"https://github.com/kubernetes/cloud-provider-gcp/blob/master/providers/gce/gce_annotations.go",
				"https://github.com/kubernetes/ingress-gce",
			},
		},
		{
			Name: "azure", Title: "Azure cloud provider",
			Keys:    []KeyRule{{Annotation: "service.beta.kubernetes.io/azure-load-balancer-internal", Rule: ExactTrue}},
			Marks:   []string{"service.beta.kubernetes.io/azure-"},
			Default: Public,
			PinKeys: [][]string{{"service.beta.kubernetes.io/azure-load-balancer-ipv4"}, {"service.beta.kubernetes.io/azure-load-balancer-ipv6"}},
			Caveats: []Caveat{{
				Annotation: "service.beta.kubernetes.io/azure-pls-create", Value: "true", With: Internal,
				Why: "a Private Link service offers the internal load balancer to other networks",
			}},
			Sources: []string{"https://github.com/kubernetes-sigs/cloud-provider-azure/blob/master/pkg/consts/consts.go"},
		},
		{
			Name: "oci-nlb", Title: "OCI cloud provider (network load balancer)",
			Keys:       []KeyRule{{Annotation: "oci-network-load-balancer.oraclecloud.com/internal", Rule: ParseBool}},
			Selector:   &Selector{Annotation: "oci.oraclecloud.com/load-balancer-type", Values: []string{"nlb"}, Case: CaseFold},
			Supersedes: "oci",
			Default:    Public,
			Sources:    []string{"https://github.com/oracle/oci-cloud-controller-manager/blob/master/pkg/cloudprovider/providers/oci/load_balancer_spec.go"},
		},
		{
			Name: "oci", Title: "OCI cloud provider",
			Keys:    []KeyRule{{Annotation: "service.beta.kubernetes.io/oci-load-balancer-internal", Rule: ParseBool}},
			Marks:   []string{"service.beta.kubernetes.io/oci-load-balancer-", "oci.oraclecloud.com/", "oci-network-load-balancer.oraclecloud.com/"},
			Default: Public,
			Caveats: []Caveat{{
				Annotation: "oci-network-load-balancer.oraclecloud.com/internal",
				Why:        `it is read only when oci.oraclecloud.com/load-balancer-type is "nlb"`,
			}},
			Sources: []string{"https://github.com/oracle/oci-cloud-controller-manager/blob/master/pkg/cloudprovider/providers/oci/load_balancer_spec.go"},
			Note:    "the scheme cannot change after creation",
		},
		{
			Name: "openstack", Title: "OpenStack cloud provider",
			Keys:    []KeyRule{{Annotation: openStackScheme, Rule: TrueFalseOrDefault}},
			Marks:   []string{"loadbalancer.openstack.org/"},
			Default: Public, DefaultIsSetting: true,
			Sources: []string{"https://github.com/kubernetes/cloud-provider-openstack/blob/master/pkg/openstack/loadbalancer.go"},
			Note:    "the default is the setting internal-lb of the cloud configuration",
		},
		{
			Name: "ovh", Title: "OVHcloud cloud provider", NamedOnly: true,
			Keys:    []KeyRule{{Annotation: openStackScheme, Rule: TrueFalseOrDefault}},
			Marks:   []string{"loadbalancer.openstack.org/", "loadbalancer.ovhcloud.com/"},
			Default: Public,
			Sources: []string{"https://help.ovhcloud.com/"},
		},
		{
			Name: "hetzner", Title: "Hetzner cloud controller manager",
			Keys:    []KeyRule{{Annotation: "load-balancer.hetzner.cloud/disable-public-network", Rule: ParseBool}},
			Marks:   []string{"load-balancer.hetzner.cloud/"},
			Default: Public,
			Caveats: []Caveat{{
				Annotation: "load-balancer.hetzner.cloud/use-private-ip", With: Public,
				Why: "it changes how the nodes are reached, not who can reach the load balancer",
			}},
			Sources: []string{"https://github.com/hetznercloud/hcloud-cloud-controller-manager/blob/main/internal/annotation/name.go"},
		},
		{
			Name: "scaleway", Title: "Scaleway cloud controller manager",
			Keys:    []KeyRule{{Annotation: "service.beta.kubernetes.io/scw-loadbalancer-private", Rule: ParseBool}},
			Marks:   []string{"service.beta.kubernetes.io/scw-loadbalancer-"},
			Default: Public,
			Caveats: []Caveat{{
				Annotation: "service.beta.kubernetes.io/scw-loadbalancer-externally-managed", Value: "true",
				Why: "the load balancer exists already and its own setting counts",
			}},
			Sources: []string{"https://github.com/scaleway/scaleway-cloud-controller-manager/blob/master/scaleway/loadbalancers_annotations.go"},
		},
		{
			Name: "digitalocean", Title: "DigitalOcean cloud controller manager",
			Keys: []KeyRule{{
				Annotation: "service.beta.kubernetes.io/do-loadbalancer-network", Rule: Equals,
				Internal: []string{"INTERNAL"}, Public: []string{"EXTERNAL"}, Ignored: []string{""},
			}},
			Marks:   []string{"service.beta.kubernetes.io/do-loadbalancer-"},
			Default: Public,
			Sources: []string{"https://github.com/digitalocean/digitalocean-cloud-controller-manager/blob/master/cloud-controller-manager/do/loadbalancers.go"},
		},
		{
			Name: "ibm", Title: "IBM Cloud provider",
			Keys: []KeyRule{{
				Annotation: "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", Rule: Equals,
				Internal: []string{"private"}, Public: []string{"public"}, Ignored: []string{""},
			}},
			Marks:   []string{"service.kubernetes.io/ibm-load-balancer-cloud-provider-"},
			Default: Public,
			Sources: []string{"https://github.com/IBM-Cloud/cloud-provider-vpc-controller"},
			Note:    "the VPC controller takes any other value as private; it is unknown here",
		},
		{
			Name: "baidu", Title: "Baidu cloud provider",
			Keys:    []KeyRule{{Annotation: "service.beta.kubernetes.io/cce-load-balancer-internal-vpc", Rule: ExactTrue}},
			Marks:   []string{"service.beta.kubernetes.io/cce-load-balancer-"},
			Default: Public,
			Sources: []string{"https://github.com/kubernetes-sigs/cloud-provider-baiducloud"},
		},
	}
}
