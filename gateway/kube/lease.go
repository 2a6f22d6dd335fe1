// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// Times of a Lease, as Kubernetes' own controllers have them
// (https://pkg.go.dev/k8s.io/client-go/tools/leaderelection).
const (
	leaseFor     = 15 * time.Second
	renewWithin  = 10 * time.Second
	leaseRetries = 2 * time.Second
)

// Lead does something while this process, which calls itself by a name of its own, holds a
// Lease, so that two do not write statuses in turns. It returns when ctx ends, or with an
// error when the Lease was lost: whoever lost it is not to go on.
func Lead(ctx context.Context, config *rest.Config, lease translate.Name, self string, log logr.Logger, do func(context.Context) error) error {
	client, err := coordinationv1.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make client for Leases: %w", err)
	}
	started := make(chan context.Context, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: lease.Namespace, Name: lease.Name}, Client: client, LockConfig: resourcelock.ResourceLockConfig{Identity: self},
		},
		LeaseDuration: leaseFor, RenewDeadline: renewWithin, RetryPeriod: leaseRetries, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(leading context.Context) { started <- leading }, OnStoppedLeading: func() {}},
	})
	if err != nil {
		return fmt.Errorf("ask for Lease %s: %w", lease, err)
	}
	// The Lease is given back after what it is for has ended, and not before.
	electing, stop := context.WithCancel(klog.NewContext(context.WithoutCancel(ctx), log.V(1)))
	over := make(chan struct{})
	go func() { defer close(over); elector.Run(electing) }()
	defer func() { stop(); <-over }()
	select {
	case <-ctx.Done():
		return nil
	case leading := <-started:
		log.Info("leading", "lease", lease.String())
		both, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(leading, cancel)() //nolint:contextcheck // it ends with either
		if err := do(both); err != nil || ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("the Lease %s was lost", lease)
	}
}
