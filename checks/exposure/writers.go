// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// endpointWriters are the users by which Kubernetes itself writes Endpoints and
// EndpointSlices. With one credential for all controllers the controller
// manager is the user, and the API server writes its own in namespace default.
// https://github.com/kubernetes/kubernetes/blob/v1.36.0/cmd/kube-controller-manager/app/discovery.go
var endpointWriters = []string{
	"system:serviceaccount:kube-system:endpoint-controller",
	"system:serviceaccount:kube-system:endpointslice-controller",
	"system:serviceaccount:kube-system:endpointslicemirroring-controller",
	"system:serviceaccount:kube-system:generic-garbage-collector",
	"system:kube-controller-manager",
	"system:apiserver",
}

// statusWriters are the users by which Kubernetes itself writes load balancer
// status, and the accounts that the installation manuals of widespread load
// balancers give to them: https://metallb.io/installation/,
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/installation/,
// https://docs.cilium.io/en/stable/network/lb-ipam/, https://kube-vip.io/docs/installation/.
// Only who may create accounts in those namespaces can take such a name.
var statusWriters = []string{
	"system:serviceaccount:kube-system:service-controller",
	"system:serviceaccount:kube-system:cloud-controller-manager",
	"system:cloud-controller-manager",
	"system:kube-controller-manager",
	"system:apiserver",
	"system:serviceaccount:metallb-system:controller",
	"system:serviceaccount:kube-system:aws-load-balancer-controller",
	"system:serviceaccount:kube-system:cilium-operator",
	"system:serviceaccount:kube-system:kube-vip",
}

// writesEndpoints reports whether the requester writes endpoints by office. A
// request without a user stands for a person.
func writesEndpoints(in checks.Input) bool {
	return in.Request.User != "" &&
		(slices.Contains(endpointWriters, in.Request.User) || slices.Contains(in.Parameters.EndpointWriters, in.Request.User))
}

// writesStatus reports whether the requester writes load balancer status by
// office; the accounts of the bundled gateway's namespaces do.
func writesStatus(in checks.Input) bool {
	user := in.Request.User
	if user == "" {
		return false
	}
	if slices.Contains(statusWriters, user) || slices.Contains(in.Parameters.StatusWriters, user) {
		return true
	}
	account, isAccount := strings.CutPrefix(user, "system:serviceaccount:")
	namespace, _, _ := strings.Cut(account, ":")
	return isAccount && slices.Contains(in.Parameters.Gateway.Namespaces, namespace)
}

// requester names who writes, for messages.
func requester(in checks.Input) string {
	if in.Request.User == "" {
		return "a person"
	}
	return in.Request.User
}
