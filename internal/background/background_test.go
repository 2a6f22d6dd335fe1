// SPDX-License-Identifier: Apache-2.0

package background

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func rules(t testing.TB) Rules {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	return Rules{Judge: verdict.Judge{Policy: policy.Default(set), Now: time.Now()}, Never: []string{"kube-system"}, Own: "gatehouse-system"}
}

// universe is every object of every fixture. Fixtures share names, so many of
// them are versions of one object, and what one changes concerns others.
func universe(t testing.TB) []inventory.Object {
	t.Helper()
	var out []inventory.Object
	for _, c := range cases(t) {
		for _, o := range append([]inventory.Object{c.Object, c.Old}, c.Context...) {
			if o != nil && o.GetName() != "" {
				out = append(out, o)
			}
		}
	}
	if len(out) < 500 {
		t.Fatalf("only %d objects", len(out))
	}
	return append(out, namespaces(out)...)
}

// namespaces are those that the objects are in, each in several modes.
func namespaces(list []inventory.Object) []inventory.Object {
	var out []inventory.Object
	seen := map[string]bool{"": true}
	for _, o := range list {
		name := o.GetNamespace()
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, labels := range []map[string]string{
			{policy.AdmissionLabel: "enforce"},
			{policy.AdmissionLabel: "audit", policy.ProfileLabel: "strict"},
			{policy.AdmissionLabel: "warn"},
			{policy.AdmissionLabel: "enforce", policy.ProfileLabel: "strict"},
			{},
		} {
			out = append(out, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})
		}
	}
	return out
}

func seed(t testing.TB) uint64 {
	t.Helper()
	s := uint64(time.Now().UnixNano())
	if v := os.Getenv("GATEHOUSE_TEST_SEED"); v != "" {
		var err error
		if s, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("GATEHOUSE_TEST_SEED=%d", s)
	return s
}

// TestChangesGiveWhatAFullScanGives changes random objects of a cluster made of
// all fixtures, and compares the verdicts kept by changes with those of a scan
// that knows nothing of what was before.
func TestChangesGiveWhatAFullScanGives(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(seed(t), 1))
	all := universe(t)
	how := rules(t)
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	inv := inventory.New()
	scan := New(2)
	scan.Full(inv, how)
	judged, failing, told := 0, 0, map[string][]Result{}
	for round := range rounds {
		e := inv.Edit()
		var keys []inventory.Key
		n := 1 + r.IntN(4)
		if round < 20 {
			n = 100 // fill the cluster
		}
		for range n {
			o := all[r.IntN(len(all))]
			k := inventory.KeyOf(o)
			keys = append(keys, k)
			if r.IntN(3) == 0 {
				e.Delete(k)
				continue
			}
			if copied, ok := o.DeepCopyObject().(inventory.Object); ok {
				e.Put(inventory.CompactEntry(copied))
			}
		}
		inv = e.Inventory()
		judged += scan.Update(inv, keys)
		for _, namespace := range scan.Changed() {
			told[namespace] = scan.Results(namespace)
			if len(told[namespace]) == 0 {
				delete(told, namespace)
			}
		}
		fresh := New(1)
		fresh.Full(inv, how)
		if d := cmp.Diff(faults(fresh), faults(scan)); d != "" {
			t.Fatalf("round %d, after %v (full -, changes +):\n%s", round, keys, d)
		}
		want := map[string][]Result{}
		for _, namespace := range fresh.Changed() {
			if list := fresh.Results(namespace); len(list) > 0 {
				want[namespace] = list
			}
		}
		if d := cmp.Diff(want, told); d != "" {
			t.Fatalf("round %d: what was handed over (full -, changes +):\n%s", round, d)
		}
		if scan.Len() != fresh.Len() {
			t.Fatalf("round %d: %d objects are known, not %d", round, scan.Len(), fresh.Len())
		}
		failing += len(faults(fresh))
	}
	if judged == 0 || failing == 0 {
		t.Fatalf("%d objects judged again, %d findings: this compares nothing", judged, failing)
	}
	t.Logf("%d rounds, %d objects judged again, %d findings compared", rounds, judged, failing)
}

// faults writes every verdict of a scan as lines.
func faults(s *Scan) []string {
	var out []string
	for _, verdicts := range s.failing {
		for k, v := range verdicts {
			for _, j := range v {
				out = append(out, fmt.Sprintf("%s: %s %s %s %s %v", k, j.Action, j.Check, j.Subject, j.Message, j.Path))
			}
		}
	}
	slices.Sort(out)
	return out
}

