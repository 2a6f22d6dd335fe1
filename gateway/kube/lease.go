// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// Times of a Lease, as Kubernetes' own controllers have them
// (https://pkg.go.dev/k8s.io/client-go/tools/leaderelection).
const (
	leaseFor     = 15 * time.Second
	renewWithin  = 10 * time.Second
	leaseRetries = 2 * time.Second
)

// Lead does something whenever this process, which calls itself by a name of its own, holds a
// Lease, so that two do not write statuses in turns. What is done ends when the Lease is lost,
// before another process may have it, and is begun again when it is held again: an API server
// that is away takes the Lease, and nothing else. What it returns is logged. Lead returns when
// ctx ends, and has given the Lease back; its error is of the configuration.
//
// It does what client-go's leaderelection does, which links clients and caches for every
// kind of Kubernetes: 7 MiB of each process that is a gateway.
func Lead(ctx context.Context, config *rest.Config, lease translate.Name, self string, log logr.Logger, do func(context.Context) error) error {
	api, err := leases(config)
	if err != nil {
		return fmt.Errorf("make client for Leases: %w", err)
	}
	log = log.WithValues("lease", lease.String())
	t := &tenure{api: api, lease: lease, self: self}
	for {
		held, err := t.ask(ctx)
		switch {
		case held:
			log.Info("leading")
			if err := t.serve(ctx, do); ctx.Err() == nil {
				log.Info("leading no more", "fault", fmt.Sprint(err))
			} else if err != nil {
				log.Error(err, "leading")
			}
		case err != nil && ctx.Err() == nil:
			log.V(1).Info("the Lease cannot be had", "fault", err.Error())
		}
		if !sleep(ctx, leaseRetries) {
			return nil
		}
	}
}

// leases is a client for Leases alone.
func leases(config *rest.Config) (rest.Interface, error) {
	scheme := runtime.NewScheme()
	if err := coordinationv1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	own := rest.CopyConfig(config)
	own.GroupVersion, own.APIPath, own.QPS = &coordinationv1.SchemeGroupVersion, "/apis", -1
	own.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	return rest.RESTClientFor(own)
}

// tenure is one process's view of a Lease. Not safe for concurrent use.
type tenure struct {
	api   rest.Interface
	lease translate.Name
	self  string

	seen    string // the version of the Lease that was seen last
	since   time.Time
	renewed time.Time // when the last request began that took or renewed it
}

// ask takes or renews the Lease, and reports whether it is held. Others' clocks are not
// trusted: a Lease is over when it has not changed for its time by this process's own.
func (t *tenure) ask(ctx context.Context) (held bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, renewWithin/2)
	defer cancel()
	now := time.Now()
	l := &coordinationv1.Lease{}
	err = t.api.Get().Namespace(t.lease.Namespace).Resource("leases").Name(t.lease.Name).Do(ctx).Into(l)
	if apierrors.IsNotFound(err) {
		l = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: t.lease.Namespace, Name: t.lease.Name}}
		t.hold(l, now)
		return t.done(now, t.api.Post().Namespace(t.lease.Namespace).Resource("leases").Body(l).Do(ctx).Error())
	}
	if err != nil {
		return false, err
	}
	if l.ResourceVersion != t.seen {
		t.seen, t.since = l.ResourceVersion, now
	}
	if holder := value(l.Spec.HolderIdentity); holder != "" && holder != t.self {
		if now.Sub(t.since) < time.Duration(value(l.Spec.LeaseDurationSeconds))*time.Second {
			return false, nil
		}
	}
	t.hold(l, now)
	return t.done(now, t.put(ctx, l))
}

// errLost is why something has ended that was for as long as a Lease is held.
var errLost = errors.New("the Lease was lost")

// serve does something while the Lease is held, and gives it back after that has ended, and
// not before.
func (t *tenure) serve(ctx context.Context, do func(context.Context) error) error {
	leading, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	over := make(chan error, 1)
	go func() { over <- do(leading) }()
	err := t.keep(leading, lost, over)
	t.release(context.WithoutCancel(ctx))
	if ctx.Err() != nil {
		return err
	}
	return errors.Join(context.Cause(leading), err)
}

// done is what ask returns after a request that began at a time.
func (t *tenure) done(began time.Time, err error) (held bool, fault error) {
	if err == nil {
		t.renewed = began
	}
	return err == nil, err
}

// hold writes this process into a Lease.
func (t *tenure) hold(l *coordinationv1.Lease, now time.Time) {
	seconds, at := int32(leaseFor/time.Second), metav1.NewMicroTime(now)
	if value(l.Spec.HolderIdentity) != t.self {
		changes := value(l.Spec.LeaseTransitions) + 1
		l.Spec.HolderIdentity, l.Spec.AcquireTime, l.Spec.LeaseTransitions = &t.self, &at, &changes
	}
	l.Spec.LeaseDurationSeconds, l.Spec.RenewTime = &seconds, &at
}

// put writes a Lease if it is still as it was read.
func (t *tenure) put(ctx context.Context, l *coordinationv1.Lease) error {
	return t.api.Put().Namespace(t.lease.Namespace).Resource("leases").Name(t.lease.Name).Body(l).Do(ctx).Error()
}

// keep renews the Lease until what it is for has ended, and ends that when the Lease is
// lost: before another process may have it.
func (t *tenure) keep(ctx context.Context, lost context.CancelCauseFunc, over <-chan error) error {
	for {
		select {
		case err := <-over:
			return err
		case <-ctx.Done():
			return <-over
		case <-time.After(leaseRetries):
		}
		due, cancel := context.WithDeadline(ctx, t.renewed.Add(renewWithin))
		held, err := t.ask(due)
		if !held && (err == nil || due.Err() != nil) {
			lost(errLost)
		}
		cancel()
	}
}

// release gives the Lease up if it is held, so that nobody waits for it to be over.
func (t *tenure) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, renewWithin/2)
	defer cancel()
	l := &coordinationv1.Lease{}
	if err := t.api.Get().Namespace(t.lease.Namespace).Resource("leases").Name(t.lease.Name).Do(ctx).Into(l); err != nil || value(l.Spec.HolderIdentity) != t.self {
		return // it will be over by itself
	}
	nobody := ""
	l.Spec.HolderIdentity = &nobody
	_ = t.put(ctx, l) // likewise
}

// value is what a pointer of an API points to, the zero value if it is nil.
func value[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}
