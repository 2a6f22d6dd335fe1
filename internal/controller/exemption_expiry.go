// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
)

// keeping is how often the status of every Exemption is compared with what it
// should be. They come from a cache, so an unchanged cluster costs no request.
const keeping = 5 * time.Second

// ExemptionKeeper writes the status of Exemptions, and tells by Events when one
// is about to expire: 7 days before, 1 day before, and then. What has been told is
// in the status, so that a restart neither repeats nor loses an Event. One
// replica, the leader, runs it.
type ExemptionKeeper struct {
	Client     client.Client // whose reads come from a cache
	Set        *checks.Set
	Exemptions *Exemptions
	Policy     func() *policy.Policy
	Events     eventRecorder // such as manager.GetEventRecorder returns

	// Used returns the names (exempt.Exemption.String) of the exemptions that
	// cover a finding of the cluster, and false while that is not known. Nil: it
	// never is, and the condition Used is not written.
	Used func() (map[string]bool, bool)

	// Clock is the system's when nil.
	Clock func() time.Time
}

// eventRecorder emits Events of events.k8s.io/v1.
type eventRecorder interface {
	Eventf(regarding, related runtime.Object, kind, reason, action, note string, args ...any)
}

// SetupWithManager makes the manager run it in the leader.
func (k *ExemptionKeeper) SetupWithManager(mgr ctrl.Manager) error { return mgr.Add(k) }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (k *ExemptionKeeper) NeedLeaderElection() bool { return true }

