// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// universe is a cluster of a few pods: what is stored, and what of it the watch
// has shown.
type universe struct {
	*stage
	random  *rand.Rand
	version uint64
	stored  map[string]*corev1.Pod
	flight  []func() // events on their way
	word    map[string]*inventory.Entry
}

// TestViewsHoldWhatTheyPromise plays random writes, failed writes, delayed events
// and lists, and compares both views with what the watch has said after each.
func TestViewsHoldWhatTheyPromise(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				u := newUniverse(t, seed)
				defer u.run(t.Context())()
				for range 400 {
					published := u.workloads()
					u.act()
					for w, was := range published {
						if w.Spec != was.Spec || w.Controller != was.Controller {
							t.Fatalf("%s was changed after it was published", w.Key)
						}
					}
					u.compare(t)
				}
				for _, deliver := range u.flight {
					deliver()
				}
				u.flight = nil
				u.compare(t)
				time.Sleep(6 * time.Second)
				synctest.Wait()
				current, watched := u.Views()
				if current != watched || len(u.pending.byKey) != 0 || u.pending.disputed != 0 {
					t.Errorf("something outlived its life: %+v", u.pending)
				}
				u.same(t, "at the end", current, func(name string) *inventory.Entry { return u.word[name] })
			})
		})
	}
}

func newUniverse(t testing.TB, seed uint64) *universe {
	u := &universe{stage: newStage(t, PendingOptions{Objects: 6}), random: rand.New(rand.NewPCG(seed, 1)), stored: map[string]*corev1.Pod{}, word: map[string]*inventory.Entry{}}
	u.watcher.kind = kindsNamed(t, "Pod")[0]
	return u
}

// act lets one thing happen: a write with its review, an event that arrives, a
// list, or time that passes.
func (u *universe) act() {
	switch n := u.random.IntN(10); {
	case n < 4:
		u.write1()
	case n < 5:
		u.remove()
	case n < 9 && len(u.flight) > 0:
		u.flight[0]()
		u.flight = u.flight[1:]
	case n == 9 && u.random.IntN(4) == 0:
		u.list()
	default:
		time.Sleep(time.Duration(u.random.IntN(2000)) * time.Millisecond)
		synctest.Wait()
	}
}

func (u *universe) write1() {
	o := pod(u.random.IntN(8)) // five of one controller, three of another
	o.Labels["state"] = strconv.Itoa(u.random.IntN(1000))
	o.Spec.HostNetwork = u.random.IntN(2) == 0
	o.ResourceVersion = ""
	base, before := "", u.stored[o.Name]
	lands := u.random.IntN(3) > 0
	if before != nil && u.random.IntN(4) > 0 {
		base, o.UID, o.ResourceVersion = before.ResourceVersion, before.UID, before.ResourceVersion
	} else {
		o.UID = types.UID(strconv.FormatUint(u.random.Uint64(), 16))
		lands = lands && before == nil // the name is taken
	}
	u.Admit(o, base, 1)
	if !lands {
		return
	}
	u.version++
	o = o.DeepCopy()
	o.ResourceVersion = strconv.FormatUint(u.version, 10)
	u.stored[o.Name] = o
	u.flight = append(u.flight, func() { u.show(o.DeepCopy()) })
}

func (u *universe) remove() {
	for name, o := range u.stored {
		delete(u.stored, name)
		u.version++
		o = o.DeepCopy()
		o.ResourceVersion = strconv.FormatUint(u.version, 10)
		u.flight = append(u.flight, func() {
			made := newCompactor(u.watcher.kind, &u.pool).gone(o)
			delete(u.word, name)
			u.batch(change{watcher: u.watcher, verb: remove, key: made.key, version: number(made.version), uid: made.uid, at: made.decoded})
		})
		return
	}
}

func (u *universe) show(o *corev1.Pod) {
	made := newCompactor(u.watcher.kind, &u.pool).stub(o)
	u.word[o.Name] = made.entry
	u.batch(change{watcher: u.watcher, verb: put, entry: made.entry, key: made.key, uid: made.uid, at: made.decoded})
}

// list takes the whole state over, as after a watch that broke: the events on
// their way are lost.
func (u *universe) list() {
	u.flight = nil
	keep := map[inventory.Key]bool{}
	for _, o := range u.stored {
		u.show(o.DeepCopy())
		keep[inventory.KeyOf(o)] = true
	}
	for name := range u.word {
		if u.stored[name] == nil {
			delete(u.word, name)
		}
	}
	u.batch(change{watcher: u.watcher, verb: sweep, keep: keep, version: u.version, at: time.Now()})
}

// workloads copies what both views show.
func (u *universe) workloads() map[*inventory.Workload]inventory.Workload {
	out := map[*inventory.Workload]inventory.Workload{}
	current, watched := u.Views()
	for _, inv := range []*inventory.Inventory{current, watched} {
		for e := range inv.Entries(inventory.PodKind, "") {
			out[e.Workload] = *e.Workload
		}
	}
	return out
}

// compare checks: the watched view holds what the watch said, and what was only
// admitted as the current view has it; the current one holds what is provisional
// and otherwise what the watch said.
func (u *universe) compare(t *testing.T) {
	t.Helper()
	current, watched := u.Views()
	held := func(name string) *inventory.Entry {
		for k, p := range u.pending.byKey {
			if k.Name == name {
				return p.entry
			}
		}
		return nil
	}
	u.same(t, "current", current, func(name string) *inventory.Entry {
		if e := held(name); e != nil {
			return e
		}
		return u.word[name]
	})
	u.same(t, "watched", watched, func(name string) *inventory.Entry {
		if e := u.word[name]; e != nil {
			return e
		}
		return held(name)
	})
}

func (u *universe) same(t *testing.T, view string, inv *inventory.Inventory, want func(name string) *inventory.Entry) {
	t.Helper()
	n := 0
	for i := range 8 {
		key := inventory.KeyOf(pod(i))
		got, expected := inv.Entry(key), want(key.Name)
		if (got == nil) != (expected == nil) {
			t.Fatalf("%s: %s: got %v, want %v", view, key.Name, got, expected)
		}
		if got == nil {
			continue
		}
		n++
		state := expected.Workload.Labels["state"]
		if !inventory.Same(got, expected) {
			t.Fatalf("%s: %s: got %+v, want %+v", view, key.Name, got.Workload, expected.Workload)
		}
		found := 0
		for w := range inv.Selected(key.Namespace, map[string]string{"state": state}) {
			if w.Key == key {
				found++
			}
		}
		if found != 1 {
			t.Fatalf("%s: %s is found %d times by its labels", view, key.Name, found)
		}
	}
	if inv.Len(inventory.PodKind) != n {
		t.Fatalf("%s: holds %d pods, want %d", view, inv.Len(inventory.PodKind), n)
	}
}
