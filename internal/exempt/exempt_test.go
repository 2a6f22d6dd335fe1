// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func testSet(t testing.TB) *checks.Set {
	t.Helper()
	c := checks.Check{
		ID: "TST-001", Name: "open-door", Severity: checks.High, Kinds: []schema.GroupKind{inventory.ServiceKind},
		Doc: checks.Doc{Title: "t", Why: "w", Attack: "a", Fix: "f", Sources: []string{"https://example.com"}},
		Run: func(checks.Input) []checks.Finding { return nil },
	}
	set, err := checks.NewSet(c)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// here is where the tests are installed; lasting lets everything of valid count.
var (
	here    = Place{Install: "gatehouse-system"}
	lasting = Terms{Approved: true, MaxDuration: 90 * 24 * time.Hour}
)

const valid = `apiVersion: gatehouse.sh/v1alpha1
kind: Exemption
metadata: {name: appliance}
spec:
  checks: [open-door]
  objects:
  - {kinds: [Service], namespaces: [shop], names: ["web-*"]}
  subjects: ["port/80"]
  reason: the appliance in front speaks to nodes only
  owner: network@example.com
  expiresAt: 2027-01-01T00:00:00Z
`

func TestOf(t *testing.T) {
	t.Parallel()
	set, err := Parse([]byte(valid), testSet(t), here)
	if err != nil {
		t.Fatal(err)
	}
	service := func(ns, name string) inventory.Key {
		return inventory.Key{Kind: inventory.ServiceKind, Namespace: ns, Name: name}
	}
	expiry := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	before := expiry.Add(-time.Nanosecond)
	for name, tc := range map[string]struct {
		key     inventory.Key
		check   string
		subject string
		now     time.Time
		want    bool
	}{
		"what is named is exempt":          {service("shop", "web-1"), "TST-001", "port/80", before, true},
		"at its expiry it is not":          {service("shop", "web-1"), "TST-001", "port/80", expiry, false},
		"another check is not":             {service("shop", "web-1"), "TST-002", "port/80", before, false},
		"another subject is not":           {service("shop", "web-1"), "TST-001", "port/81", before, false},
		"another namespace is not":         {service("bank", "web-1"), "TST-001", "port/80", before, false},
		"another name is not":              {service("shop", "api"), "TST-001", "port/80", before, false},
		"another kind is not":              {inventory.Key{Kind: inventory.IngressKind, Namespace: "shop", Name: "web-1"}, "TST-001", "port/80", before, false},
		"a cluster-scoped object is not":   {inventory.Key{Kind: inventory.ServiceKind, Name: "web-1"}, "TST-001", "port/80", before, false},
		"a name with more before is not":   {service("shop", "a-web-1"), "TST-001", "port/80", before, false},
		"an empty name after the * may be": {service("shop", "web-"), "TST-001", "port/80", before, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := set.Of(tc.key, checks.Finding{Check: tc.check, Subject: tc.subject}, lasting, tc.now) != nil
			if got != tc.want {
				t.Errorf("exempt: got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ old, replacement, want string }{
		"an unknown check":               {"open-door", "closed-door", `no check has the id or name "closed-door"`},
		"no checks":                      {"checks: [open-door]", "checks: []", "names no check"},
		"no objects":                     {"objects:\n  - {kinds: [Service], namespaces: [shop], names: [\"web-*\"]}", "objects: []", "selects no object"},
		"a selector of everything":       {"{kinds: [Service], namespaces: [shop], names: [\"web-*\"]}", "{}", "selects everything"},
		"a misspelled selector":          {"namespaces:", "namespace:", `unknown field "spec.objects[0].namespace"`},
		"no reason":                      {"reason: the appliance in front speaks to nodes only", "reason: ' '", "spec.reason is empty"},
		"no owner":                       {"  owner: network@example.com\n", "", "spec.owner is empty"},
		"no expiry":                      {"  expiresAt: 2027-01-01T00:00:00Z\n", "", "spec.expiresAt"},
		"a day without time":             {"2027-01-01T00:00:00Z", "2027-01-01", "spec.expiresAt"},
		"a pattern in the middle":        {"web-*", "w*b", "spec.objects[0].names[0]"},
		"another kind":                   {"kind: Exemption", "kind: Pardon", "is a \"Pardon\""},
		"a key that is set twice":        {"reason:", "owner: me\n  reason:", "already"},
		"something that is not YAML":     {"spec:", "spec: [", "parse YAML"},
		"a name without anything behind": {"{name: appliance}", "{}", "metadata.name is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(valid, tc.old, tc.replacement, 1)
			if text == valid {
				t.Fatalf("nothing was replaced")
			}
			_, err := Parse([]byte(text), testSet(t), here)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestParseReadsStreamsAndLists(t *testing.T) {
	t.Parallel()
	second := strings.Replace(valid, "appliance", "other", 1)
	set, err := Parse([]byte(valid+"---\n---\n"+second), testSet(t), here)
	if err != nil || len(set.All()) != 2 || set.All()[1].Line != 14 {
		t.Fatalf("stream: got %+v, %v", set.All(), err)
	}
	indented := "- " + strings.ReplaceAll(strings.TrimSpace(valid), "\n", "\n  ")
	set, err = Parse([]byte("apiVersion: v1\nkind: List\nitems:\n"+indented+"\n"), testSet(t), here)
	if err != nil || len(set.All()) != 1 {
		t.Fatalf("list: got %+v, %v", set.All(), err)
	}
	if _, err := Parse([]byte(valid+"---\n"+valid), testSet(t), here); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Fatalf("same name twice: got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(valid))
	f.Add([]byte("kind: List\nitems: [{}, 1]\n"))
	f.Add([]byte("&a [*a]"))
	set := testSet(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data, set, here)
		if (s == nil) == (err == nil) {
			t.Fatalf("got %v, %v", s, err)
		}
		for _, e := range s.All() {
			if len(e.Checks) == 0 || len(e.Objects) == 0 || e.Reason == "" || e.Owner == "" || e.ExpiresAt.IsZero() {
				t.Fatalf("incomplete exemption was accepted: %+v", e)
			}
		}
	})
}
