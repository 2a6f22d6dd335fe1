// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestAnAnswerIsRecalledForTheSameQuestionOnly(t *testing.T) {
	t.Parallel()
	asked, other := &corev1.Service{}, &corev1.Service{}
	in := Input{Inventory: inventory.New(), Parameters: DefaultParameters()}.Sharing()
	in.Remember(asked, "answer")
	elsewhere, stricter := in, in
	elsewhere.Inventory, stricter.Parameters = inventory.New(), DefaultParameters()
	for name, tc := range map[string]struct {
		in     Input
		object any
		known  bool
	}{
		"the same question":      {in, asked, true},
		"another object":         {in, other, false},
		"another inventory":      {elsewhere, asked, false},
		"other parameters":       {stricter, asked, false},
		"another evaluation":     {in.Sharing(), asked, false},
		"an input not for share": {Input{Inventory: in.Inventory, Parameters: in.Parameters}, asked, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if answer, known := tc.in.Recall(tc.object); known != tc.known || known && answer != "answer" {
				t.Errorf("got %v, %v; want known %v", answer, known, tc.known)
			}
		})
	}
}
