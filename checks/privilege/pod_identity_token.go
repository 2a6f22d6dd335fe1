// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/blast"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// warned is what a rule does about which one should know and nobody should be
// kept from working.
var warned = checks.Actions{Baseline: checks.Warn, Strict: checks.Warn}

// needlessToken flags mounted tokens by which nothing can be done (SA-001).
func needlessToken() checks.Check {
	return checks.Check{
		ID: "SA-001", Name: "needless-token",
		Severity: checks.Medium, Actions: warned, Kinds: exposure.TemplateKinds(),
		Doc: checks.Doc{
			Title: "Pods mount no token that they do not need",
			Why: "Kubernetes mounts a token of the ServiceAccount into every Pod unless automountServiceAccountToken says no: the Pod's field wins over the account's, and without both it is mounted. " +
				"A token to which no binding grants anything is not needed. It is low: it still names the account, finds out what the API server serves, and is worth whatever somebody grants later. " +
				"It is medium when the Pod says true where its account says false, and so undoes what somebody decided for the account. " +
				"Of an account that is granted something the token is taken to be needed. Pods of the account default are left to default-account (SA-002), unless they override it.",
			Attack: "reads the token from the Pod's files and speaks to the API server as its ServiceAccount",
			Fix:    "set automountServiceAccountToken: false on the ServiceAccount, and true only in the Pods that speak to the API server",
			Exempt: "A workload that speaks to the API server by what every authenticated user may do.",
			Sources: []string{
				accountTaskDocs + "#opt-out-of-api-credential-automounting", goodPractices + "#hardening", cisBenchmark,
			},
		},
		Run: onRunners(func(r runner) []checks.Finding {
			how := r.mounts()
			if how == notMounted || how != mountedByOverride && r.account == "default" {
				return nil
			}
			if _, has := firstGrant(r.in, r.subject()); has {
				return nil
			}
			f := checks.Finding{
				Severity: checks.Low, Certainty: r.certainty(), Subject: "automount/" + r.account, Field: r.field + ".automountServiceAccountToken",
				Message: "mounts a token of " + r.accountKey().String() + ", to which no binding grants anything",
			}
			if how == mountedByOverride {
				f.Severity, f.Subject = checks.Medium, "override/"+r.account
				f.Message = "mounts a token of " + r.accountKey().String() + " although the account says automountServiceAccountToken: false, and no binding grants the account anything"
			}
			return []checks.Finding{f}
		}),
	}
}

// defaultAccount flags pods that run as "default" with a token (SA-002).
func defaultAccount() checks.Check {
	return checks.Check{
		ID: "SA-002", Name: "default-account",
		Severity: checks.Medium, Actions: warned, Kinds: exposure.TemplateKinds(),
		Doc: checks.Doc{
			Title: "Pods run as a ServiceAccount of their own",
			Why: "A Pod that names no ServiceAccount runs as default, which it shares with every other such Pod of the namespace: what is granted for one of them all of them have. " +
				"It is medium where something is granted to default, by name or as one of all accounts of the namespace, and low as long as nothing is. " +
				"A Pod that mounts no token is not reported: it has the name of the account and nothing of it.",
			Attack: "has what is granted to any other workload of the namespace that runs as default",
			Fix:    "make a ServiceAccount for the workload and name it in serviceAccountName, or set automountServiceAccountToken: false",
			Exempt: "A namespace that holds one workload only.",
			Sources: []string{
				accountDocs + "#default-service-accounts", accountTaskDocs + "#use-the-default-service-account-to-access-the-api-server", cisBenchmark,
			},
		},
		Run: onRunners(func(r runner) []checks.Finding {
			if r.account != "default" || r.mounts() == notMounted && !blast.ProjectsToken(r.spec) {
				return nil
			}
			f := checks.Finding{
				Severity: checks.Low, Subject: "default", Field: r.field + ".serviceAccountName",
				Message: "runs as the account default of its namespace, with a token of it",
			}
			if b, has := firstGrant(r.in, r.subject()); has {
				f.Severity = checks.Medium
				f.Message += ", and " + b.Key.String() + " grants it " + b.Role().String()
				f.Path = []string{r.key.String(), r.accountKey().String(), b.Key.String(), b.Role().String()}
			}
			return []checks.Finding{f}
		}),
	}
}

// longest is how long a token should be good for, in seconds. The kubelet renews a
// token that is older than a day, or than four fifths of its life, so a longer one
// serves nobody who reads it from the volume.
const longest = 24 * 60 * 60

// longToken flags projected tokens that live long or are good for the API server
// by accident (SA-003).
func longToken() checks.Check {
	return checks.Check{
		ID: "SA-003", Name: "long-projected-token",
		Severity: checks.Low, Actions: warned, Kinds: exposure.TemplateKinds(),
		Doc: checks.Doc{
			Title: "Projected tokens live a day at most and name their audience",
			Why: "A projected token is renewed by the kubelet, so a short life costs nothing, and a stolen one is worth as much as it lives; it also ends with its Pod. More than 24 hours is low. " +
				"A token without audience is meant for the API server: whoever a Pod shows it to can use it there. The one beside the certificate of the cluster (kube-root-ca.crt) is for speaking to the API server; " +
				"a projected token that stands alone and names no audience is likely for somebody else, which is recorded as info.",
			Attack:  "uses a token that it once read for as long as it lives",
			Fix:     "set expirationSeconds to 86400 or less, and audience to the service that the token is for",
			Exempt:  "A service that reads the token once and cannot be made to read it again.",
			Sources: []string{"https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken", accountTaskDocs + "#launch-a-pod-using-service-account-token-projection"},
		},
		Run: onRunners(func(r runner) []checks.Finding {
			var out []checks.Finding
			for i := range r.spec.Volumes {
				if v := &r.spec.Volumes[i]; v.Projected != nil {
					out = append(out, r.projected(volumeName(v.Name), v.Projected)...)
				}
			}
			return out
		}),
	}
}

