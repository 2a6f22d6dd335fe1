// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestWhatIsTranslatedAfterOthersIsWhatIsTranslatedAlone: whatever comes, goes and changes
// in a cluster, who has translated what was before says of it what anybody says.
func TestWhatIsTranslatedAfterOthersIsWhatIsTranslatedAlone(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("there is no case", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil || len(archive.Files) == 0 {
				t.Fatal("it has no objects", err)
			}
			objects := read(t, archive.Files[0].Data)
			words := wordsOf(t, objects)
			r := rand.New(rand.NewPCG(1, uint64(len(file))))
			after := &Translator{}
			for step := range 25 {
				o := edited(t, objects, words, r)
				got, want := after.Translate(o, options), Translate(o, options)
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("step %d: %s", step, cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })))
				}
				if len(want.Snapshots) > 0 {
					for _, s := range got.Snapshots {
						if faults := s.Validate(); len(faults) > 0 {
							t.Fatalf("step %d: %v", step, faults)
						}
					}
				}
			}
		})
	}
}

// edited are objects of which some are gone, and a few say something else.
func edited(t *testing.T, o *Objects, words []string, r *rand.Rand) *Objects {
	out := &Objects{}
	from, to := reflect.ValueOf(o).Elem(), reflect.ValueOf(out).Elem()
	for i := range from.NumField() {
		if from.Field(i).Kind() != reflect.Slice {
			continue
		}
		for k := range from.Field(i).Len() {
			v := from.Field(i).Index(k)
			switch r.IntN(16) {
			case 0: // it is gone
			case 1, 2:
				to.Field(i).Set(reflect.Append(to.Field(i), reworded(t, v, words, r)))
			default:
				to.Field(i).Set(reflect.Append(to.Field(i), v))
			}
		}
	}
	return out
}

// reworded is an object of which one word is another one of the case's; or the object, if
// it cannot be read then.
func reworded(t *testing.T, v reflect.Value, words []string, r *rand.Rand) reflect.Value {
	tree := treeOf(t, v)
	leaves := 0
	leavesOf(tree, func(s string) string { leaves++; return s })
	at, n := r.IntN(leaves+1), 0
	tree = leavesOf(tree, func(s string) string {
		if n++; n == at {
			return words[r.IntN(len(words))]
		}
		return s
	})
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	out := reflect.New(v.Type().Elem())
	if json.Unmarshal(text, out.Interface()) != nil {
		return v
	}
	return out
}

func treeOf(t *testing.T, v reflect.Value) any {
	text, err := json.Marshal(v.Interface())
	var out any
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// leavesOf is a tree in which each string, in order, is what change makes of it.
func leavesOf(tree any, change func(string) string) any {
	switch v := tree.(type) {
	case string:
		return change(v)
	case []any:
		for i := range v {
			v[i] = leavesOf(v[i], change)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			v[k] = leavesOf(v[k], change)
		}
	}
	return tree
}

// wordsOf are all strings of objects, and some that are at fault anywhere.
func wordsOf(t *testing.T, o *Objects) []string {
	out := []string{"(", "a b", "/x", "*.example.com", ""}
	for _, v := range reflect.ValueOf(o).Elem().Fields() {
		if v.Kind() != reflect.Slice {
			continue
		}
		for k := range v.Len() {
			leavesOf(treeOf(t, v.Index(k)), func(s string) string {
				out = append(out, s)
				return s
			})
		}
	}
	return out
}

// TestARuleIsJudgedAgainWhenItChanges, and when what it sends to does; and not otherwise.
func TestARuleIsJudgedAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	at := seatOf{of: httpRouteKind, at: "rules[0]"}
	type rule struct {
		path    string
		to      string
		backend []string
	}
	for name, tc := range map[string]struct {
		now   rule
		again bool
		fault bool
	}{
		"it is as it was":            {now: rule{"/a", "b", []string{"b"}}},
		"its path is another one":    {now: rule{"/b", "b", []string{"b"}}, again: true},
		"its path is none":           {now: rule{"a", "b", []string{"b"}}, again: true, fault: true},
		"its backend is not there":   {now: rule{"/a", "b", nil}, again: true, fault: true},
		"its backend is another one": {now: rule{"/a", "c", []string{"c"}}, again: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judge := func(m *memory, r rule) *verdict {
				return m.judge(at, []config.Match{{Path: config.PathMatch{Prefix: r.path}}}, &config.Target{Backends: []config.Weighted{{Name: r.to}}}, r.backend)
			}
			before := &memory{verdicts: map[seatOf]*verdict{}, last: &memory{}}
			first := judge(before, rule{"/a", "b", []string{"b"}})
			got := judge(&memory{verdicts: map[seatOf]*verdict{}, last: before}, tc.now)
			if again := got != first; again != tc.again || (len(got.faults) > 0) != tc.fault {
				t.Errorf("judged again %t, faults %v", again, got.faults)
			}
		})
	}
}

// TestNothingIsRememberedOfWhatIsGone.
func TestNothingIsRememberedOfWhatIsGone(t *testing.T) {
	t.Parallel()
	objects := read(t, []byte(granting+"---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a, namespace: shop}\nspec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: here, port: 80}]}]}\n"))
	after := &Translator{}
	if after.Translate(objects, options); len(after.before.verdicts) != 1 || len(after.before.backends) != 1 || len(after.before.snapshots) != 1 {
		t.Fatalf("%d rules, %d backends and %d snapshots", len(after.before.verdicts), len(after.before.backends), len(after.before.snapshots))
	}
	if after.Translate(&Objects{}, options); len(after.before.verdicts) != 0 || len(after.before.backends) != 0 || len(after.before.snapshots) != 0 || after.before.last != nil {
		t.Errorf("%d rules, %d backends and %d snapshots", len(after.before.verdicts), len(after.before.backends), len(after.before.snapshots))
	}
}
