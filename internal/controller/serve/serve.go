// SPDX-License-Identifier: Apache-2.0

// Package serve runs gatehouse-controller: it wires the live inventory, the
// background scan and what publishes its results into one process.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/generator/flows/relay"
	"github.com/gatehouse-sh/gatehouse/internal/controller"
	"github.com/gatehouse-sh/gatehouse/internal/controller/networkplan"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/source/cluster"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/webhook"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
)

// LeaseName names the Lease by which replicas agree who leads.
const LeaseName = "gatehouse-controller"

// Options say where the process runs and what it looks after.
type Options struct {
	Namespace string // where Gatehouse runs; judged by the checks that protect Gatehouse only
	Service   string // of the webhook, and the name of its Deployment
	Metrics   string // address of the metrics, "0" for none
	Probes    string // address of /healthz and /readyz, "0" for none

	// Canary is the namespace in which canaries are tried; empty: none are.
	Canary string

	// FailOpen says that the webhook was registered to let requests through while
	// it is down: that is not tampering then.
	FailOpen bool

	// URL is the webhook's base URL where it is registered by URL instead of its
	// Service: outside of the cluster.
	URL string

	// CompareRBAC is how often roles and bindings are compared with what they were;
	// 0 means never.
	CompareRBAC time.Duration

	// Plans say how the plans of namespaces are applied; nobody plans when none may be
	// applied at once. Flows is where the traffic is seen: nowhere without an address.
	Plans networkplan.Options
	Flows relay.Options

	// Workers is how many objects are judged at once; 0 means 2.
	Workers int

	// Registry gets the metrics; nil is the one that the metrics server shows.
	Registry prometheus.Registerer
}

// Run works until ctx ends or the lead is lost.
func Run(ctx context.Context, cfg *rest.Config, o Options, log logr.Logger) error {
	set, err := catalog.Set()
	if err != nil {
		return fmt.Errorf("load checks: %w", err)
	}
	ctrl.SetLogger(log)
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, eventsv1.AddToScheme, networkingv1.AddToScheme, admissionregistrationv1.AddToScheme, v1alpha1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return fmt.Errorf("register types: %w", err)
		}
	}
	if o.Registry == nil {
		o.Registry = metrics.Registry
	}
	if o.Workers == 0 {
		o.Workers = 2
	}
	// Of the webhook configurations only our own are held.
	own := cache.ByObject{Field: fields.OneTermEqualSelector("metadata.name", registration.Name)}
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: scheme, Logger: log,
		Metrics:                metricsserver.Options{BindAddress: o.Metrics},
		HealthProbeBindAddress: o.Probes,
		LeaderElection:         true, LeaderElectionID: LeaseName, LeaderElectionNamespace: o.Namespace, LeaderElectionReleaseOnCancel: true,
		Cache: cache.Options{ByObject: map[client.Object]cache.ByObject{
			&admissionregistrationv1.ValidatingWebhookConfiguration{}: own,
			&admissionregistrationv1.MutatingWebhookConfiguration{}:   own,
		}},
	})
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	var plans *networkplan.Controller
	if o.Plans.AtOnce != 0 {
		o.Plans.Never = slices.Concat(webhook.SystemNamespaces, []string{o.Namespace})
		if plans, err = networkplan.New(o.Plans); err != nil {
			return err
		}
	}
	p := &process{Options: o, mgr: mgr, set: set, policy: policy.NewHolder(policy.Default(set)), changes: controller.NewChanges(), plans: plans}
	if err := p.wire(cfg); err != nil {
		return err
	}
	return mgr.Start(logr.NewContext(ctx, log))
}

type process struct {
	Options
	mgr        manager.Manager
	set        *checks.Set
	policy     *policy.Holder
	changes    *controller.Changes
	plans      *networkplan.Controller // nil: nobody plans
	live       *cluster.Live
	loaded     func() bool // the policy
	exemptions *controller.Exemptions
	events     *controller.Events
}

func (p *process) wire(cfg *rest.Config) error {
	for _, step := range []struct {
		name string
		run  func() error
	}{
		{"watches", func() error { return p.watch(cfg) }},
		{"check policy", p.rules},
		{"events", p.notices},
		{"background scan", p.background},
		{"canary", p.canary},
		{"registration", p.registration},
		{"comparison of roles", p.creep},
		{"network plans", p.network},
		{"probes", p.probes},
	} {
		if err := step.run(); err != nil {
			return fmt.Errorf("set up %s: %w", step.name, err)
		}
	}
	return nil
}