func (r *runner) projected(volume string, p *corev1.ProjectedVolumeSource) []checks.Finding {
	var out []checks.Finding
	beside := false
	for i := range p.Sources {
		beside = beside || p.Sources[i].ConfigMap != nil && p.Sources[i].ConfigMap.Name == "kube-root-ca.crt" || p.Sources[i].ClusterTrustBundle != nil
	}
	for i := range p.Sources {
		t := p.Sources[i].ServiceAccountToken
		if t == nil {
			continue
		}
		subject := "token/" + volume + "/" + t.Path
		if t.ExpirationSeconds != nil && *t.ExpirationSeconds > longest {
			out = append(out, checks.Finding{
				Subject: subject + "/life", Field: r.field + ".volumes",
				Message: fmt.Sprintf("has in volume %s a token that lives %d hours", volume, *t.ExpirationSeconds/3600),
			})
		}
		if t.Audience == "" && !beside {
			out = append(out, checks.Finding{
				Severity: checks.Info, Subject: subject + "/audience", Field: r.field + ".volumes",
				Message: "has in volume " + volume + " a token without audience, which whoever it is shown to can use on the API server",
			})
		}
	}
	return out
}

// deprecatedAccountField flags spec.serviceAccount where it decides, or says
// something else than serviceAccountName (SA-007).
func deprecatedAccountField() checks.Check {
	return checks.Check{
		ID: "SA-007", Name: "deprecated-account-field",
		Severity: checks.Low, Actions: warned, Kinds: exposure.TemplateKinds(),
		Doc: checks.Doc{
			Title: "Pods name their ServiceAccount by serviceAccountName",
			Why: "spec.serviceAccount is the old name of spec.serviceAccountName. The API server writes each into the other when one is missing, and takes serviceAccountName when they differ; " +
				"a reviewer, or a tool that reads one of them, sees another account than the one the Pod gets. Both fields with the same value, as the API server stores them, are no finding.",
			Attack:  "hides the account that a Pod runs as from who reads only the current field",
			Fix:     "remove serviceAccount and name the account in serviceAccountName",
			Exempt:  "None is known; both fields may stay as long as they say the same.",
			Sources: []string{"https://kubernetes.io/docs/reference/kubernetes-api/core/pod-v1/#PodSpec", "https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/v1/conversion.go"},
		},
		Run: onRunners(func(r runner) []checks.Finding {
			old, now := r.spec.DeprecatedServiceAccount, r.spec.ServiceAccountName
			f := checks.Finding{Subject: "serviceAccount/" + old, Field: r.field + ".serviceAccount"}
			switch {
			case old == "" || old == now:
				return nil
			case now == "":
				f.Message = "names the account " + old + " by the deprecated field serviceAccount alone"
			default:
				f.Message = "names two accounts: " + old + " by the deprecated field serviceAccount, and " + now + ", which counts, by serviceAccountName"
			}
			return []checks.Finding{f}
		}),
	}
}

// missingAccount flags templates whose account does not exist (SA-006).
func missingAccount() checks.Check {
	return checks.Check{
		ID: "SA-006", Name: "missing-account",
		Severity: checks.Medium, Actions: warned, Kinds: templatesOnly(),
		Doc: checks.Doc{
			Title: "Workloads run as a ServiceAccount that exists",
			Why: "The API server refuses Pods whose ServiceAccount does not exist, so the workload waits for somebody to create it: whoever may create ServiceAccounts decides what the workload has. " +
				"Pods themselves are left to the API server. Where nothing is known of the namespace's accounts, as in a file without them, it is only recorded.",
			Attack:  "creates the account that a waiting workload will run as, with image pull secrets and a cloud identity of its choice",
			Fix:     "create the ServiceAccount before the workload, or correct serviceAccountName",
			Exempt:  "A chart whose ServiceAccount somebody else installs.",
			Sources: []string{accountAdminDocs + "#serviceaccount-admission-controller", goodPractices + "#periodic-review"},
		},
		Run: onRunners(func(r runner) []checks.Finding {
			if r.sa != nil || r.account == "default" {
				return nil
			}
			f := checks.Finding{
				Subject: "serviceAccountName/" + r.account, Field: r.field + ".serviceAccountName",
				Message: "runs as " + r.accountKey().String() + ", which does not exist",
			}
			known := false
			for range r.in.Inventory.Entries(inventory.ServiceAccountKind, r.key.Namespace) {
				known = true
				break
			}
			if !known {
				f.Severity, f.Certainty = checks.Low, checks.Undetermined
				f.Message = "runs as " + r.accountKey().String() + ", which is not known here"
			}
			return []checks.Finding{f}
		}),
	}
}
