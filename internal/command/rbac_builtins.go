// SPDX-License-Identifier: Apache-2.0

package command

// place is where the objects of a resource are.
type place int

const (
	anywhere place = iota // which of both is not known
	inNamespaces
	inCluster
)

// builtIns are the resources that Kubernetes 1.36 serves, those behind feature
// gates included, and what only rules name: users, groups, uids, userextras and
// signers. Each is its plural, its singular and its short names.
//
// Source: `kubectl api-resources`, and the verbs impersonate, approve and sign in
// https://kubernetes.io/docs/reference/access-authn-authz/authorization/.
var builtIns = []struct {
	group string
	place place
	names []string
}{
	{"", inCluster, []string{
		"componentstatuses componentstatus cs",
		"groups group",
		"namespaces namespace ns",
		"nodes node no",
		"persistentvolumes persistentvolume pv",
		"users user",
	}},
	{"", inNamespaces, []string{
		"bindings binding",
		"configmaps configmap cm",
		"endpoints ep",
		"events event ev",
		"limitranges limitrange limits",
		"persistentvolumeclaims persistentvolumeclaim pvc",
		"pods pod po",
		"podtemplates podtemplate",
		"replicationcontrollers replicationcontroller rc",
		"resourcequotas resourcequota quota",
		"secrets secret",
		"serviceaccounts serviceaccount sa",
		"services service svc",
	}},
	{"admissionregistration.k8s.io", inCluster, []string{
		"mutatingadmissionpolicies mutatingadmissionpolicy",
		"mutatingadmissionpolicybindings mutatingadmissionpolicybinding",
		"mutatingwebhookconfigurations mutatingwebhookconfiguration",
		"validatingadmissionpolicies validatingadmissionpolicy",
		"validatingadmissionpolicybindings validatingadmissionpolicybinding",
		"validatingwebhookconfigurations validatingwebhookconfiguration",
	}},
	{"apiextensions.k8s.io", inCluster, []string{
		"customresourcedefinitions customresourcedefinition crd crds",
	}},
	{"apiregistration.k8s.io", inCluster, []string{
		"apiservices apiservice",
	}},
	{"apps", inNamespaces, []string{
		"controllerrevisions controllerrevision",
		"daemonsets daemonset ds",
		"deployments deployment deploy",
		"replicasets replicaset rs",
		"statefulsets statefulset sts",
	}},
	{"authentication.k8s.io", inCluster, []string{
		"selfsubjectreviews selfsubjectreview",
		"tokenreviews tokenreview",
		"uids",
		"userextras",
	}},
	{"authorization.k8s.io", inCluster, []string{
		"selfsubjectaccessreviews selfsubjectaccessreview",
		"selfsubjectrulesreviews selfsubjectrulesreview",
		"subjectaccessreviews subjectaccessreview",
	}},
	{"authorization.k8s.io", inNamespaces, []string{
		"localsubjectaccessreviews localsubjectaccessreview",
	}},
	{"autoscaling", inNamespaces, []string{
		"horizontalpodautoscalers horizontalpodautoscaler hpa",
	}},
	{"batch", inNamespaces, []string{
		"cronjobs cronjob cj",
		"jobs job",
	}},
	{"certificates.k8s.io", inCluster, []string{
		"certificatesigningrequests certificatesigningrequest csr",
		"clustertrustbundles clustertrustbundle",
		"signers signer",
	}},
	{"certificates.k8s.io", inNamespaces, []string{
		"podcertificaterequests podcertificaterequest",
	}},
	{"coordination.k8s.io", inNamespaces, []string{
		"leasecandidates leasecandidate",
		"leases lease",
	}},
	{"discovery.k8s.io", inNamespaces, []string{
		"endpointslices endpointslice",
	}},
	{"events.k8s.io", inNamespaces, []string{
		"events event ev",
	}},
	{"flowcontrol.apiserver.k8s.io", inCluster, []string{
		"flowschemas flowschema",
		"prioritylevelconfigurations prioritylevelconfiguration",
	}},
	{"internal.apiserver.k8s.io", inCluster, []string{
		"storageversions storageversion",
	}},
	{"networking.k8s.io", inCluster, []string{
		"ingressclasses ingressclass",
		"ipaddresses ipaddress ip",
		"servicecidrs servicecidr",
	}},
	{"networking.k8s.io", inNamespaces, []string{
		"ingresses ingress ing",
		"networkpolicies networkpolicy netpol",
	}},
	{"node.k8s.io", inCluster, []string{
		"runtimeclasses runtimeclass",
	}},
	{"policy", inNamespaces, []string{
		"poddisruptionbudgets poddisruptionbudget pdb",
	}},
	{"rbac.authorization.k8s.io", inCluster, []string{
		"clusterrolebindings clusterrolebinding",
		"clusterroles clusterrole",
	}},
	{"rbac.authorization.k8s.io", inNamespaces, []string{
		"rolebindings rolebinding",
		"roles role",
	}},
	{"resource.k8s.io", inCluster, []string{
		"deviceclasses deviceclass",
		"devicetaintrules devicetaintrule",
		"resourceslices resourceslice",
	}},
	{"resource.k8s.io", inNamespaces, []string{
		"resourceclaims resourceclaim",
		"resourceclaimtemplates resourceclaimtemplate",
	}},
	{"scheduling.k8s.io", inCluster, []string{
		"priorityclasses priorityclass pc",
	}},
	{"storage.k8s.io", inCluster, []string{
		"csidrivers csidriver",
		"csinodes csinode",
		"storageclasses storageclass sc",
		"volumeattachments volumeattachment",
		"volumeattributesclasses volumeattributesclass vac",
	}},
	{"storage.k8s.io", inNamespaces, []string{
		"csistoragecapacities csistoragecapacity",
	}},
	{"storagemigration.k8s.io", inCluster, []string{
		"storageversionmigrations storageversionmigration",
	}},
}
