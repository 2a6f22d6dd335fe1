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
					if groups := join(nil, part, p); !part.key.cluster && len(groups) > 0 {
						selected += compareSelectors(t, groups[0], part, p)
					}
				}
			}
			if selected == 0 {
				t.Error("no binding selected anything")
			}
		})
	}
}

func compareSelectors(t *testing.T, g *group, part *part, p *policy.Policy) int {
	t.Helper()
	bindings := g.bindings(own)
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
					t.Errorf("%s in a namespace with %v: %v, want %s", part.check.ID, set, got, want)
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

func TestNamesAreUniqueAndMessagesNameTheChecks(t *testing.T) {
	t.Parallel()
	set := catalogue(t)
	objects := build(t, policy.Default(set))
	seen, said := map[string]bool{}, map[string]bool{}
	for _, p := range objects.Policies {
		if seen[p.Name] || len(p.Name) > 253 || !strings.HasPrefix(p.Name, Prefix) {
			t.Errorf("policy %q: used twice, too long, or without the prefix", p.Name)
		}
		seen[p.Name] = true
		message := p.Spec.Variables[len(p.Spec.Variables)-1].Expression
		for _, id := range strings.Split(p.Annotations[ChecksAnnotation], ",") { //nolint:modernize // short and clearer
			c, known := set.Lookup(id)
			if !known || !strings.Contains(message, id+" "+c.Name+" (") {
				t.Errorf("policy %q: the annotation names %q, which does not exist or is not in the message", p.Name, id)
			}
			said[id] = true
		}
	}
	bindings := map[string]bool{}
	for _, b := range objects.Bindings {
		if bindings[b.Name] || !seen[b.Spec.PolicyName] {
			t.Errorf("binding %q of policy %q: used twice, or the policy does not exist", b.Name, b.Spec.PolicyName)
		}
		bindings[b.Name] = true
	}
	for _, c := range set.Checks() {
		if (c.Backstop != nil) != said[c.ID] {
			t.Errorf("%s has a backstop: %v, but is in a policy: %v", c.ID, c.Backstop != nil, said[c.ID])
		}
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
	off := 0
	for _, o := range build(t, p).Policies {
		if strings.HasSuffix(o.Name, "-cluster") || slices.Contains(strings.Split(o.Annotations[ChecksAnnotation], ","), "EXP-001") {
			t.Errorf("%s is there with %s, although node ports and cluster-scoped objects are not judged", o.Name, o.Annotations[ChecksAnnotation])
		}
	}
	for _, o := range build(t, policy.Default(set)).Policies {
		if strings.HasSuffix(o.Name, "-cluster") || slices.Contains(strings.Split(o.Annotations[ChecksAnnotation], ","), "EXP-001") {
			off++
		}
	}
	if off < 2 {
		t.Errorf("%d policies judge these by default: nothing was compared", off)
	}
}

// TestWritesAreBounded holds the policies to what etcd takes: an object of 1.5 MiB,
// of which a policy leaves room for exemptions.
func TestWritesAreBounded(t *testing.T) {
	t.Parallel()
	objects := build(t, policy.Default(catalogue(t)))
	for i := range objects.Policies {
		var b bytes.Buffer
		if err := (Objects{Policies: objects.Policies[i : i+1]}).Write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "\nstatus:") || b.Len() > 512<<10 {
			t.Errorf("%s has %d bytes or a status", objects.Policies[i].Name, b.Len())
		}
	}
}

func TestOnlyTheNamedChecksAreWritten(t *testing.T) {
	t.Parallel()
	some, err := Build(policy.Default(catalogue(t)), Options{Namespace: own, Only: []string{"EXP-001", "EXP-041"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(some.Policies) != 1 || some.Policies[0].Annotations[ChecksAnnotation] != "EXP-001,EXP-041" || len(some.Bindings) != 3 {
		t.Errorf("%d policies and %d bindings of two checks that deny", len(some.Policies), len(some.Bindings))
	}
}
