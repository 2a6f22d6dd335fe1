// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/gateway/kube"
	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// handOver are the flags of a control plane, whose Gateways other processes serve.
type handOver struct {
	address string
	secret  string
	image   string
	control string
	lease   string
}

func (h *handOver) flags(flags *flag.FlagSet) {
	flags.StringVar(&h.address, "hand-over", "", "with --kubernetes: address:port where data planes are handed what they serve (--control); empty: all is served here")
	flags.StringVar(&h.control, "hand-over-at", "gatehouse-gateway.gatehouse-system.svc:9443", "host:port of --hand-over, as the data planes call it that are made for Gateways")
	flags.StringVar(&h.lease, "lease", "gatehouse-system/gatehouse-gateway", "with --hand-over: NAMESPACE/NAME of the Lease by which one of several replicas hands over and writes statuses")
	flags.StringVar(&h.image, "image", "ghcr.io/gatehouse-sh/gatehouse-gateway:v0.1.0", "with --hand-over: the image of these data planes")
	flags.StringVar(&h.secret, "hand-over-secret", "gatehouse-system/gatehouse-gateway-authority", "NAMESPACE/NAME of the Secret of the authority that signs for --hand-over; it has to be there, and may be empty")
}

// read returns the Secret, the name by which data planes call, and the Lease.
func (h *handOver) read() (secret translate.Name, host string, lease translate.Name, err error) {
	var errs []error
	of := func(flag, text string) translate.Name {
		namespace, name, is := strings.Cut(text, "/")
		if !is || namespace == "" || name == "" || strings.Contains(name, "/") {
			errs = append(errs, fmt.Errorf("--%s: NAMESPACE/NAME is what belongs here", flag))
		}
		return translate.Name{Namespace: namespace, Name: name}
	}
	secret, lease = of("hand-over-secret", h.secret), of("lease", h.lease)
	if host, _, err = net.SplitHostPort(h.control); err != nil || host == "" {
		errs = append(errs, errors.New("--hand-over-at: HOST:PORT is what belongs here"))
	}
	if h.image == "" {
		errs = append(errs, errors.New("--image: it is empty"))
	}
	return secret, host, lease, errors.Join(errs...)
}

// metricsPort is where data planes that are made answer probes and Prometheus.
const metricsPort = 19090

// controlPlane makes data planes and hands over to them, while this process leads.
type controlPlane struct {
	flags      *handOver
	config     *rest.Config
	controller string
	split      *kube.Split
	log        logr.Logger
}

// make makes a control plane that does nothing yet.
func (h *handOver) make(config *rest.Config, shared *kube.Local, controller string, log logr.Logger) (*controlPlane, error) {
	p := &controlPlane{flags: h, config: config, controller: controller, split: kube.NewSplit(shared), log: log}
	_, _, err := p.parts() // so that what is wrong with the flags is said at once
	return p, err
}

// parts are what one tenure needs. Each has new ones: what an earlier one knew and offered
// may be outdated, since others have led meanwhile.
func (p *controlPlane) parts() (*kube.Remote, *kube.Keeper, error) {
	secret, name, _, err := p.flags.read()
	if err != nil {
		return nil, nil, err
	}
	remote, err := kube.NewRemote(p.config, kube.RemoteOptions{
		Provision: provision.Options{Image: p.flags.image, Control: p.flags.control, Controller: p.controller, Audience: kube.Audience, Metrics: metricsPort}, Log: p.log,
	})
	if err != nil {
		return nil, nil, err
	}
	keeper, err := kube.NewKeeper(p.config, kube.KeeperOptions{Secret: secret, Names: []string{name}, Published: remote.Trusted, Changed: remote.Trust, Log: p.log})
	return remote, keeper, err
}

// lead answers data planes, makes them, and says what became of them, until ctx ends.
func (p *controlPlane) lead(ctx context.Context, controller *kube.Controller) error {
	remote, keeper, err := p.parts()
	if err != nil {
		return err
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.flags.address)
	if err != nil {
		return err
	}
	s := remote.Server(keeper.Certificate)
	p.split.Lead(remote)
	defer p.split.Rest()
	var all sync.WaitGroup
	all.Go(func() { keeper.Run(ctx) })
	all.Go(func() { remote.Run(ctx) })
	all.Go(func() {
		if err := s.ServeTLS(socket, "", ""); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error(err, "hand over")
		}
	})
	controller.Lead(ctx)
	err = s.Close() // who asks has what it serves
	all.Wait()
	return err
}
