// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/blast"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// sharedAccount flags accounts that exposed and internal workloads share
// (SA-009).
func sharedAccount() checks.Check {
	return checks.Check{
		ID: "SA-009", Name: "shared-account",
		Severity: checks.Medium, Actions: warned, Kinds: exposure.TemplateKinds(),
		Doc: checks.Doc{
			Title: "What is exposed shares no ServiceAccount with what is not",
			Why: "A ServiceAccount has the permissions of everything that runs as it: those that an internal workload needs, an exposed one has too, and whoever takes that one over. " +
				"A workload is reported when it can be reached from outside, also through the bundled gateway, and another that runs as the same account cannot, or the other way round. " +
				"An account to which no binding grants anything is left out. Pods and ReplicaSets are judged by their controller. A workload is compared with 100 others at the most.",
			Attack: "has through the exposed workload what was granted for the internal one",
			Fix:    "give each of the workloads a ServiceAccount of its own",
			Exempt: "Replicas of one program of which only some are exposed.",
			Sources: []string{
				goodPractices + "#least-privilege", accountDocs + "#use-cases",
				"https://docs.datadoghq.com/security/code_security/iac_security/iac_rules/terraform-kubernetes-shared-service-account/",
			},
		},
		Run: onRunners(judgeSharedAccount),
	}
}

// maxCompared bounds how many workloads one is compared with: an account that more
// of them share has a hundred findings already.
const maxCompared = 100

func judgeSharedAccount(r runner) []checks.Finding {
	b, has := firstGrant(r.in, r.subject())
	if !has {
		return nil
	}
	own := r.workload()
	if own == nil || blast.Controlled(own, r.in) {
		return nil
	}
	ways := blast.Ways(own, r.in)
	others, first, looked := 0, inventory.Key{}, 0
	var way exposure.Way
	for w := range blast.Running(r.in, r.key.Namespace, r.account) {
		if w.Key == r.key {
			continue
		}
		if looked++; looked > maxCompared {
			break
		}
		theirs := blast.Ways(w, r.in)
		if (len(theirs) == 0) == (len(ways) == 0) {
			continue
		}
		if others++; others > 1 && w.Key.Compare(first) > 0 {
			continue
		}
		first = w.Key
		if len(theirs) > 0 {
			way = theirs[0]
		}
	}
	if others == 0 {
		return nil
	}
	like, is := first.String(), "is"
	if others > 1 {
		like, is = fmt.Sprintf("%s and %d more", first, others-1), "are"
	}
	f := checks.Finding{
		Subject: "account/" + r.account, Field: r.field + ".serviceAccountName",
		Message: fmt.Sprintf("is exposed and runs as %s like %s, which %s not", r.accountKey(), like, is),
	}
	exposed := r.key
	if len(ways) > 0 {
		way = ways[0]
	} else {
		exposed = first
		f.Message = fmt.Sprintf("runs as %s like %s, which %s exposed", r.accountKey(), like, is)
	}
	f.Certainty = way.Certainty()
	f.Path = way.Path(exposed.String(), r.accountKey().String(), b.Key.String(), b.Role().String())
	return []checks.Finding{f}
}

// nodeCredentials flags pods that get at the credentials of their node (SA-013).
func nodeCredentials() checks.Check {
	return checks.Check{
		ID: "SA-013", Name: "node-credentials",
		Severity: checks.Critical, Actions: stricter, Softens: checks.StepPerGrade, Kinds: exposure.TemplateKinds(),
		Doc: checks.Doc{
			Title: "Pods cannot read the credentials of their node",
			Why: "A hostPath that holds or lies in /etc/kubernetes, /var/lib/kubelet, a container runtime's socket, / and the like gives a Pod the credentials of its kubelet and the tokens of every ServiceAccount whose Pods run on the node: " +
				"for such a Pod it does not matter what its own account may do. It is critical when the workload can be reached from outside past internal networks, and high otherwise. " +
				"hostNetwork leads to the metadata service of the cloud, which hands out the node's identity there and which NetworkPolicies do not stop; whether there is one no object says, so this is medium, and host-network (EXP-041) refuses it anyway. " +
				"The paths are those of exposed-node-escape (XR-003), which judges privileged containers and capabilities too.",
			Attack: "acts as the node and as every ServiceAccount that has a Pod on it",
			Fix:    "remove the hostPath volume or mount a directory that holds nothing but what the workload needs, and remove hostNetwork",
			Exempt: "Node agents, storage and network plugins, in a namespace that holds nothing else.",
			Sources: []string{
				goodPractices + "#workload-creation", "https://kubernetes.io/docs/concepts/storage/volumes/#hostpath", "https://kubernetes.io/docs/reference/access-authn-authz/node/",
				"https://docs.aws.amazon.com/whitepapers/latest/security-practices-multi-tenant-saas-applications-eks/restrict-the-use-of-host-networking-and-block-access-to-instance-metadata-service.html",
			},
		},
		Run: onRunners(judgeNodeCredentials),
	}
}

func judgeNodeCredentials(r runner) []checks.Finding {
	var out []checks.Finding
	w := r.workload()
	for _, e := range blast.Escapes(w) {
		if strings.HasPrefix(e.Trait, "hostPath/") {
			out = append(out, checks.Finding{
				Severity: checks.High, Subject: e.Trait, Field: r.field + ".volumes",
				Message: "has the credentials of its node: " + e.Why, Path: []string{r.key.String(), e.Why, "the node and every ServiceAccount on it"},
			})
		}
	}
	if len(out) > 0 {
		if way, open := openWay(w, r.in); open {
			for i := range out {
				out[i].Severity, out[i].Certainty = checks.Critical, way.Certainty()
				out[i].Message = "is reachable from " + from(way) + " and " + out[i].Message
				out[i].Path = way.Path(out[i].Path...)
			}
		}
	}
	if r.spec.HostNetwork {
		out = append(out, checks.Finding{
			Severity: checks.Medium, Subject: "metadata", Field: r.field + ".hostNetwork",
			Message: "reaches the metadata service of the cloud as its node does (hostNetwork)",
			Path:    []string{r.key.String(), "metadata service", "the identity of the node in the cloud"},
		})
	}
	return out
}
