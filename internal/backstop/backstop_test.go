// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/webhook"
)

const own = "gatehouse-system"

func catalogue(t *testing.T) *checks.Set {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func build(t *testing.T, p *policy.Policy) Objects {
	t.Helper()
	out, err := Build(p, Options{Namespace: own})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Policies) == 0 || len(out.Bindings) == 0 {
		t.Fatal("there are no policies or no bindings")
	}
	return out
}

// TestBindingsReadNamespacesAsTheWebhookDoes compares, for every combination of
// the labels, the one binding that selects a namespace with what the policy does
// about a finding there.
func TestBindingsReadNamespacesAsTheWebhookDoes(t *testing.T) {
	t.Parallel()
	set := catalogue(t)
	for name, spec := range map[string]*v1alpha1.CheckPolicySpec{
		"by default":                     nil,
		"where the profiles differ":      {Severities: []v1alpha1.SeverityRule{{Severity: "low", Baseline: "ignore", Strict: "deny"}, {Severity: "high", Baseline: "warn", Strict: "deny"}}},
		"where a check is off in strict": {Checks: []v1alpha1.CheckRule{{Check: "EXP-001", Baseline: "deny", Strict: "ignore"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Compile(set, spec)
			if err != nil {
				t.Fatal(err)
			}
			selected := 0
			for _, c := range set.Checks() {
				if c.Backstop == nil {
					continue
				}
				parts, err := partsOf(c, p.Parameters, nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, part := range parts {
					if !part.key.cluster {
						selected += compareSelectors(t, part, p)
					}
				}
			}
			if selected == 0 {
				t.Error("no binding selected anything")
			}
		})
	}
}

func compareSelectors(t *testing.T, part *part, p *policy.Policy) int {
	t.Helper()
	bindings := part.bindings(p, own)
	selected := 0
	for _, ns := range []string{"shop", "kube-system", own, CanaryNamespace} {
		for _, admission := range []string{"absent", "", "enforce", "warn", "audit", "enforced"} {
			for _, profile := range []string{"absent", "", "baseline", "strict", "stirct"} {
				set := labels.Set{corev1.LabelMetadataName: ns}
				for key, value := range map[string]string{policy.AdmissionLabel: admission, policy.ProfileLabel: profile} {
					if value != "absent" {
						set[key] = value
					}
				}
				mode, prof, _ := policy.ScopeOf(set) // an unknown value is enforced
				want := part.action(p, mode, prof)
				if ns != "shop" {
					want = checks.Ignore
				}
				got := actionsFor(t, bindings, set)
				if want == checks.Ignore && len(got) == 0 {
					continue
				}
				selected++
				if len(got) != 1 || want == checks.Ignore || got[0] != enforcement(want) {
					t.Errorf("%s in a namespace with %v: %v, want %s", part.name(), set, got, want)
				}
			}
		}
	}
	return selected
}

func actionsFor(t *testing.T, bindings []admissionregistrationv1.ValidatingAdmissionPolicyBinding, set labels.Set) []admissionregistrationv1.ValidationAction {
	t.Helper()
	var out []admissionregistrationv1.ValidationAction
	for _, b := range bindings {
		s, err := metav1.LabelSelectorAsSelector(b.Spec.MatchResources.NamespaceSelector)
		if err != nil {
			t.Fatal(err)
		}
		if s.Matches(set) {
			out = append(out, b.Spec.ValidationActions...)
		}
	}
	return out
}

func TestNamesAreUniqueAndLeadBackToTheCheck(t *testing.T) {
	t.Parallel()
	set := catalogue(t)
	objects := build(t, policy.Default(set))
	seen := map[string]bool{}
	for _, p := range objects.Policies {
		id, _, _ := strings.Cut(p.Annotations[CheckAnnotation], " ")
		if seen[p.Name] || len(p.Name) > 253 || CheckOf(p.Name) != id {
			t.Errorf("policy %q of %q: used twice, too long, or of check %q", p.Name, id, CheckOf(p.Name))
		}
		if _, known := set.Lookup(id); !known {
			t.Errorf("policy %q is of check %q, which does not exist", p.Name, id)
		}
		seen[p.Name] = true
	}
	bindings := map[string]bool{}
	for _, b := range objects.Bindings {
		if bindings[b.Name] || !seen[b.Spec.PolicyName] || CheckOf(b.Name) != CheckOf(b.Spec.PolicyName) {
			t.Errorf("binding %q of policy %q: used twice, or the policy does not exist", b.Name, b.Spec.PolicyName)
		}
		bindings[b.Name] = true
	}
	if CheckOf("another-policy") != "" || CheckOf(Prefix) != "" {
		t.Error("names of others lead to a check")
	}
}

func TestSystemNamespacesAreThoseOfTheWebhook(t *testing.T) {
	t.Parallel()
	if !slices.Equal(SystemNamespaces(), webhook.SystemNamespaces) {
		t.Errorf("%v, the webhook has %v", SystemNamespaces(), webhook.SystemNamespaces)
	}
}

// TestEveryFieldThatIsReadIsJudged compares the match condition with the types: a
// field of a judged kind that it does not name could be changed without being
// judged.
func TestEveryFieldThatIsReadIsJudged(t *testing.T) {
	t.Parallel()
	unread := []string{"ConfigMap.binaryData", "ConfigMap.immutable"} // what no check reads
	n := 0
	for _, c := range catalogue(t).Checks() {
		if c.Backstop == nil || c.OnStatus {
			continue
		}
		for _, gk := range c.Kinds {
			k, known := inventory.KindOf(gk)
			if !known || k.New == nil {
				continue
			}
			for field := range reflect.TypeOf(k.New()).Elem().Fields() {
				name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				if name == "" || name == "metadata" || name == "status" || slices.Contains(unread, gk.Kind+"."+name) {
					continue
				}
				n++
				if !slices.Contains(fields([]inventory.Kind{k}), name) {
					t.Errorf("an update of %s.%s is not judged: name it in judgedFields", gk.Kind, name)
				}
			}
		}
	}
	if n == 0 {
		t.Fatal("no fields")
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	rule := func(r checks.BackstopRule) *policy.Policy {
		service := schema.GroupKind{Kind: "Service"}
		set, err := checks.NewSet(checks.Check{
			ID: "EXP-001", Name: "node-port", Severity: checks.High, Kinds: []schema.GroupKind{service},
			Doc:      checks.Doc{Title: "t", Why: "w", Attack: "a", Fix: "f", Sources: []string{"s"}},
			Run:      func(checks.Input) []checks.Finding { return nil },
			Backstop: &checks.Backstop{Rules: func(*checks.Parameters) []checks.BackstopRule { return []checks.BackstopRule{r} }},
		})
		if err != nil {
			t.Fatal(err)
		}
		return policy.Default(set)
	}
	good := rule(checks.BackstopRule{Faults: "[]"})
	for name, tc := range map[string]struct {
		policy  *policy.Policy
		options Options
		want    string // part of the error; empty: none
	}{
		"no policy":                      {nil, Options{Namespace: own}, "no policy"},
		"a zero policy":                  {&policy.Policy{}, Options{Namespace: own}, "no policy"},
		"no namespace":                   {good, Options{}, "namespace"},
		"a rule without expression":      {rule(checks.BackstopRule{}), Options{Namespace: own}, "EXP-001: rule 0"},
		"a rule with both":               {rule(checks.BackstopRule{Faults: "[]", Step: "[]"}), Options{Namespace: own}, "EXP-001: rule 0"},
		"a kind that is not the check's": {rule(checks.BackstopRule{Faults: "[]", Kinds: []schema.GroupKind{{Kind: "Pod"}}}), Options{Namespace: own}, "Pod"},
		"nothing of a whole one":         {good, Options{Namespace: own}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := Build(tc.policy, tc.options)
			switch {
			case tc.want == "" && (err != nil || len(out.Policies) != 1 || len(out.Bindings) != 3):
				t.Errorf("%v, %d policies, %d bindings", err, len(out.Policies), len(out.Bindings))
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || len(out.Policies) > 0):
				t.Errorf("%v with %d policies, want %q", err, len(out.Policies), tc.want)
			}
		})
	}
}

func TestChecksThatAreOffHaveNoPolicy(t *testing.T) {
	t.Parallel()
	set := catalogue(t)
	p, err := policy.Compile(set, &v1alpha1.CheckPolicySpec{Checks: []v1alpha1.CheckRule{{Check: "EXP-001", Action: "ignore"}}, ClusterMode: "off"})
	if err != nil {
		t.Fatal(err)
	}
	all, some := build(t, policy.Default(set)), build(t, p)
	lost := 0
	for _, a := range all.Policies {
		if !slices.ContainsFunc(some.Policies, func(b admissionregistrationv1.ValidatingAdmissionPolicy) bool { return a.Name == b.Name }) {
			lost++
			if CheckOf(a.Name) != "EXP-001" && !strings.HasSuffix(a.Name, "-cluster") {
				t.Errorf("%s is gone, although it is on", a.Name)
			}
		}
	}
	if lost < 2 {
		t.Errorf("%d policies are gone, want that of EXP-001 and those of cluster-scoped kinds", lost)
	}
}

// TestWritesAreBounded holds the manifest to what kubectl apply and etcd take: one
// object below 256 KiB, the limit of annotations, of which client-side apply makes
// one for the whole object.
func TestWritesAreBounded(t *testing.T) {
	t.Parallel()
	objects := build(t, policy.Default(catalogue(t)))
	for i := range objects.Policies {
		var b bytes.Buffer
		if err := (Objects{Policies: objects.Policies[i : i+1]}).Write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "\nstatus:") || b.Len() > 128<<10 {
			t.Errorf("%s has %d bytes or a status", objects.Policies[i].Name, b.Len())
		}
	}
	set, err := catalogue(t).Only("EXP-001", "EXP-041")
	if err != nil {
		t.Fatal(err)
	}
	some := objects.Only(set)
	if len(some.Policies) != 2 || len(some.Bindings) != 6 {
		t.Errorf("%d policies and %d bindings of two checks", len(some.Policies), len(some.Bindings))
	}
}
