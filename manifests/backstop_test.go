// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/backstop"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

func TestTheBackstopIsThatOfTheChecks(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	want, err := backstop.Build(policy.Default(set), backstop.Options{Namespace: installed})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := want.Write(&b); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join("backstop", "policies.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(string(raw), "\n") // the first line says what makes it
	if diff := cmp.Diff(b.String(), got); diff != "" {
		t.Errorf("backstop/policies.yaml is not up to date; run make generate (want -, got +):\n%.4000s", diff)
	}
	rendered := render(t, "backstop")
	if n := len(objects[admissionregistrationv1.ValidatingAdmissionPolicy](t, rendered, "ValidatingAdmissionPolicy")); n != len(want.Policies) {
		t.Errorf("%d policies rendered, want %d", n, len(want.Policies))
	}
	if n := len(objects[admissionregistrationv1.ValidatingAdmissionPolicyBinding](t, rendered, "ValidatingAdmissionPolicyBinding")); n != len(want.Bindings) {
		t.Errorf("%d bindings rendered, want %d", n, len(want.Bindings))
	}
}
