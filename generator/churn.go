// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// churning are labels that change from pod to pod or from release to release,
// so that a policy that selects one would stop matching: those that controllers
// write (k8s.io/api/apps/v1, k8s.io/api/batch/v1 well-known labels), and those
// by which charts, roll-outs and meshes mark a version.
var churning = []string{
	"pod-template-hash", "controller-revision-hash", "pod-template-generation", "statefulset.kubernetes.io/pod-name",
	"apps.kubernetes.io/pod-index", "job-name", "batch.kubernetes.io/job-name", "controller-uid", "batch.kubernetes.io/controller-uid",
	"batch.kubernetes.io/job-completion-index", "app.kubernetes.io/version", "helm.sh/chart", "chart", "heritage", "version",
	"rollouts-pod-template-hash", "istio.io/rev", "service.istio.io/canonical-revision",
}

// churningPrefixes are prefixes of such labels.
var churningPrefixes = []string{
	"topology.", "failure-domain.beta.kubernetes.io/", "security.istio.io/", "linkerd.io/", "checksum/",
}

// Churns reports whether a label key must not be in the selector of a policy.
// app.kubernetes.io/instance does not churn: it tells two releases of a chart
// apart.
func Churns(key string) bool {
	return slices.Contains(churning, key) || slices.ContainsFunc(churningPrefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

// stable returns the labels that do not churn.
func stable(labels map[string]string) map[string]string {
	out := maps.Clone(labels)
	maps.DeleteFunc(out, func(key, _ string) bool { return Churns(key) })
	return out
}

// maxHash is the longest hash: SHA-512 in hexadecimal digits. A label has at most 63
// characters, and evidence may have more.
const maxHash = 128

// Passing reports whether the value of a label looks like one that the next release
// does not have: a version with at least two numbers ("1.27.3", "v2.0-rc1"), a date or
// a time ("20261122", "2026-11-22", "1795323600"), the hash of a commit or of a build
// ("sha-3f9c2e1"). It is a guess about a text: what owners select by never changes,
// whatever it looks like.
func Passing(value string) bool {
	value = strings.ToLower(value)
	for _, prefix := range []string{"sha256-", "sha1-", "sha-", "git-"} {
		value = strings.TrimPrefix(value, prefix)
	}
	digits, letters, others := 0, 0, 0
	hexadecimal := true
	for _, r := range value {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r >= 'a' && r <= 'z':
			letters++
			hexadecimal = hexadecimal && r <= 'f'
		default:
			others++
		}
	}
	switch {
	case digits < 2:
		return false // most values; each of the forms has two numbers or more digits
	case digits == len(value):
		return date(value) || (digits == 10 || digits == 13) && value[0] == '1' // seconds or milliseconds since 1970
	case others == 0 && hexadecimal && digits >= 2 && letters >= 2:
		return len(value) >= 7 && len(value) <= maxHash
	}
	return version(value) || date(separators.Replace(value))
}

// separators are what stands between the numbers of a time (RFC 3339, in lower case).
var separators = strings.NewReplacer("-", "", "_", "", ".", "", "t", "", "z", "")

// date reports whether digits begin with a day of this century, and have at most a
// time behind it.
func date(digits string) bool {
	if len(digits) < 8 || len(digits) > 14 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	month, day := digits[4:6], digits[6:8]
	return digits[:2] == "20" && month >= "01" && month <= "12" && day >= "01" && day <= "31"
}

// version reports whether a text begins with at least two numbers with a dot between
// them, and whether a dot, a dash or an underscore is between those and the rest.
func version(text string) bool {
	text = strings.TrimPrefix(text, "v")
	numbers := 0
	for {
		rest := strings.TrimLeft(text, "0123456789")
		if len(rest) == len(text) {
			return numbers > 1
		}
		numbers++
		switch {
		case rest == "":
			return numbers > 1
		case rest[0] == '.':
			text = rest[1:]
		default:
			return numbers > 1 && (rest[0] == '-' || rest[0] == '_')
		}
	}
}

// wrongLabels are problems of the workloads of guarded namespaces with labels that
// no API server takes.
func (m *Model) wrongLabels() []Problem {
	var out []Problem
	for namespace := range m.Guards {
		for _, w := range m.Universe.Within(namespace) {
			for _, wrong := range w.Wrong {
				out = append(out, Problem{Edge: Edge{To: WorkloadPeerOf(w.ID)}, What: "its pods cannot have the label " + wrong})
			}
		}
	}
	return out
}

// possible returns the labels that pods can have, and the others, each with what is
// wrong with it, in order (k8s.io/apimachinery/pkg/util/validation).
func possible(labels map[string]string) (right map[string]string, wrong []string) {
	for key, value := range labels {
		if key != "" && plain(key) && plain(value) {
			continue
		}
		if faults := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(faults) > 0 {
			wrong = append(wrong, fmt.Sprintf("%q=%q: %s", key, value, faults[0]))
			if right == nil {
				right = maps.Clone(labels)
			}
			delete(right, key)
		}
	}
	if right == nil {
		return labels, nil
	}
	slices.Sort(wrong)
	return right, wrong
}

// plain reports whether a text is as nearly all keys and values of labels are, so
// that nothing can be wrong with it.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || i == 0 || i == len(text)-1) {
			return false
		}
	}
	return len(text) <= validation.LabelValueMaxLength
}
