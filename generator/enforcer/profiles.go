// SPDX-License-Identifier: Apache-2.0

package enforcer

import "errors"

// profiles are what is known of enforcers, generic first and the others in order.
var profiles = []Profile{
	// What every enforcer promises; blocks are about what is outside of the cluster
	// (kubernetes.io/docs/concepts/services-networking/network-policies).
	{name: "generic"},

	// AWS VPC CNI with its network policy agent
	// (docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html):
	//   - filters by address: the controller resolves selectors to addresses and the
	//     agent looks the longest prefix up (aws-network-policy-agent,
	//     pkg/fwruleprocessor and pkg/ebpf/c/tc.v4egress.bpf.c);
	//   - "the maximum number of port and protocol combinations for a single IP
	//     address range (CIDR) is 24 across all of your network policies", as the value
	//     of the map has 24 places (MAX_PORT_PROTOCOL);
	//   - one family: the other's rules are ignored;
	//   - the exceptions of blocks with one prefix are put together, and an exception
	//     denies where another block that is wider allows
	//     (amazon-network-policy-controller-k8s#121);
	//   - connections to the cluster address of a Service are looked at before it is
	//     translated: the address is allowed where the selector of the Service matches
	//     that of a peer, on the port that has a port of the rule for its target, of a
	//     range the first alone (the controller's pkg/resolvers/endpoints.go,
	//     getMatchingServiceClusterIPs and getMatchingServicePort).
	// SCTP is read like TCP (tc.v4egress.bpf.c), and the own node always passes.
	{name: "aws-vpc-cni", byAddress: true, combinations: 24, oneFamily: true, mixed: true, bySelector: true, ranges: rangesByFirst},

	// Calico compares addresses, whoever has them: a block of 0.0.0.0/0 holds pods and
	// nodes (docs.tigera.io/calico/latest/reference/resources/networkpolicy, nets).
	{name: "calico", byAddress: true},

	// Cilium (docs.cilium.io; of v1.20):
	//   - a block holds neither pods nor nodes, unless policy-cidr-match-mode says so
	//     (security/policy/layer3, "Selecting pods or nodes with CIDR / ipBlock"), so
	//     neither an API server on a node nor a name server on the node's own network
	//     is reached by one (cilium#20550, kubernetes#70555);
	//   - SCTP has to be enabled (configuration/sctp);
	//   - one number for the name of a port (pkg/types, NamedPortMap);
	//   - labels that make no identity are not seen (operations/performance/scalability/identity-relevant-labels).
	{name: "cilium", nodes: nodesApart, resolver: true, sctp: errSCTPCilium, oneNumber: true, identity: true},

	// GKE has Cilium in clusters with Dataplane V2 and Calico in the others
	// (docs.cloud.google.com/kubernetes-engine/docs/concepts/dataplane-v2), and a
	// policy should mean the same in both: blocks without pods, as with Calico, and
	// without nodes, as with Cilium. The API server is outside of the cluster. Ranges
	// of ports do not take effect with Dataplane V2 (the same, how-to/dataplane-v2,
	// troubleshooting). What one is instead is not said there; an enforcer that does
	// not know endPort covers the first port alone (kubernetes#110868), as Cilium did
	// (cilium#28684). Ports one by one mean the same whatever it is. SCTP is known with Dataplane V2 on Ubuntu nodes of Standard clusters
	// (how-to/deploy-workloads-with-sctp). The cache of name servers on the nodes is
	// reached by a block: its address is none of a node's (tektoncd/operator#4000).
	{name: "gke", byAddress: true, nodes: nodesOnly, sctp: errSCTPGKE, oneNumber: true, identity: true, ranges: rangesIgnored},

	// OVN-Kubernetes compares addresses. Nodes connect to pods from the address of
	// their management port, in the node's range of pods, and of the join network (go-controller,
	// base_network_controller.go, hostNetworkPolicyIPs; ovn-kubernetes#2093). Pods on
	// the network of their node are selected by a podSelector and not by a
	// namespaceSelector alone (docs.redhat.com/en/documentation/openshift_container_platform,
	// Network security, "About network policy").
	{name: "ovn-kubernetes", byAddress: true, nodes: nodesAsPods, hosts: true},
}

// Reasons why something cannot be said, with what to do.
var (
	errSCTPCilium = errors.New("to Cilium SCTP is unknown unless it is enabled: enable it (sctp.enabled) and write the policies in Cilium's own dialect")
	errSCTPGKE    = errors.New("GKE knows SCTP with Dataplane V2 on Ubuntu nodes of Standard clusters alone: write this policy by hand where that is so")

	errRanges     = errors.New("a block of addresses may hold pods here, and in which ranges the addresses of pods are is not known: give them (--pod-cidr)")
	errNodes      = errors.New("no block of addresses holds a node here: write the policies in Cilium's own dialect, which names the nodes, or a block apart from their addresses")
	errAPIServer  = errors.New("no block of addresses holds a node here, and whether the API server is on one is not known: give the addresses of the nodes (--node-cidr), or write the policies in Cilium's own dialect, which names the API server")
	errResolver   = errors.New("a name server on the network of the node is the node here, which no block holds: redirect to its pods (CiliumLocalRedirectPolicy), and leave the address away (--dns)")
	errManagement = errors.New("nodes connect to pods from the address of ovn-k8s-mp0, the second of the node's range of pods, and from that of the join network: give these among the addresses of the nodes (--node-cidr)")
	errShared     = errors.New("it shares a rule with a connection to several namespaces that cannot be said, and would allow it: say it apart, or leave the other out")
	errNoPeers    = errors.New("no peer is left of the rule, which without peers would allow everybody")
)
