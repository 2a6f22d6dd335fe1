// SPDX-License-Identifier: Apache-2.0

package power

import "github.com/gatehouse-sh/gatehouse/checks"

// network is exposing what is internal and steering traffic.
var network = []Power{
	{
		ID: "RBAC-053", Name: "write-services", Can: "change Services, endpoints, Ingresses or network policies",
		Wide: checks.High, Narrow: checks.Medium, Becomes: Nobody,
		Any: []Pattern{
			on(core, modify, "services", "endpoints"),
			on(group("discovery.k8s.io"), modify, "endpointslices"),
			on(group(networking), modify, "ingresses", "networkpolicies"),
			on(group(networking), modify, "ingressclasses").clusterOnly(),
			// Without its IPAddress a cluster address is free for another Service; a ServiceCIDR says which there are.
			// https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/#serviceip-ranges-implementation-details
			on(group(networking), modify, "ipaddresses", "servicecidrs").clusterOnly().most(checks.Medium),
			on(group("policy.networking.k8s.io"), modify, "adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies").clusterOnly(),
			on(group("cilium.io"), modify, "ciliumnetworkpolicies"),
			on(group("cilium.io"), modify, "ciliumclusterwidenetworkpolicies").clusterOnly(),
			on(group("crd.projectcalico.org", "projectcalico.org"), modify, "networkpolicies"),
			on(group("crd.projectcalico.org", "projectcalico.org"), modify, "globalnetworkpolicies").clusterOnly(),
		},
	},
	{
		ID: "RBAC-054", Name: "write-address-status", Can: "announce addresses of Services and Ingresses",
		Wide: checks.Medium, Narrow: checks.Medium, Becomes: Nobody,
		Any: []Pattern{
			on(core, change, "services/status"),
			// Nodes send nothing by it; what publishes DNS names reads it.
			on(group(networking), change, "ingresses/status").most(checks.Low),
		},
	},
	{
		ID: "RBAC-055", Name: "write-gateways", Can: "open ways into the cluster through gateways",
		Wide: checks.High, Narrow: checks.Medium, Becomes: Nobody,
		Any: []Pattern{
			on(group(gatewayAPI), modify, "gateways", "listenersets", "httproutes", "grpcroutes", "tlsroutes", "tcproutes", "udproutes", "referencegrants", "backendtlspolicies"),
			on(group(gatewayAPI), modify, "gatewayclasses").clusterOnly(),
			on(group("gatehouse.sh"), modify, "accesspolicies", "trafficpolicies", "clientpolicies"),
		},
	},
	{
		ID: "RBAC-071", Name: "write-mesh-policies", Can: "change what the service mesh authenticates and authorises",
		Wide: checks.High, Narrow: checks.Medium, Becomes: Nobody,
		Any: []Pattern{
			on(group("networking.istio.io"), modify, "envoyfilters"),
			on(group("extensions.istio.io"), modify, "wasmplugins"),
			on(group("security.istio.io"), modify, "authorizationpolicies", "peerauthentications", "requestauthentications"),
			on(group("telemetry.istio.io"), modify, "telemetries"),
			on(group("policy.linkerd.io"), modify, "authorizationpolicies", "serverauthorizations", "servers"),
		},
	},
}

// data is reading, changing or destroying what the cluster keeps.
var data = []Power{
	{
		ID: "RBAC-005", Name: "read-debug-endpoints", Can: "read the debugging endpoints of the API server",
		Wide: checks.High, Becomes: Nobody,
		Any: []Pattern{
			{Verbs: []string{"get", "post", "put"}, Paths: []string{"/debug/*", "/logs/*"}},
			{Verbs: []string{"get"}, Paths: []string{"/metrics"}, Most: checks.Low},
		},
	},
	{
		ID: "RBAC-056", Name: "write-system-config-maps", Can: "change the configuration of cluster components",
		Wide: checks.High, Narrow: checks.High, Becomes: Nobody,
		Any: []Pattern{
			on(core, modify, "configmaps").within(systemNamespace).
				named("coredns", "aws-auth", "kube-proxy", "extension-apiserver-authentication", "kubeadm-config", "kubelet-config"),
			on(core, modify, "configmaps").within(publicNamespace).named("cluster-info"),
		},
	},
	{
		ID: "RBAC-057", Name: "destroy", Can: "delete what runs or what is stored",
		Wide: checks.High, Narrow: checks.Medium, Becomes: Nobody,
		Any: []Pattern{
			on(core, remove, "pods", "secrets", "services", "persistentvolumeclaims", "replicationcontrollers"),
			on(group("apps"), remove, "deployments", "statefulsets", "daemonsets", "replicasets"),
			on(group("batch"), remove, "jobs", "cronjobs"),
			on(core, remove, "namespaces", "nodes", "persistentvolumes").clusterOnly(),
		},
	},
	{
		ID: "RBAC-058", Name: "delete-events", Can: "delete events and logs",
		Wide: checks.Low, Narrow: checks.Low, Becomes: Nobody,
		Any: []Pattern{on(group("", "events.k8s.io"), remove, "events"), on(core, remove, "pods/log")},
	},
	{
		ID: "RBAC-059", Name: "write-system-leases", Can: "take over leader elections of the control plane",
		Wide: checks.Medium, Narrow: checks.Medium, Becomes: Nobody,
		Any: []Pattern{on(group("coordination.k8s.io"), change, "leases").within(systemNamespace).named("*")},
	},
}

// delegation is making a more powerful controller act.
var delegation = []Power{
	{
		ID: "RBAC-073", Name: "steer-operators", Can: "make a controller with more rights act for it",
		Wide: checks.High, Narrow: checks.Medium, Becomes: Nobody,
		Any: steering,
	},
	{
		ID: "RBAC-074", Name: "reach-virtual-machines", Can: "open consoles of virtual machines or forge the metrics that scale workloads",
		Wide: checks.Medium, Narrow: checks.Medium, Becomes: Nobody,
		Any: []Pattern{
			on(group("subresources.kubevirt.io"), []string{"get", "update"}, "virtualmachineinstances/console", "virtualmachineinstances/vnc", "virtualmachineinstances/portforward"),
			on(group("metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"), write, "pods", "nodes", "*"),
		},
	},
	{
		ID: "RBAC-075", Name: "forge-openshift-identities", Can: "join groups or log in as others on OpenShift",
		Wide: checks.Critical, Named: checks.Medium, Becomes: Accounts, Any: openShiftIdentities,
	},
}