// Start keeps until ctx ends.
func (k *ExemptionKeeper) Start(ctx context.Context) error {
	tick := time.NewTicker(keeping)
	defer tick.Stop()
	for {
		if err := k.Keep(ctx); err != nil && ctx.Err() == nil {
			logr.FromContextOrDiscard(ctx).Error(err, "status of exemptions not written")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Keep brings every status up to date once. It joins the errors of those that
// could not be written; the next turn tries again.
func (k *ExemptionKeeper) Keep(ctx context.Context) error {
	if !k.Exemptions.Loaded() {
		return nil
	}
	var list v1alpha1.ExemptionList
	if err := k.Client.List(ctx, &list); err != nil {
		if meta.IsNoMatchError(err) {
			return nil
		}
		return fmt.Errorf("list exemptions: %w", err)
	}
	turn := turn{place: k.Exemptions.Place(), terms: verdict.TermsOf(k.Policy()), now: time.Now()}
	if k.Clock != nil {
		turn.now = k.Clock()
	}
	if k.Used != nil {
		turn.used, turn.knows = k.Used()
	}
	var faults []error
	for i := range list.Items {
		if err := k.keep(ctx, &list.Items[i], turn); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// turn is what all exemptions are compared with at once.
type turn struct {
	place exempt.Place
	terms exempt.Terms
	now   time.Time
	used  map[string]bool
	knows bool // what is used
}

func (k *ExemptionKeeper) keep(ctx context.Context, obj *v1alpha1.Exemption, t turn) error {
	before := obj.DeepCopy()
	e, fault := exempt.Compile(known(k.Set, k.Policy), obj, t.place)
	set := func(kind string, status metav1.ConditionStatus, reason, message string) {
		meta.SetStatusCondition(&obj.Status.Conditions, metav1.Condition{
			Type: kind, Status: status, Reason: reason, Message: clip(message), ObservedGeneration: obj.Generation,
		})
	}
	obj.Status.ObservedGeneration = obj.Generation
	told := toldStage(before)
	if fault != nil {
		set(v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonInvalid, fault.Error())
		meta.RemoveStatusCondition(&obj.Status.Conditions, v1alpha1.ConditionExpired)
		meta.RemoveStatusCondition(&obj.Status.Conditions, v1alpha1.ConditionUsed)
	} else {
		accepted(set, &e, t)
		expired(set, &e, t.now)
		if t.knows {
			use(set, obj, &e, t)
		}
		if stage := e.Stage(t.now); stage > told {
			k.tell(obj, exempt.Notice{Exemption: e, Stage: stage}, t.now)
		}
	}
	if reflect.DeepEqual(before.Status, obj.Status) {
		return nil
	}
	if err := k.Client.Status().Patch(ctx, obj, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write status of exemption %s/%s: %w", obj.Namespace, obj.Name, err)
	}
	return nil
}

type setCondition func(kind string, status metav1.ConditionStatus, reason, message string)

func accepted(set setCondition, e *exempt.Exemption, t turn) {
	switch why := e.WhyNotApproved(t.terms); {
	case why != "":
		set(v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonNotApproved, "It does not count: "+why+".")
	case e.EndsTooLate(t.terms, t.now):
		set(v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonTooLong,
			"It does not count yet: "+e.TooLate(t.terms)+".")
	default:
		set(v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonAccepted, "The exemption has no fault.")
	}
}

// stageReasons are the reasons of the condition Expired. By them a later leader
// knows which stage has been told.
var stageReasons = [...]string{
	exempt.NotYet: v1alpha1.ReasonNotYet, exempt.Within7Days: v1alpha1.ReasonWithin7Days,
	exempt.Within1Day: v1alpha1.ReasonWithin1Day, exempt.Expired: v1alpha1.ReasonExpired,
}

func expired(set setCondition, e *exempt.Exemption, now time.Time) {
	stage := e.Stage(now)
	if stage == exempt.Expired {
		set(v1alpha1.ConditionExpired, metav1.ConditionTrue, stageReasons[stage], "It expired "+exempt.Moment(e.ExpiresAt)+" and covers nothing.")
		return
	}
	set(v1alpha1.ConditionExpired, metav1.ConditionFalse, stageReasons[stage], "It expires "+exempt.Moment(e.ExpiresAt)+".")
}

// toldStage is the stage that the status of this generation states. An end that
// was moved is another end, of which nothing has been told.
func toldStage(obj *v1alpha1.Exemption) exempt.Stage {
	c := meta.FindStatusCondition(obj.Status.Conditions, v1alpha1.ConditionExpired)
	if c == nil || c.ObservedGeneration != obj.Generation {
		return exempt.NotYet
	}
	for stage, reason := range stageReasons {
		if reason == c.Reason {
			return exempt.Stage(stage)
		}
	}
	return exempt.NotYet
}

// use writes whether the exemption covers something, and the day: a write a day
// for each at most.
func use(set setCondition, obj *v1alpha1.Exemption, e *exempt.Exemption, t turn) {
	if !t.used[e.String()] {
		set(v1alpha1.ConditionUsed, metav1.ConditionFalse, v1alpha1.ReasonCoversNothing, "It covers no finding of the cluster.")
		return
	}
	set(v1alpha1.ConditionUsed, metav1.ConditionTrue, v1alpha1.ReasonCoversFinding, "It covers a finding of the cluster.")
	if day := t.now.UTC().Truncate(24 * time.Hour); obj.Status.LastUsed == nil || !obj.Status.LastUsed.Time.Equal(day) {
		obj.Status.LastUsed = &metav1.Time{Time: day}
	}
}

// tell emits the Event of a stage. It comes before the status is written, so it
// may come twice and is never lost.
func (k *ExemptionKeeper) tell(obj *v1alpha1.Exemption, n exempt.Notice, now time.Time) {
	left := n.Exemption.ExpiresAt.Sub(now)
	switch n.Stage {
	case exempt.NotYet:
	case exempt.Within7Days, exempt.Within1Day:
		k.Events.Eventf(obj, nil, corev1.EventTypeWarning, "ExemptionExpires", "Expire",
			"expires in %s, at %s; %s answers for it", exempt.Span(left), exempt.Moment(n.Exemption.ExpiresAt), checks.Plain(n.Exemption.Owner))
	case exempt.Expired:
		k.Events.Eventf(obj, nil, corev1.EventTypeWarning, "ExemptionExpired", "Expire",
			"expired at %s: what it covered is judged again; %s answered for it", exempt.Moment(n.Exemption.ExpiresAt), checks.Plain(n.Exemption.Owner))
	}
}
