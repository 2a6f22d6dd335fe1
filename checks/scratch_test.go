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
