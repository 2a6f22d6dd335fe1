// SPDX-License-Identifier: Apache-2.0

// Package differential asks internal/authz and Kubernetes the same questions
// about the same random RBAC objects, and fails at the first answer that
// differs. Kubernetes answers twice: through its in-tree RBAC authorizer, for
// volume, and through a real API server with its controllers, because that is
// what clusters run. It is a module of its own, so that the product does not
// depend on k8s.io/kubernetes.
//
// Everything random comes from one seed. Every test prints it with what it
// asked; GATEHOUSE_SEED chooses another, and "random" one from the clock.
package differential

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// The controllers write what aggregated ClusterRoles grant.
func TestMain(m *testing.M) {
	controlplane.MainWith(m, controlplane.Options{WithControllerManager: true, Log: os.Stderr})
}

const (
	seedVariable = "GATEHOUSE_SEED"
	defaultSeed  = 20260
)

// seedOf returns the seed of this run.
func seedOf(t testing.TB) uint64 {
	t.Helper()
	text := os.Getenv(seedVariable)
	switch text {
	case "":
		return defaultSeed
	case "random":
		return uint64(rand.Uint32())
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", seedVariable, err)
	}
	return seed
}

// dice draw the same numbers for the same seed and index.
type dice struct{ *rand.Rand }

func newDice(seed, index uint64) dice { return dice{rand.New(rand.NewPCG(seed, index))} }

// chance is true in so many of a hundred cases.
func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

// between returns a number of low to high, both included.
func (d dice) between(low, high int) int { return low + d.IntN(high-low+1) }

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

// some returns one to most different elements.
func some[T comparable](d dice, list []T, most int) []T {
	var out []T
	for range d.between(1, most) {
		if one := pick(d, list); !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}
