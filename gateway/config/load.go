// SPDX-License-Identifier: Apache-2.0

package config

import (
	"context"
	"crypto/sha256"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/bounded"
)

// Loaded is a configuration and what it was made of.
type Loaded struct {
	Snapshot *Snapshot
	Warnings []Error           // what it has in vain
	Sum      [sha256.Size]byte // of all files
	files    []seen            // that it names
}

// unchanged tells whether all files are as they were read.
func (l *Loaded) unchanged(file string) bool {
	sum := sha256.New()
	data, err := bounded.ReadFile(file, MaxFile)
	if err != nil {
		return false
	}
	_, _ = sum.Write(data) // a hash takes everything
	for _, f := range l.files {
		content, err := bounded.ReadFile(beside(file, f.name), f.most)
		if err != nil {
			return false
		}
		mix(sum, f.name, content)
	}
	return l.Sum == [sha256.Size]byte(sum.Sum(nil))
}

// collectAt is how much the heap may grow while a configuration is read, in percent,
// before it is collected: with 5,000 routes, a process holds 54 MiB at its peak then, and
// 64 with Go's 100.
const collectAt = 50

// reading lets one configuration be read at a time: two that set collectAt and put back
// what they found could leave it in force.
var reading sync.Mutex

// Load reads a configuration from a file, and the files that it names, which are
// looked for beside it. Reading needs several times the memory of what it returns, so
// garbage is collected sooner meanwhile (debug.SetGCPercent, which is of the process).
func Load(file string) (Loaded, error) {
	reading.Lock()
	defer reading.Unlock()
	if often := debug.SetGCPercent(collectAt); often < 0 || often < collectAt {
		debug.SetGCPercent(often) // the environment says more
	} else {
		defer debug.SetGCPercent(often)
	}
	sum := sha256.New()
	data, err := bounded.ReadFile(file, MaxFile)
	if err != nil {
		return Loaded{}, err
	}
	_, _ = sum.Write(data) // a hash takes everything
	s, root, err := decode(file, data)
	if err != nil {
		return Loaded{}, err
	}
	in := &files{of: file, root: root, sum: sum}
	in.all(s)
	if err := errors.Join(in.errs...); err != nil {
		return Loaded{}, err
	}
	if err := located(s.Validate(), file, root); err != nil { // once more, with what is in the files
		return Loaded{}, err
	}
	out := Loaded{Snapshot: s, Warnings: placed(s.Warnings(), file, root), files: in.seen}
	sum.Sum(out.Sum[:0])
	return out, nil
}

// Watch looks at a configuration every so often, and calls apply when any of its files
// has changed since before, and is as it was at the last look: a file that is being
// written may be whole by chance, and say something else. A configuration that cannot be
// read, twice in a row, is told to failed, once for each fault, and looked at again.
// It returns when ctx ends.
func Watch(ctx context.Context, file string, every time.Duration, before Loaded, apply func(Loaded) error, failed func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	told, last := "", ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if before.unchanged(file) {
			told, last = "", ""
			continue
		}
		now, err := Load(file)
		found := string(now.Sum[:])
		if err != nil {
			found = err.Error()
		}
		if found != last {
			last = found
			continue
		}
		if err == nil {
			if err = apply(now); err == nil {
				before, told, last = now, "", ""
				continue
			}
		}
		if err.Error() != told {
			told = err.Error()
			failed(err)
		}
	}
}
