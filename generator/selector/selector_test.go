// SPDX-License-Identifier: Apache-2.0

package selector

import (
	"errors"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// workload reads "web: app=web tier=front | app=web": the labels, and what the
// owner selects by. A name that begins with "host-" is on the node's network.
func workload(t *testing.T, text string) *generator.Workload {
	t.Helper()
	name, rest, ok := strings.Cut(text, ":")
	if !ok {
		t.Fatal(text)
	}
	have, own, _ := strings.Cut(rest, "|")
	set := func(text string) map[string]string {
		out := map[string]string{}
		for f := range strings.FieldsSeq(text) {
			k, v, _ := strings.Cut(f, "=")
			out[k] = v
		}
		return out
	}
	return &generator.Workload{
		ID:     generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: name},
		Labels: set(have), Selector: set(own), HostNetwork: strings.HasPrefix(name, "host-"),
	}
}

func universe(t *testing.T, texts ...string) *generator.Universe {
	t.Helper()
	var list []*generator.Workload
	for _, text := range texts {
		list = append(list, workload(t, text))
	}
	u, err := generator.NewUniverse(list, nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func text(s metav1.LabelSelector) string { return metav1.FormatLabelSelector(&s) }

// TestOne: each case is about its first workload.
func TestOne(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		workloads []string
		visible   func(string) bool
		want      string // "" for ErrNoLabels
	}{
		"B1.19 what the owner selects by":                     {[]string{"web: app=web tier=front | app=web", "db: app=db"}, nil, "app=web"},
		"all that the owner selects by, though less would do": {[]string{"web: app=web rel=a | app=web rel=a", "db: app=db rel=b"}, nil, "app=web,rel=a"},
		"B1.19 two releases of a chart":                       {[]string{"a: app=web app.kubernetes.io/instance=a | app=web app.kubernetes.io/instance=a", "b: app=web app.kubernetes.io/instance=b"}, nil, "app=web,app.kubernetes.io/instance=a"},
		"B1.20 the owner's selector matches another workload": {[]string{"web: app=web tier=front | app=web", "job: app=web tier=back"}, nil, "tier=front"},
		"no owner's selector: the fewest labels":              {[]string{"web: zone=x app=web tier=front", "db: app=db zone=x"}, nil, "app=web"},
		"two labels are needed":                               {[]string{"a: x=1 y=1", "b: x=1 y=2", "c: x=2 y=1"}, nil, "x=1,y=1"},
		"five labels are needed": {[]string{
			"a: v=1 w=1 x=1 y=1 z=1", "b: v=2 w=1 x=1 y=1 z=1", "c: v=1 w=2 x=1 y=1 z=1", "d: v=1 w=1 x=2 y=1 z=1", "e: v=1 w=1 x=1 y=2 z=1", "f: v=1 w=1 x=1 y=1 z=2",
		}, nil, "v=1,w=1,x=1,y=1,z=1"},
		"B1.19 labels that churn are not used":  {[]string{"a: app=web pod-template-hash=1 version=2", "b: app=db pod-template-hash=2"}, nil, "app=web"},
		"B1.21 only labels of one run of a Job": {[]string{"a: job-name=x controller-uid=7"}, nil, ""},
		"an owner's selector that churns":       {[]string{"a: app=web version=1 | app=web version=1", "b: app=db"}, nil, "app=web"},
		"no labels":                             {[]string{"a:"}, nil, ""},
		"absent only where no pairs do":         {[]string{"a: app=web", "b: app=web canary=yes", "c: app=web debug=on canary=yes"}, nil, "app=web,!canary"},
		"no key must be absent that the others make needless": {[]string{
			"a: app=web", "b: app=web k=1 m=1", "c: app=web k=2 m=2", "d: app=web k=1 n=1", "e: app=web k=2 n=2", "f: app=web m=1", "g: app=web n=1",
		}, nil, "app=web,!m,!n"},
		"several must be absent":                                           {[]string{"a: app=web", "b: app=web canary=yes", "c: app=web debug=on"}, nil, "app=web,!canary,!debug"},
		"B2.6 a label that the enforcer does not see":                      {[]string{"a: app=web team=a | app=web", "b: app=db team=b"}, func(k string) bool { return k == "team" }, "team=a"},
		"nothing that the enforcer sees":                                   {[]string{"a: app=web | app=web"}, func(string) bool { return false }, ""},
		"B1.13 a pod on the node's network is not selected":                {[]string{"a: app=web tier=front | app=web", "host-b: app=web tier=node"}, nil, "tier=front"},
		"a pod on the node's network with the same labels does not matter": {[]string{"a: app=web | app=web", "host-b: app=web"}, nil, "app=web"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := universe(t, tc.workloads...)
			x := New(u, Options{Visible: tc.visible})
			first, _, _ := strings.Cut(tc.workloads[0], ":")
			got, err := x.One(x.ClassOf(u.Workload(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: first})))
			if (tc.want == "") != errors.Is(err, ErrNoLabels) {
				t.Fatal(err)
			}
			if err == nil && text(got.Pods) != tc.want {
				t.Errorf("%s, not %s", text(got.Pods), tc.want)
			}
		})
	}
}

