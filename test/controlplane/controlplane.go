// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs a real Kubernetes control plane for tests and for
// the demo: etcd, kube-apiserver and, if asked, kube-controller-manager, on
// free loopback ports, with their data in a folder of their own. It has no
// nodes: Pods are stored and judged, never run. Test packages call Main and
// Get; the demo calls Start and Stop.
//
// It runs the binaries that `make cluster` builds, or those that the variables
// GATEHOUSE_CLUSTER_BIN and KUBEBUILDER_ASSETS point to.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// startLimit bounds Start. A start takes 4 to 10 seconds on two cores; a
// machine that is loaded 20 times over still makes it.
const startLimit = 3 * time.Minute

// maxAttempts is how often Start tries when another process takes one of the
// ports between their choice and their use.
const maxAttempts = 3

// Options say what to run. The zero value runs etcd and kube-apiserver in a
// temporary folder.
type Options struct {
	// WithControllerManager also runs kube-controller-manager: ServiceAccounts,
	// EndpointSlices, Deployments and garbage collection work then. Without it
	// the admission plugin ServiceAccount is off, because no Pod could be
	// created in a namespace that has no ServiceAccount "default".
	WithControllerManager bool
	// APIServerFlags are appended to those of kube-apiserver, as "--name=value".
	// Flags that hold lists accumulate, the last one of any other wins.
	APIServerFlags []string
	// Dir holds data, logs and certificates and is kept by Stop; a later Start
	// with it finds the objects again. Empty means a temporary folder, which
	// Stop removes.
	Dir string
	// Address is where the API server listens, and what it is called by in the
	// Service kubernetes.default, so that Pods reach it. The zero value is
	// 127.0.0.1, which that Service does not name.
	Address netip.Addr
	// Port is that of the API server at Address. 0 is one that is free; another is for
	// addresses that nothing else listens on.
	Port int
	// Identities are further certificates, for programs that run beside the control
	// plane. A flag may name their files if Dir is set.
	Identities []Identity
	// BinDir holds the binaries; several folders are written as in $PATH, and the
	// first that has a binary gives it. Empty means $GATEHOUSE_CLUSTER_BIN, else
	// $KUBEBUILDER_ASSETS and then bin/cluster of this repository.
	BinDir string
	// Log gets one line per step. Nil discards them.
	Log io.Writer
}

func (o *Options) address() netip.Addr {
	if !o.Address.IsValid() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return o.Address
}

// ControlPlane is a running control plane. Its methods are safe for concurrent
// use.
type ControlPlane struct {
	folder     *folder
	binaries   binaries
	address    string
	etcd       string
	kubeconfig string
	config     *rest.Config
	thread     *thread
	processes  []*process

	stop    sync.Once
	stopErr error
}

