// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/blast"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// identityOfPods lists SA-001 to SA-003, SA-006 to SA-010, SA-013 and SA-014:
// whom pods run as, and what they get to know.
func identityOfPods() []checks.Check {
	return []checks.Check{
		needlessToken(), defaultAccount(), longToken(), missingAccount(), deprecatedAccountField(),
		changedAccount(), sharedAccount(), foreignCredential(), nodeCredentials(), usedWithoutLeave(),
	}
}

// Sources that several of these checks have.
const (
	accountDocs      = "https://kubernetes.io/docs/concepts/security/service-accounts/"
	accountAdminDocs = "https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/"
	accountTaskDocs  = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/"
)

// templatesOnly are the kinds with a pod template that are no pods.
func templatesOnly() []schema.GroupKind {
	return slices.DeleteFunc(slices.Clone(exposure.TemplateKinds()), func(k schema.GroupKind) bool { return k == inventory.PodKind })
}

// runner is a pod or pod template under judgement.
type runner struct {
	in      checks.Input
	spec    *corev1.PodSpec
	field   string // path of the spec: "spec.template.spec"
	key     inventory.Key
	account string
	sa      *corev1.ServiceAccount // nil when the inventory does not hold it
}

// onRunners adapts a function over what runs to Check.Run.
func onRunners(run func(r runner) []checks.Finding) func(checks.Input) []checks.Finding {
	return exposure.OnPods(func(t inventory.Template, in checks.Input) []checks.Finding {
		r := runner{in: in, spec: t.Spec, field: t.SpecField(), key: inventory.KeyOf(in.Object)}
		r.account = accountOf(t.Spec)
		r.sa, _ = inventory.Get[*corev1.ServiceAccount](in.Inventory, inventory.ServiceAccountKind, r.key.Namespace, r.account)
		return run(r)
	})
}

func accountOf(s *corev1.PodSpec) string { return (&inventory.Workload{Spec: s}).ServiceAccount() }

// workload is the object under judgement as the inventory holds it.
func (r *runner) workload() *inventory.Workload {
	if e := r.in.Inventory.Entry(r.key); e != nil && e.Workload != nil {
		return e.Workload
	}
	return inventory.NewEntry(r.in.Object).Workload
}

func (r *runner) accountKey() inventory.Key {
	return inventory.Key{Kind: inventory.ServiceAccountKind, Namespace: r.key.Namespace, Name: r.account}
}

func (r *runner) subject() authz.Subject { return authz.ServiceAccount(r.key.Namespace, r.account) }

// mounting says whether a pod gets the token of its account.
type mounting uint8

const (
	mounted           mounting = iota
	mountedByOverride          // the pod says so where the account says no
	notMounted
)

// mounts works out what automountServiceAccountToken comes to: the pod's field,
// else the account's, else true.
func (r *runner) mounts() mounting {
	var ofAccount *bool
	if r.sa != nil {
		ofAccount = r.sa.AutomountServiceAccountToken
	}
	switch ofPod := r.spec.AutomountServiceAccountToken; {
	case ofPod != nil && !*ofPod:
		return notMounted
	case ofPod != nil && ofAccount != nil && !*ofAccount:
		return mountedByOverride
	case ofPod == nil && ofAccount != nil && !*ofAccount:
		return notMounted
	}
	return mounted
}

// certainty of what depends on the account's fields. "default" is made by
// Kubernetes, and says nothing until somebody changes it.
func (r *runner) certainty() checks.Certainty {
	if r.sa == nil && r.account != "default" && r.spec.AutomountServiceAccountToken == nil {
		return checks.Undetermined
	}
	return checks.Violation
}

// firstGrant returns the first binding, by its identity, that gives an account something which not
// every account of the cluster has from the start; false when there is none.
func firstGrant(in checks.Input, s authz.Subject) (authz.Bound, bool) {
	var first authz.Bound
	found := false
	for b := range authz.Over(in.Inventory).Bindings(s) {
		if !shippedBinding(b) && (!found || b.Key.Compare(first.Key) < 0) {
			first, found = b, true
		}
	}
	return first, found
}

// openWay returns the first way from outside to a workload that is no internal
// network; false when there is none.
func openWay(w *inventory.Workload, in checks.Input) (exposure.Way, bool) {
	if w == nil {
		return exposure.Way{}, false
	}
	for _, way := range blast.Ways(w, in) {
		if !way.Internal {
			return way, true
		}
	}
	return exposure.Way{}, false
}

// from says where a way begins.
func from(way exposure.Way) string {
	if way.From == "internet" || way.From == "internal network" {
		return "the " + way.From
	}
	return way.From
}

// generatedToken is how the volumes begin that the API server adds for the token;
// what follows is random, and differs from pod to pod.
const generatedToken = "kube-api-access-"

func volumeName(name string) string {
	if len(name) > len(generatedToken) && name[:len(generatedToken)] == generatedToken {
		return generatedToken
	}
	return name
}
