// SPDX-License-Identifier: Apache-2.0

package checks

import "slices"

// starters start pods from templates that somebody else wrote. With one
// credential for all of them they are the controller manager.
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles
var starters = []string{
	"system:kube-controller-manager",
	"system:serviceaccount:kube-system:deployment-controller", "system:serviceaccount:kube-system:replicaset-controller",
	"system:serviceaccount:kube-system:statefulset-controller", "system:serviceaccount:kube-system:daemon-set-controller",
	"system:serviceaccount:kube-system:job-controller", "system:serviceaccount:kube-system:cronjob-controller",
	"system:serviceaccount:kube-system:replication-controller",
}

// StartsPods reports whether a user is one of Kubernetes' controllers that make
// pods, ReplicaSets and Jobs of templates.
func StartsPods(user string) bool { return slices.Contains(starters, user) }
