// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

func TestAUsageIsBounded(t *testing.T) {
	t.Parallel()
	u := NewUsage()
	for i := range maxPermissions + 10 {
		u.Add(Use{User: "x", Request: authz.Request{Verb: "get", Path: fmt.Sprint("/", i)}})
	}
	if u.Lost() != 10 {
		t.Errorf("lost %d, want 10", u.Lost())
	}
	for i := range 1000 {
		u.Add(Use{User: "x", Request: authz.Request{Verb: "get", Path: "/1", Name: fmt.Sprint(i)}})
	}
	if u.Lost() != 10 {
		t.Error("what is known is forgotten when the table is full")
	}
}

func TestAUsageIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	u := NewUsage()
	long := strings.Repeat("x", 8<<20)
	for i := range 40 {
		u.Add(Use{User: "x", Request: authz.Request{Verb: "get", Path: fmt.Sprint("/", i, long)}})
	}
	if kept := len(u.Of("x")); kept != 7 || u.Lost() != 33 {
		t.Errorf("%d paths of 8 MiB are kept and %d lost, want 7 and 33", kept, u.Lost())
	}
}

func TestPathsThatEverybodyMayReadDoNotFillTheTable(t *testing.T) {
	t.Parallel()
	u := NewUsage()
	for i := range 1000 {
		u.Add(Use{User: "x", Request: authz.Request{Verb: "get", Path: fmt.Sprint("/apis/", i)}})
		u.Add(Use{User: "x", Request: authz.Request{Verb: "get", Path: fmt.Sprint("/logs/", i)}})
	}
	if got := len(u.Of("x")); got != 1001 {
		t.Errorf("%d permissions are kept, want 1001", got)
	}
}
