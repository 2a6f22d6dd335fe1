// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"time"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator/rollout"
)

// Act is what is to be done in a namespace. The zero value is nothing.
type Act uint8

// The acts.
const (
	Keep     Act = iota // everything stays as it is
	Advance             // the next stage towards the policies of the plan
	Mend                // what was applied last is kept in force
	Withdraw            // the next stage towards no policies
)

// Facts are what a decision rests on.
type Facts struct {
	Mode   v1alpha1.NetworkMode // "" for a namespace that nobody opted in
	Fault  string               // of the mode: an unknown value of the label
	Paused bool

	Refusals []string
	Digest   string        // of the plan
	Stage    rollout.Stage // the next one towards the plan
	Cleanup  rollout.Stage // the next one towards no policies

	Applied   string    // digest of what was applied as a whole last
	AppliedAt time.Time // when
	Withdrawn string    // digest of the plan that was withdrawn, while that counts

	// Dropped are connections of the plan that were dropped since it was applied.
	Dropped []Drop

	// Denied says that something of ours denies in the namespace now.
	Denied bool

	// Ahead is how many namespaces are being applied for the first time, are still
	// watched after it, or were withdrawn.
	Ahead int
	// AtOnce is how many of them there may be.
	AtOnce int
	// Watch is how long a plan is watched after it was applied as a whole, and
	// withdrawn when what it wants is dropped.
	Watch time.Duration

	Now time.Time
}

// Decision is what becomes of a plan now.
type Decision struct {
	Phase   v1alpha1.NetworkPhase // empty for a namespace that nobody opted in
	Reason  string                // of the condition Applied
	Message string
	Act     Act
	Forsake bool // the plan is withdrawn now: it is noted, and told
}

// watched reports whether the plan was applied so lately that it is withdrawn when
// what it wants is dropped.
func (f *Facts) watched() bool {
	return f.Applied != "" && !f.AppliedAt.IsZero() && f.Now.Sub(f.AppliedAt) < f.Watch
}

// Decide says what is to be done. It is a function of the facts alone.
func Decide(f *Facts) Decision {
	switch {
	case f.Mode == "":
		return Decision{Act: Withdraw}
	case f.Paused:
		return Decision{Phase: v1alpha1.NetworkPaused, Reason: v1alpha1.ReasonHeld, Message: "Nothing is changed while spec.paused is set."}
	case f.Mode != v1alpha1.NetworkApply:
		return preview(f)
	case f.Withdrawn != "":
		return Decision{
			Phase: v1alpha1.NetworkWithdrawn, Reason: v1alpha1.ReasonDrops, Act: Withdraw,
			Message: "Connections of the plan were dropped after it was applied, so it was withdrawn and denies nothing. See status.drops; change the plan, or go to preview and back, to try again.",
		}
	case len(f.Dropped) > 0 && f.watched():
		return Decision{
			Phase: v1alpha1.NetworkWithdrawn, Reason: v1alpha1.ReasonDrops, Act: Withdraw, Forsake: true,
			Message: fmt.Sprintf("%s was dropped after the plan was applied, although it allows that: it is withdrawn. Something else drops it, or whoever enforces policies reads them otherwise.", f.Dropped[0].Edge),
		}
	case len(f.Refusals) > 0:
		return refused(f)
	case f.Stage == rollout.Done:
		return done(f)
	case f.Applied == "" && !f.Denied && f.Ahead >= f.AtOnce:
		return Decision{
			Phase: v1alpha1.NetworkWaiting, Reason: v1alpha1.ReasonQueued,
			Message: fmt.Sprintf("%d namespaces are being applied, watched after it, or were withdrawn; %d may be at once.", f.Ahead, f.AtOnce),
		}
	}
	return Decision{Phase: v1alpha1.NetworkApplying, Reason: v1alpha1.ReasonInProgress, Message: "The next stage is: " + f.Stage.String() + ".", Act: Advance}
}

func preview(f *Facts) Decision {
	d := Decision{Phase: v1alpha1.NetworkPreviewed, Reason: v1alpha1.ReasonPreviewOnly, Message: "Nothing is applied. The label gatehouse.sh/network: apply of the namespace applies the plan.", Act: Withdraw}
	switch {
	case f.Fault != "":
		d.Message = f.Fault
	case f.Cleanup != rollout.Done:
		d.Message = "What was applied is being withdrawn."
	case len(f.Refusals) > 0:
		d.Phase, d.Message = v1alpha1.NetworkRefused, "The plan could not be applied: "+more(f.Refusals)
	}
	return d
}

// refused keeps what was applied last.
func refused(f *Facts) Decision {
	d := Decision{Phase: v1alpha1.NetworkRefused, Reason: v1alpha1.ReasonInvalid, Message: "Nothing is applied: " + more(f.Refusals)}
	if f.Applied != "" {
		d.Act, d.Reason, d.Message = Mend, v1alpha1.ReasonOlderPlan, "The plan that was applied before stays: "+more(f.Refusals)
	}
	return d
}

func done(f *Facts) Decision {
	d := Decision{Phase: v1alpha1.NetworkApplied, Reason: v1alpha1.ReasonInForce, Message: "The policies of the plan are in force."}
	if len(f.Dropped) > 0 {
		d.Message = fmt.Sprintf("The policies of the plan are in force, and %s was dropped although they allow it: something else drops it.", f.Dropped[0].Edge)
	}
	return d
}

// more is the first of several reasons, and how many there are besides.
func more(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return fmt.Sprintf("%s (and %d more)", list[0], len(list)-1)
}