// Start runs a control plane and returns when it serves requests. The context
// bounds the start only; the caller ends the control plane with Stop. On Linux
// the kernel ends it too when this process dies, however that happens.
//
// The error names the component that failed and holds the end of its log.
func Start(ctx context.Context, options Options) (*ControlPlane, error) {
	log := options.Log
	if log == nil {
		log = io.Discard
	}
	found, err := findBinaries(options)
	if err != nil {
		return nil, err
	}
	if err := sweep(os.TempDir()); err != nil {
		logf(log, "remove folders of dead control planes: %v", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("no answer within %s", startLimit))
	defer cancel()
	for attempt := 1; ; attempt++ {
		cp, err := start(ctx, found, options, log)
		if err == nil {
			return cp, nil
		}
		if attempt == maxAttempts || !errors.Is(err, errPortTaken) {
			return nil, fmt.Errorf("start control plane: %w", err)
		}
		logf(log, "a port was taken by another process, starting again (%d of %d)", attempt+1, maxAttempts)
	}
}

// start is one attempt. It leaves nothing running when it fails.
func start(ctx context.Context, found binaries, options Options, log io.Writer) (*ControlPlane, error) {
	dir, err := openFolder(options.Dir)
	if err != nil {
		return nil, err
	}
	cp := &ControlPlane{folder: dir, binaries: found, thread: newThread()}
	if err := cp.run(ctx, options, log); err != nil {
		return nil, errors.Join(err, cp.Stop())
	}
	return cp, nil
}

// run starts the components in the order in which they need each other.
func (cp *ControlPlane) run(ctx context.Context, options Options, log io.Writer) error {
	began := time.Now()
	ports, err := freePorts(4)
	if err != nil {
		return err
	}
	if options.Port != 0 {
		ports[0] = options.Port
	}
	cp.address = fmt.Sprintf("https://%s:%d", options.address(), ports[0])
	if err := cp.writeCredentials(&options); err != nil {
		return err
	}
	ready, err := newProber(cp)
	if err != nil {
		return err
	}
	defer ready.close()

	etcd := fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	cp.etcd = etcd
	peer := fmt.Sprintf("http://127.0.0.1:%d", ports[2])
	if err := cp.launch(ctx, etcdName, etcdFlags(cp.folder, etcd, peer)); err != nil {
		return err
	}
	if err := ready.wait(ctx, cp.processes, etcd+"/health"); err != nil {
		return err
	}
	logf(log, "etcd answers after %s", since(began))

	if err := cp.launch(ctx, apiServerName, apiServerFlags(cp.folder, ports[0], etcd, options)); err != nil {
		return err
	}
	// The namespace "default" is created shortly after /readyz turns green.
	if err := ready.wait(ctx, cp.processes, cp.address+"/readyz", cp.address+"/api/v1/namespaces/default"); err != nil {
		return err
	}
	logf(log, "kube-apiserver is ready at %s after %s", cp.address, since(began))

	if !options.WithControllerManager {
		return nil
	}
	if err := cp.launch(ctx, controllerManagerName, controllerManagerFlags(cp.folder, ports[3])); err != nil {
		return err
	}
	healthz := fmt.Sprintf("https://127.0.0.1:%d/healthz", ports[3])
	if err := ready.wait(ctx, cp.processes, healthz, cp.address+"/api/v1/namespaces/default/serviceaccounts/default"); err != nil {
		return err
	}
	logf(log, "kube-controller-manager is ready after %s", since(began))
	return nil
}

func (cp *ControlPlane) launch(ctx context.Context, name string, flags []string) error {
	p, err := cp.thread.launch(ctx, name, cp.binaries[name], flags, cp.folder)
	if err != nil {
		return err
	}
	cp.processes = append(cp.processes, p)
	return nil
}

// Stop ends every component, waits until they are gone and removes the
// temporary folder. A component that had ended before on its own is an error,
// with the end of its log. Later calls return what the first one returned.
func (cp *ControlPlane) Stop() error {
	cp.stop.Do(func() {
		var errs []error
		for _, p := range slices.Backward(cp.processes) {
			errs = append(errs, p.stop())
		}
		cp.thread.close()
		errs = append(errs, cp.folder.close())
		cp.stopErr = errors.Join(errs...)
	})
	return cp.stopErr
}

// RESTConfig returns a copy of the client configuration of an administrator
// (group system:masters), without a client-side rate limit.
func (cp *ControlPlane) RESTConfig() *rest.Config { return rest.CopyConfig(cp.config) }

// Kubeconfig is the path of a kubeconfig file of the same administrator. It
// holds everything it needs and may be copied.
func (cp *ControlPlane) Kubeconfig() string { return cp.kubeconfig }

// Etcd is the URL where etcd answers clients, who need no credentials: its metrics, and
// its API as JSON (https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/).
func (cp *ControlPlane) Etcd() string { return cp.etcd }

// Dir is the folder with the data, and with the log of each component in
// <component>.log.
func (cp *ControlPlane) Dir() string { return cp.folder.path }

func since(t time.Time) time.Duration { return time.Since(t).Round(10 * time.Millisecond) }

// logf writes one line. A log that cannot be written does not fail a start.
func logf(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, format+"\n", args...) //nolint:errcheck // see above
}