func service(namespace string, typ corev1.ServiceType) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "x"}, Spec: corev1.ServiceSpec{
		Type: typ, Ports: []corev1.ServicePort{{Name: "http", Protocol: corev1.ProtocolTCP, Port: 80, NodePort: nodePort(typ)}},
	}}
}

func nodePort(typ corev1.ServiceType) int32 {
	if typ == corev1.ServiceTypeNodePort {
		return 30080
	}
	return 0
}

func labelled(name, mode string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{policy.AdmissionLabel: mode}}}
}

func TestWhatIsJudged(t *testing.T) {
	t.Parallel()
	exposed := corev1.ServiceTypeNodePort
	for name, tc := range map[string]struct {
		objects []inventory.Object
		in      string
		want    bool
	}{
		"a node port in an enforced namespace":   {[]inventory.Object{labelled("a", "enforce"), service("a", exposed)}, "a", true},
		"a node port in an audited namespace":    {[]inventory.Object{labelled("a", "audit"), service("a", exposed)}, "a", true},
		"a cluster address":                      {[]inventory.Object{labelled("a", "enforce"), service("a", corev1.ServiceTypeClusterIP)}, "a", false},
		"a namespace that did not opt in":        {[]inventory.Object{labelled("a", ""), service("a", exposed)}, "a", false},
		"a namespace that is not known yet":      {[]inventory.Object{service("a", exposed)}, "a", false},
		"a system namespace, whatever its label": {[]inventory.Object{labelled("kube-system", "enforce"), service("kube-system", exposed)}, "kube-system", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(1)
			s.Full(inventory.New(tc.objects...), rules(t))
			got := slices.ContainsFunc(s.Results(tc.in), func(r Result) bool { return r.Check == "EXP-001" })
			if got != tc.want {
				t.Errorf("reported: %t, want %t", got, tc.want)
			}
		})
	}
}

func TestANamespaceThatOptsInIsJudged(t *testing.T) {
	t.Parallel()
	off := inventory.New(labelled("a", ""), service("a", corev1.ServiceTypeNodePort))
	s := New(1)
	s.Full(off, rules(t))
	if n := len(s.Results("a")); n != 0 {
		t.Fatalf("%d results without opting in", n)
	}
	e := off.Edit()
	e.Put(inventory.NewEntry(labelled("a", "audit")))
	s.Update(e.Inventory(), []inventory.Key{{Kind: inventory.NamespaceKind, Name: "a"}})
	if got := s.Changed(); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("changed: %v", got)
	}
	if len(s.Results("a")) == 0 {
		t.Error("nothing is reported after opting in")
	}
}

func TestAScanWithoutPolicyRefuses(t *testing.T) {
	t.Parallel()
	s := New(1)
	s.Full(inventory.New(labelled("a", "enforce"), service("a", corev1.ServiceTypeClusterIP)), Rules{})
	results := s.Results("a")
	if len(results) != 1 || results[0].Action != checks.Deny {
		t.Errorf("results %v, want one that denies", results)
	}
}

func TestAFaultOfTheControllerIsToldOnce(t *testing.T) {
	t.Parallel()
	pod := func(name string, owned bool) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name}, Spec: corev1.PodSpec{HostNetwork: true, Containers: []corev1.Container{{Name: "c"}}}}
		if owned {
			yes := true
			p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "r", Controller: &yes}}
		}
		return p
	}
	set := replicaSet("a", "r", pod("", false).Spec)
	s := New(1)
	s.Full(inventory.New(labelled("a", "enforce"), set, pod("one", true), pod("two", true), pod("alone", false)), rules(t))
	var got []string
	for _, r := range s.Results("a") {
		if r.Name == "host-network" {
			got = append(got, r.Object.Kind.Kind+" "+r.Object.Name)
		}
	}
	if d := cmp.Diff([]string{"Pod alone", "ReplicaSet r"}, slices.Compact(got)); d != "" {
		t.Errorf("objects with the fault (want -, got +):\n%s", d)
	}
}

func replicaSet(namespace, name string, spec corev1.PodSpec) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       appsv1.ReplicaSetSpec{Template: corev1.PodTemplateSpec{Spec: spec}},
	}
}