func (p *process) watch(cfg *rest.Config) error {
	reader, err := cluster.NewClient(cfg)
	if err != nil {
		return err
	}
	changed := func(inv *inventory.Inventory, keys []inventory.Key) {
		// What only plans are made of is not judged.
		p.changes.Note(inv, slices.DeleteFunc(keys, func(k inventory.Key) bool {
			_, judged := inventory.KindOf(k.Kind)
			return !judged
		}))
		if p.plans != nil {
			p.plans.Changed()
		}
	}
	var kinds []inventory.Kind
	if p.plans != nil {
		kinds = networkplan.Kinds()
	}
	p.live = cluster.NewLive(reader, cluster.LiveOptions{Kinds: kinds, Connections: p.plans != nil, Hooks: cluster.Hooks{Changed: changed}})
	unread := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gatehouse_background_unreadable_kinds", Help: "Kinds whose watch fails, so that results may be stale.",
	}, func() float64 {
		n := 0
		for _, s := range p.live.Status() {
			if s.Err != nil {
				n++
			}
		}
		return float64(n)
	})
	if err := p.Registry.Register(unread); err != nil {
		return err
	}
	return p.mgr.Add(p.live)
}

// rules follows the CheckPolicy and the Exemptions.
func (p *process) rules() error {
	c, err := controller.NewCheckPolicy(p.mgr.GetClient(), p.set, p.policy, p.Registry)
	if err != nil {
		return err
	}
	p.loaded = c.Loaded
	p.exemptions, err = controller.NewExemptions(p.mgr.GetCache(), p.set, controller.ExemptionOptions{
		Registration: p.mgr.GetClient(), RegistrationName: registration.Name, Install: p.Namespace, Policy: p.policy.Load,
	}, p.Registry)
	if err != nil {
		return err
	}
	return errors.Join(c.SetupWithManager(p.mgr), p.exemptions.SetupWithManager(p.mgr))
}

func (p *process) notices() error {
	var err error
	if p.events, err = controller.NewEvents(p.mgr.GetClient(), p.mgr.GetAPIReader(), p.Registry); err != nil {
		return err
	}
	return p.mgr.Add(p.events)
}

// background wires the scan to what publishes its results.
func (p *process) background() error {
	installed := func() bool { return controller.Installed(p.live.Inventory()) }
	reports, err := controller.NewReports(p.mgr.GetClient(), p.mgr.GetAPIReader(), installed, p.Registry)
	if err != nil {
		return err
	}
	findings, err := controller.NewFindings(p.Registry)
	if err != nil {
		return err
	}
	scanned, err := controller.NewScanMetrics(p.Registry, p.changes)
	if err != nil {
		return err
	}
	usage := &controller.Usage{}
	keeper := &controller.ExemptionKeeper{
		Client: p.mgr.GetClient(), Set: p.set, Exemptions: p.exemptions, Policy: p.policy.Load,
		Events: p.mgr.GetEventRecorder("gatehouse-controller"), Used: usage.Used,
	}
	p.events.Known = reports.Known
	scan := &controller.Background{
		Changes: p.changes, Policy: p.policy.Load, Exemptions: p.exemptions.Load, Ready: p.complete,
		Never: webhook.SystemNamespaces, Own: p.Namespace, Workers: p.Workers, Metrics: scanned,
		Sinks: []controller.Sink{findings.Take, usage.Take, p.events.Take, reports.Take},
		Complete: func() {
			usage.Complete()
			p.events.Complete()
			reports.Complete()
		},
	}
	return errors.Join(p.mgr.Add(reports), p.mgr.Add(scan), keeper.SetupWithManager(p.mgr))
}

func (p *process) canary() error {
	if p.Canary == "" {
		return nil
	}
	c := &controller.Canary{
		Client: p.mgr.GetClient(), Judge: p.judge, Inventory: p.live.Inventory, Ready: p.complete, Namespace: p.Canary, Webhooks: ".gatehouse.sh",
		Tell: p.events.Tell, Regarding: controller.DeploymentKey(p.Namespace, p.Service),
	}
	return errors.Join(c.Register(p.Registry), p.mgr.Add(c))
}

func (p *process) judge() verdict.Judge {
	return verdict.Judge{Policy: p.policy.Load(), Exemptions: p.exemptions.Load(), Now: time.Now()}
}

func (p *process) registration() error {
	validating, mutating := registration.Build(p.set, registration.Options{Namespace: p.Namespace, Service: p.Service, URL: p.URL})
	if p.FailOpen {
		for i := range validating.Webhooks {
			validating.Webhooks[i].FailurePolicy = new(admissionregistrationv1.Ignore)
		}
	}
	t := &controller.Tampering{
		Reader: p.mgr.GetCache(), Validating: validating, Mutating: mutating,
		Tell: p.events.Tell, Regarding: controller.DeploymentKey(p.Namespace, p.Service),
	}
	return errors.Join(t.Register(p.Registry), p.mgr.Add(t))
}

func (p *process) probes() error {
	alive := func(*http.Request) error { return nil }
	ready := func(*http.Request) error {
		if !p.complete() {
			return errors.New("the inventory, the check policy or the exemptions have not been read yet")
		}
		return nil
	}
	return errors.Join(p.mgr.AddHealthzCheck("alive", alive), p.mgr.AddReadyzCheck("ready", ready))
}

// complete reports whether everything that a verdict rests on has been read.
func (p *process) complete() bool {
	return p.live.HasSynced() && p.loaded() && p.exemptions.Loaded()
}
