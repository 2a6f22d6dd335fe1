// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
)

// RoleLabel says what a policy of a rollout is for. Policies without it are
// foreign, also those that "gatehouse generate" wrote.
const RoleLabel = "gatehouse.sh/network-role"

// The values of RoleLabel.
const (
	allows  = "allow"
	denies  = "deny"
	opening = "opening"
)

// digits of a digest are in a name: one of 65,536 policies of a namespace, all of
// them tried, has another's with a probability below one in a hundred million.
const digits = 14

// Named returns copies of policies as a rollout writes them: with the label that
// says what they are for, and under a name that changes with their rules, which is
// also another than that of policies which somebody generated and applied. The
// arguments are not changed, and the copies share their rules: nobody may change those.
func Named(policies []*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	out := make([]*networkingv1.NetworkPolicy, len(policies))
	for i, p := range policies {
		own := *p
		role := allows
		if isDenial(&p.Spec) {
			role = denies
		}
		own.Name = compact.Name(p.Name + "-" + digest(p.Spec)[:digits])
		own.Labels = make(map[string]string, len(p.Labels)+1)
		maps.Copy(own.Labels, p.Labels)
		own.Labels[RoleLabel] = role
		out[i] = &own
	}
	return out
}

// Digest is the same for the same policies in any order: of their names and
// rules, not of what is said about them.
func Digest(policies []*networkingv1.NetworkPolicy) string {
	lines := make([]string, 0, len(policies))
	for _, p := range policies {
		lines = append(lines, p.Name+" "+digest(p.Spec))
	}
	slices.Sort(lines)
	return digest(lines)
}

// digest is of the JSON of a value, which maps write in order.
func digest(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		text = []byte(err.Error()) // never: types of k8s.io/api and strings
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// isDenial reports whether policy isolates every pod of its namespace and allows
// nothing.
func isDenial(s *networkingv1.NetworkPolicySpec) bool {
	return len(s.Ingress) == 0 && len(s.Egress) == 0 && everyPod(&s.PodSelector)
}

func everyPod(s *metav1.LabelSelector) bool {
	return len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0
}

// isolates reports whether a policy is about a direction. The API server fills
// policyTypes in.
func isolates(p *networkingv1.NetworkPolicy, d networkingv1.PolicyType) bool {
	return slices.Contains(p.Spec.PolicyTypes, d)
}

// opener allows pods everything in one direction.
func opener(namespace string, pods metav1.LabelSelector, d networkingv1.PolicyType) *networkingv1.NetworkPolicy {
	name := compact.DefaultPrefix + "opening-" + strings.ToLower(string(d))
	if !everyPod(&pods) {
		name += "-" + digest(pods)[:digits]
	}
	p := &networkingv1.NetworkPolicy{
		TypeMeta: metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "NetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name,
			Labels:      map[string]string{netpol.ManagedByLabel: netpol.ManagedBy, RoleLabel: opening},
			Annotations: map[string]string{netpol.BecauseAnnotation: "keeps connections possible while the policies of the namespace change; it goes when they are in place"},
		},
		Spec: networkingv1.NetworkPolicySpec{PodSelector: *pods.DeepCopy(), PolicyTypes: []networkingv1.PolicyType{d}},
	}
	if d == networkingv1.PolicyTypeIngress {
		p.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{}}
	} else {
		p.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{}}
	}
	return p
}

// IsOurs reports whether a rollout wrote a policy, or somebody who says so: whoever
// deletes asks who wrote it besides.
func IsOurs(p *networkingv1.NetworkPolicy) bool { return p.Labels[RoleLabel] != "" }

// IsDenial reports whether a policy of ours denies every pod a direction.
func IsDenial(p *networkingv1.NetworkPolicy) bool { return p.Labels[RoleLabel] == denies }

// IsOpening reports whether a policy of ours holds a direction open for the time of
// a change.
func IsOpening(p *networkingv1.NetworkPolicy) bool { return p.Labels[RoleLabel] == opening }
