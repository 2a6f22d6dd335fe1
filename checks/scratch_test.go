// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestAnAnswerIsSharedForTheSameQuestionOnly(t *testing.T) {
	t.Parallel()
	type first string
	type second string
	asked, other := &corev1.Service{}, &corev1.Service{}
	inv, parameters := inventory.New(), DefaultParameters()
	for name, tc := range map[string]struct {
		again  func(in Input) string
		shared bool
	}{
		"the same question": {func(in Input) string { return string(Shared(in, asked, func() first { return "again" })) }, true},
		"another object":    {func(in Input) string { return string(Shared(in, other, func() first { return "again" })) }, false},
		"another question":  {func(in Input) string { return string(Shared(in, asked, func() second { return "again" })) }, false},
		"another inventory": {func(in Input) string {
			in.Inventory = inventory.New()
			return string(Shared(in, asked, func() first { return "again" }))
		}, false},
		"other parameters": {func(in Input) string {
			in.Parameters = DefaultParameters()
			return string(Shared(in, asked, func() first { return "again" }))
		}, false},
		"another evaluation": {func(in Input) string { return string(Shared(in.Sharing(), asked, func() first { return "again" })) }, false},
		"an input that shares nothing": {func(Input) string {
			return string(Shared(Input{Inventory: inv, Parameters: parameters}, asked, func() first { return "again" }))
		}, false},
		"after as many others as are kept": {func(in Input) string {
			for range in.scratch.answers {
				Shared(in, &corev1.Service{}, func() first { return "" })
			}
			return string(Shared(in, asked, func() first { return "again" }))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := Input{Inventory: inv, Parameters: parameters}.Sharing()
			if got := Shared(in, asked, func() first { return "answer" }); got != "answer" {
				t.Fatalf("got %q", got)
			}
			want := "again"
			if tc.shared {
				want = "answer"
			}
			if got := tc.again(in); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestWhatAnUpdateReplacesIsOneInput(t *testing.T) {
	t.Parallel()
	object, old := &corev1.Service{}, &corev1.Service{}
	object.Name, old.Name = "web", "web"
	in := Input{Object: object, Old: old, Inventory: inventory.New(object), Parameters: DefaultParameters()}.Sharing()
	worked := 0
	ask := func(in Input) int { return Shared(in, in.Object, func() int { worked++; return worked }) }
	if got := ask(in); got != 1 {
		t.Fatalf("the object: answer %d", got)
	}
	for range 2 {
		before := in.Before()
		if before.Object != inventory.Object(old) || before.Old != nil || !before.Request.Before || in.Request.Before {
			t.Fatalf("got %+v of %+v", before, in)
		}
		if got := before.Inventory.Service("", "web"); got != old {
			t.Errorf("its inventory holds %p, want the object before the update %p", got, old)
		}
		if got := ask(before); got != 2 {
			t.Errorf("the object before the update: answer %d, want the second, each time", got)
		}
	}
	if got := ask(in); got != 1 {
		t.Errorf("the object again: answer %d", got)
	}
	in.scratch = nil
	if got := ask(in.Before()); got != 3 {
		t.Errorf("without sharing: answer %d, want another", got)
	}
}