// TestCover: the workloads whose names begin with "in" are to be selected.
func TestCover(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ workloads, want []string }{
		"one":                             {[]string{"in: app=a | app=a", "out: app=b"}, []string{"app=a"}},
		"one key":                         {[]string{"in1: app=a | app=a", "in2: app=b | app=b", "out: app=c"}, []string{"app in (a,b)"}},
		"one value":                       {[]string{"in1: app=a x=1", "in2: app=a x=2", "out: app=c"}, []string{"app=a"}},
		"what owners select by":           {[]string{"in1: a=1 app=a | app=a", "in2: a=2 app=b | app=b", "out: a=3 app=c"}, []string{"app in (a,b)"}},
		"a common label":                  {[]string{"in1: app=a set=x", "in2: k8s-app=b set=x", "out: app=c set=y"}, []string{"set=x"}},
		"two keys":                        {[]string{"in1: app=a", "in2: app=b", "in3: k8s-app=c", "in4: k8s-app=d", "out: name=x"}, []string{"app in (a,b)", "k8s-app in (c,d)"}},
		"one by one":                      {[]string{"in1: x=1 y=1", "in2: x=2 y=2", "out1: x=1 y=2", "out2: x=2 y=1"}, []string{"x=1,y=1", "x=2,y=2"}},
		"a value shared with one outside": {[]string{"in1: app=a", "in2: app=b", "in3: app=c tier=in", "out: app=c tier=out"}, []string{"app in (a,b)", "tier=in"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := universe(t, tc.workloads...)
			x := New(u, Options{})
			var in []*Class
			for _, w := range u.Workloads() {
				if strings.HasPrefix(w.ID.Name, "in") {
					in = append(in, x.ClassOf(w))
				}
			}
			var got []string
			for _, s := range x.Cover("shop", in) {
				got = append(got, text(s.Pods))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("%q, not %q", got, tc.want)
			}
		})
	}
}

func TestExpectedPodsAreNotSelected(t *testing.T) {
	t.Parallel()
	u := universe(t, "web: app=web tier=x | tier=x", "db: app=db tier=y | tier=y")
	x := New(u, Options{Expected: []generator.PodSet{
		{Namespace: "shop", Labels: map[string]string{"tier": "x", "k8s-app": "dns"}},
		{Namespace: "other", Labels: map[string]string{"tier": "y"}},
		{Namespace: "shop", Labels: map[string]string{"tier": "y"}}, // of which db is one
	}})
	hidden := New(u, Options{Visible: func(key string) bool { return key == "tier" }, Expected: []generator.PodSet{{Namespace: "shop", Labels: map[string]string{"tier": "x", "k8s-app": "dns"}}}})
	if s, err := hidden.One(hidden.ClassOf(u.Workloads()[1])); !errors.Is(err, ErrExpected) {
		t.Errorf("%s %v: nothing that is seen tells web from the name servers", text(s.Pods), err)
	}
	for name, want := range map[string]string{"web": "app=web", "db": "tier=y"} {
		got, err := x.One(x.ClassOf(u.Workload(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: name})))
		if err != nil || text(got.Pods) != want {
			t.Errorf("%s: %s %v, not %s", name, text(got.Pods), err, want)
		}
	}
}
