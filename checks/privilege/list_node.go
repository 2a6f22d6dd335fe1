// SPDX-License-Identifier: Apache-2.0

package privilege

import "github.com/gatehouse-sh/gatehouse/checks"

// nodeChecks lists RBAC-040 to RBAC-042 and RBAC-050: reaching the machines.
func nodeChecks() []checks.Check {
	const kubelet = "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/"
	return []checks.Check{
		rolePower("RBAC-040", checks.Doc{
			Title: "Roles do not allow reaching kubelets",
			Why: "nodes/proxy is the API of the kubelets, through which commands run in every Pod of a node. Neither audit logs nor admission see them. get is enough, for the connection may be a WebSocket: it is no permission to read only. " +
				"The name of one node leaves the Pods of that node.",
			Attack:  "runs commands in every Pod of every node, unseen",
			Fix:     "replace nodes/proxy by the subresource that is needed: nodes/metrics, nodes/stats or nodes/healthz",
			Exempt:  "Monitoring agents for kubelets before Kubernetes 1.33, which do not know the finer subresources.",
			Sources: []string{goodPractices + "#access-to-proxy-subresource-of-nodes", kubelet, "https://github.com/kubernetes/enhancements/issues/2862"},
		}),
		rolePower("RBAC-041", checks.Doc{
			Title: "Roles do not allow changing nodes or reading through kubelets",
			Why: "Labels and taints of nodes decide where Pods run, so that changing them draws powerful Pods to a node under control. nodes/log reads files of the machine, nodes/checkpoint writes the memory of containers to disk, " +
				"nodes/configz and nodes/pods tell how the node is set up and what runs there.",
			Attack:  "draws powerful Pods to a node that it controls, or reads files of the machine",
			Fix:     "remove the verbs that write nodes and nodes/status, and the subresources log, checkpoint, configz and pods",
			Exempt:  "Autoscalers, node problem detectors and storage or network plugins that label nodes.",
			Sources: []string{kubelet, "https://github.com/kubernetes/enhancements/issues/2862", "https://kubernetes.io/docs/reference/node/kubelet-checkpoint-api/", police},
		}),
		combinedPower("RBAC-042", checks.Doc{
			Title: "No role requests and approves certificates",
			Why: "A certificate of the signer kubernetes.io/kube-apiserver-client-kubelet makes its holder a node, one of kubernetes.io/kube-apiserver-client any user. Who may create a CertificateSigningRequest, approve it and approve for such a signer issues these to itself. " +
				"create on certificatesigningrequests/nodeclient has the same effect, for Kubernetes then approves by itself. What each of them is worth alone says RBAC-045; bootstrap tokens, the other way to become a node, are RBAC-021 in kube-system.",
			Attack:  "issues itself the certificate of a node or of any user",
			Fix:     "separate who requests certificates from who approves them, and limit signers by resourceNames to those of your own",
			Exempt:  "The approver that a platform ships for the certificates of its nodes.",
			Sources: []string{goodPractices + "#csrs-and-certificate-issuing", "https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/", "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/"},
		}),
		rolePower("RBAC-050", checks.Doc{
			Title: "Roles do not allow creating volumes of nodes",
			Why: "A PersistentVolume may be a path on the disk of a node, and a Pod that claims it reads and writes there whatever its Pod Security level says. " +
				"StorageClasses, CSIDrivers, VolumeAttachments and VolumeSnapshotContents lead to disks of others.",
			Attack:  "mounts the file system of a node and reads the credentials of kubelet and Pods there",
			Fix:     "let people write PersistentVolumeClaims, and remove create, update and patch on the cluster-wide storage kinds",
			Exempt:  "Storage provisioners and CSI drivers.",
			Sources: []string{goodPractices + "#persistent-volume-creation", "https://kubernetes.io/docs/concepts/storage/volumes/#hostpath"},
		}),
	}
}