// TestNoReferenceHidesAFault: of equal pods, those that name themselves, each
// other, or a controller that does not make pods or has another UID are told like
// the one that names nothing.
func TestNoReferenceHidesAFault(t *testing.T) {
	t.Parallel()
	spec := corev1.PodSpec{HostNetwork: true, Containers: []corev1.Container{{Name: "c"}}}
	pod := func(name, version, kind, by, uid string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name}, Spec: spec}
		if by != "" {
			yes := true
			p.OwnerReferences = []metav1.OwnerReference{{APIVersion: version, Kind: kind, Name: by, UID: types.UID(uid), Controller: &yes}}
		}
		return p
	}
	set := replicaSet("a", "r", spec)
	set.UID = "u"
	s := New(1)
	s.Full(inventory.New(labelled("a", "enforce"), set,
		pod("plain", "", "", "", ""), pod("self", "v1", "Pod", "self", "x"), pod("one", "v1", "Pod", "two", "x"), pod("two", "v1", "Pod", "one", "x"),
		pod("made", "apps/v1", "ReplicaSet", "r", "u"), pod("forged", "apps/v1", "ReplicaSet", "r", "other")), rules(t))
	var got []string
	for _, r := range s.Results("a") {
		if r.Name == "host-network" {
			got = append(got, r.Object.Kind.Kind+" "+r.Object.Name)
		}
	}
	slices.Sort(got)
	if d := cmp.Diff([]string{"Pod forged", "Pod one", "Pod plain", "Pod self", "Pod two", "ReplicaSet r"}, slices.Compact(got)); d != "" {
		t.Errorf("objects with the fault (want -, got +):\n%s", d)
	}
}

// TestAnExemptControllerSpeaksForNoPod: what is exempt of the controller, or is
// taken less strictly, does not stand for the fault of a pod.
func TestAnExemptControllerSpeaksForNoPod(t *testing.T) {
	t.Parallel()
	fault := func(action checks.Action, exemption string) policy.Judged {
		return policy.Judged{Finding: checks.Finding{Check: "EXP-041", Subject: "s"}, Action: action, Exemption: exemption}
	}
	for name, tc := range map[string]struct {
		controller, pod policy.Judged
		want            bool
	}{
		"the same":                             {fault(checks.Deny, ""), fault(checks.Deny, ""), true},
		"the controller is exempt":             {fault(checks.Audit, "e"), fault(checks.Deny, ""), false},
		"the controller is exempt from audits": {fault(checks.Audit, "e"), fault(checks.Audit, ""), false},
		"the controller is only warned about":  {fault(checks.Warn, ""), fault(checks.Deny, ""), false},
		"both are exempt":                      {fault(checks.Audit, "e"), fault(checks.Audit, "e"), true},
	} {
		if got := has(policy.Verdict{tc.controller}, tc.pod); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// TestOurOwnNamespaceIsJudgedByWhatProtectsUsOnly: it never opted in, and what is
// broken there besides is not told.
func TestOurOwnNamespaceIsJudgedByWhatProtectsUsOnly(t *testing.T) {
	t.Parallel()
	open := func(namespace, name string) *corev1.Service {
		return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app.kubernetes.io/name": name}},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Selector: map[string]string{"app": "a"}, Ports: []corev1.ServicePort{{Port: 80}}},
		}
	}
	own := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "gatehouse-system", Labels: map[string]string{policy.AdmissionLabel: "enforce"}}}
	s := New(1)
	s.Full(inventory.New(own, open("gatehouse-system", "gatehouse-webhook"), open("gatehouse-system", "docs"), open("kube-system", "gatehouse-webhook")), rules(t))
	if got := s.Results("kube-system"); len(got) != 0 {
		t.Errorf("the system's namespace has %v", got)
	}
	got := s.Results("gatehouse-system")
	if len(got) != 1 || got[0].Check != "SELF-005" || got[0].Action != checks.Audit || got[0].Object.Name != "gatehouse-webhook" {
		t.Errorf("got %+v", got)
	}
	closed := open("gatehouse-system", "gatehouse-webhook")
	closed.Spec.Type = corev1.ServiceTypeClusterIP
	s.Update(s.at.With(closed), []inventory.Key{inventory.KeyOf(closed)})
	if got := s.Results("gatehouse-system"); len(got) != 0 {
		t.Errorf("closed, it has %v", got)
	}
}
