// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWhatCouldNotBeKeptIsKeptLater: the next process begins with what was served last,
// not with what was served before the disk was full.
func TestWhatCouldNotBeKeptIsKeptLater(t *testing.T) {
	t.Parallel()
	p, folder := newPlace(t), t.TempDir()
	is := func(name string) func() bool {
		return func() bool {
			got, err := kept(folder)
			return err == nil && string(got) == string(text(t, name))
		}
	}
	var a, b applied
	p.hub.Offer("edge", text(t, "a"))
	_, stop := p.follow(t, "edge-1", folder, a.apply)
	eventually(t, "it is kept", is("a"))
	inTheWay := filepath.Join(folder, keptName+".new")
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	p.hub.Offer("edge", text(t, "b"))
	eventually(t, "what cannot be kept is served all the same", func() bool { return a.all() == "a b" })
	if !is("a")() {
		t.Error("what was kept before is not there any more")
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is kept once it can be", is("b"))
	p.stop()
	stop()
	next, _ := p.follow(t, "edge-1", folder, b.apply)
	eventually(t, "the next process begins", next.Ready)
	if got := b.all(); got != "b" {
		t.Errorf("the next process begins with %q, want b", got)
	}
}
