// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// again is how often the registration is looked at: an Exemption outside of our
// namespace counts only while the API server asks us about its writes. It is also
// the pace at which a definition that is missing is looked for.
const again = 10 * time.Second

// Exemptions follows the cluster's Exemptions and publishes them as one immutable
// set. It writes nothing. Every replica of every binary that judges runs it. One
// with a fault is left out; the others stay.
type Exemptions struct {
	cache   cache.Cache
	set     *checks.Set
	options ExemptionOptions

	every time.Duration // again, unless a test is in a hurry

	count   *prometheus.GaugeVec
	current atomic.Pointer[exempt.Set]
	place   atomic.Pointer[exempt.Place]
	loaded  atomic.Bool
}

// ExemptionOptions say where Exemptions come from.
type ExemptionOptions struct {
	// Registration reads the ValidatingWebhookConfiguration that is named
	// RegistrationName. It must not be a cache that watches all of them.
	Registration     client.Reader
	RegistrationName string

	// Install is the namespace of Gatehouse.
	Install string

	// Policy is the one in force: exemptions may name its custom checks. Nil: only
	// the checks of the catalogue are known.
	Policy func() *policy.Policy
}

// NewExemptions registers the metric and returns the follower. The cache must know
// the scheme of v1alpha1; it is the one of the manager that runs the follower.
func NewExemptions(c cache.Cache, set *checks.Set, o ExemptionOptions, r prometheus.Registerer) (*Exemptions, error) {
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "gatehouse_exemptions", Help: "Exemptions of the cluster, by whether they can be understood.",
	}, []string{"state"})
	if err := r.Register(gauge); err != nil {
		return nil, err
	}
	x := &Exemptions{cache: c, set: set, options: o, every: again, count: gauge}
	x.current.Store(&exempt.Set{})
	x.place.Store(&exempt.Place{Install: o.Install, Cluster: true})
	return x, nil
}

// Load returns the exemptions of the cluster, never nil. A reader that keeps the
// pointer for the length of one request is consistent.
func (x *Exemptions) Load() *exempt.Set { return x.current.Load() }

// Place returns where the exemptions come from, as the newest set was made with.
func (x *Exemptions) Place() exempt.Place { return *x.place.Load() }

// Loaded reports whether the cluster's Exemptions, or that their definition is
// not installed, have been seen. Until then what is exempt would be refused.
func (x *Exemptions) Loaded() bool { return x.loaded.Load() }

// SetupWithManager makes the manager run it in every replica.
func (x *Exemptions) SetupWithManager(mgr ctrl.Manager) error {
	return mgr.Add(onceEverywhere(x.Start))
}

// Start follows until ctx ends.
func (x *Exemptions) Start(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	informer, err := Follow(ctx, x.cache, &v1alpha1.Exemption{}, changed, x.every, func() {
		x.loaded.Store(true) // there can be none
	})
	if err != nil {
		return nil // only the end of ctx ends the attempts
	}
	if !toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return nil
	}
	tick := time.NewTicker(x.every)
	defer tick.Stop()
	for {
		if err := x.refresh(ctx); err != nil {
			logr.FromContextOrDiscard(ctx).Error(err, "exemptions not refreshed")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-tick.C:
		}
	}
}

// Follow begins to watch a kind and sends on every event; what is not received yet
// counts for all of them. It tries again while the definition is missing, since it
// may be installed later, and calls missing each time, unless that is nil. Its error is that of
// ctx.
func Follow(ctx context.Context, c cache.Cache, kind client.Object, changed chan<- struct{}, every time.Duration, missing func()) (cache.Informer, error) {
	log, told := logr.FromContextOrDiscard(ctx), false
	for {
		informer, err := c.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err == nil {
			err = signal(informer, changed)
		}
		if err == nil {
			return informer, nil
		}
		if meta.IsNoMatchError(err) && missing != nil {
			missing()
		}
		if !told {
			log.Error(err, "objects cannot be watched yet", "kind", fmt.Sprintf("%T", kind))
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(every):
		}
	}
}

// signal sends on every event.
func signal(informer cache.Informer, changed chan<- struct{}) error {
	send := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	_, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { send() }, UpdateFunc: func(any, any) { send() }, DeleteFunc: func(any) { send() },
	})
	return err
}

// refresh publishes the set of what the cache holds.
func (x *Exemptions) refresh(ctx context.Context) error {
	var list v1alpha1.ExemptionList
	if err := x.cache.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil { // Load only reads
		return fmt.Errorf("list exemptions: %w", err)
	}
	place, err := x.look(ctx, list.Items)
	if err != nil {
		place = x.Place() // what was known; at first: that nothing is guarded
	}
	set := exempt.Load(known(x.set, x.options.Policy), list.Items, place)
	x.place.Store(&place)
	if !reflect.DeepEqual(set, x.current.Load()) { // the same set stays the same pointer
		x.current.Store(set)
	}
	x.loaded.Store(true)
	x.count.WithLabelValues("accepted").Set(float64(len(set.All())))
	x.count.WithLabelValues("faulty").Set(float64(len(set.Faulty())))
	return err
}

// known are the checks that an Exemption may name: those of the policy in force, or
// those of the catalogue where none is known.
func known(catalogue *checks.Set, inForce func() *policy.Policy) *checks.Set {
	if inForce != nil {
		if set := inForce().Set(); set != nil {
			return set
		}
	}
	return catalogue
}

// look reads the registration, where it matters.
func (x *Exemptions) look(ctx context.Context, list []v1alpha1.Exemption) (exempt.Place, error) {
	here := exempt.Place{Install: x.options.Install, Cluster: true}
	elsewhere := false
	for i := range list {
		elsewhere = elsewhere || list[i].Namespace != x.options.Install
	}
	if !elsewhere {
		return here, nil
	}
	var registration admissionregistrationv1.ValidatingWebhookConfiguration
	switch err := x.options.Registration.Get(ctx, client.ObjectKey{Name: x.options.RegistrationName}, &registration); {
	case apierrors.IsNotFound(err):
		return here, nil
	case err != nil:
		return here, fmt.Errorf("read webhook configuration %s: %w", x.options.RegistrationName, err)
	}
	here.Guarded = exempt.Guarding(&registration, x.options.Install).Guarded
	return here, nil
}
