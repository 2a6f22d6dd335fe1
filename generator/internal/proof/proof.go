// SPDX-License-Identifier: Apache-2.0

// Package proof is what the tests of all dialects do with random models: which
// ones, what is wrong with the policies that were made of one, and whether the
// comparison finds faults that were put in on purpose.
package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	kjson "sigs.k8s.io/json"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/internal/randommodel"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// What chooses the models: how many, 2,000 if not said, and the seed of the
// first, which "random" draws.
const (
	modelsVariable = "GATEHOUSE_MODELS"
	seedVariable   = "GATEHOUSE_SEED"
)

// Seeds returns how many models to prove, and the seed of the first; getenv is
// os.Getenv.
func Seeds(t testing.TB, getenv func(string) string) (models, first uint64) {
	t.Helper()
	return number(t, modelsVariable, getenv(modelsVariable), 2000), number(t, seedVariable, getenv(seedVariable), 0)
}

func number(t testing.TB, name, text string, otherwise uint64) uint64 {
	t.Helper()
	switch {
	case text == "":
		return otherwise
	case name == seedVariable && text == "random":
		return uint64(rand.Uint32()) //nolint:gosec // which models are proved is no secret
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// Model returns the model of a seed; every eighth is a large one.
func Model(seed uint64) *generator.Model {
	size := randommodel.Options{}
	if seed%8 == 0 {
		size = randommodel.Options{Workloads: 40, Edges: 80}
	}
	return randommodel.New(rand.New(rand.NewPCG(seed, 4)), size) //nolint:gosec // a model that can be drawn again
}

// Random proves random models, as many at once as there are processors, and says how
// many of them could be said wholly, as check reports. Of a hundred or more, one of
// share must be: the rest shows little. It returns how many were proved.
func Random(t *testing.T, share uint64, getenv func(string) string, check func(t *testing.T, m *generator.Model, seed uint64) (whole bool)) uint64 {
	t.Helper()
	models, first := Seeds(t, getenv)
	var proved, whole atomic.Uint64
	had := make([]atomic.Uint64, len(randommodel.Traits()))
	t.Run("random", func(t *testing.T) { // which ends after its parts
		parts := uint64(runtime.GOMAXPROCS(0)) //nolint:gosec // at least 1
		for part := range parts {
			t.Run(fmt.Sprintf("part %d of %d", part+1, parts), func(t *testing.T) {
				t.Parallel()
				for i := part; i < models; i += parts {
					m := Model(first + i)
					if check(t, m, first+i) {
						whole.Add(1)
					}
					proved.Add(1)
					for i, has := range randommodel.Has(m) {
						if has {
							had[i].Add(1)
						}
					}
				}
			})
		}
	})
	if models == 0 || models >= 100 && whole.Load()*share < models {
		t.Errorf("of %d models only %d can be said wholly: the rest shows little", models, whole.Load())
	}
	t.Logf("%d models from seed %d, %d of them without a problem", proved.Load(), first, whole.Load())
	for i, trait := range randommodel.Traits() {
		t.Logf("%d of them have %s", had[i].Load(), trait)
	}
	return proved.Load()
}

// Written is policies as the API server would have them: as JSON, and read from it
// strictly.
func Written[T any](list []T) ([]T, error) {
	text, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("write policies: %w", err)
	}
	var out []T
	strict, err := kjson.UnmarshalStrict(text, &out)
	if err = errors.Join(append(strict, err)...); err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	return out, nil
}

// Without returns a model without the edges that came back as problems.
func Without(m *generator.Model, problems []generator.Problem) *generator.Model {
	rest := *m
	rest.Edges = slices.DeleteFunc(slices.Clone(m.Edges), func(e generator.Edge) bool {
		return slices.ContainsFunc(problems, func(p generator.Problem) bool { return p.Edge.Compare(e) == 0 })
	})
	return &rest
}

// Wrong compares policies with the model that they were made of. Nothing may be
// allowed that the model does not want, and nothing be missing but what came back
// as a problem.
func Wrong(read []verify.Policy, m *generator.Model, problems []generator.Problem) []string {
	kept, err := verify.Compare(read, Without(m, problems), verify.Options{})
	if err != nil {
		return []string{err.Error()}
	}
	all := kept
	if len(problems) > 0 && len(kept.Extra) > 0 { // else nothing is more than the whole model wants
		if all, err = verify.Compare(read, m, verify.Options{}); err != nil {
			return []string{err.Error()}
		}
	}
	var out []string
	for _, d := range all.Extra {
		out = append(out, fmt.Sprintf("allowed, and not wanted: %s", d))
	}
	for _, d := range kept.Missing {
		out = append(out, fmt.Sprintf("wanted, and not allowed: %s", d))
	}
	return out
}

// FindsFaults counts over 400 seeds in how many models a fault could be put, which
// must be at least least, and in how many of these the comparison finds it, which
// must be one of each share. Not every fault means something else: the guard of the
// other end may refuse what is too much, another rule say the same, a name be nobody's.
func FindsFaults(t *testing.T, least, share int, try func(seed uint64) (spoilt, found bool)) {
	t.Helper()
	spoilt, found := 0, 0
	for seed := range uint64(400) {
		did, seen := try(seed)
		if did {
			spoilt++
			if seen {
				found++
			}
		}
	}
	if spoilt < least || found*share < spoilt {
		t.Errorf("%d of %d faults found", found, spoilt)
	}
	t.Logf("%d of %d faults found", found, spoilt)
}

// Same says that two readings of policies differ, or that one of them cannot be
// compared with a model: what was read must hold together.
func Same(t *testing.T, m *generator.Model, first, second []verify.Policy) {
	t.Helper()
	for _, blocks := range []verify.BlockScope{verify.BlocksAreOutside, verify.BlocksMatchPods} {
		gained, lost, err := verify.Diff(first, second, m, verify.Options{Blocks: blocks})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range append(gained, lost...) {
			t.Errorf("the second reading differs in %s (%s; %s)", d, d.Egress, d.Ingress)
		}
		if _, err := verify.Compare(first, m, verify.Options{Blocks: blocks}); err != nil {
			t.Error(err)
		}
	}
}
