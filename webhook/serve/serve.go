// SPDX-License-Identifier: Apache-2.0

// Package serve is the process around the judges: the TLS server, certificates,
// watches, configuration, probes and metrics. Nothing in it decides a verdict.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/authority"
	"github.com/gatehouse-sh/gatehouse/internal/controller"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/source/cluster"
	"github.com/gatehouse-sh/gatehouse/webhook"
	"github.com/gatehouse-sh/gatehouse/webhook/certs"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
)

// SecretName is the Secret that holds the webhook's own certificates.
const SecretName = "gatehouse-webhook-certificates"

// Options configure the process. The zero value of an address switches the
// server off; Namespace and Service must be set.
type Options struct {
	Host      string // address of the webhook server; empty: all
	Port      int
	Metrics   string // "host:port" of the metrics server, "0": none
	Probes    string // "host:port" of the probe server, "0": none
	Namespace string
	Service   string

	// Names are further names or addresses that the API server calls us by.
	Names []string

	// CertDir holds tls.crt and tls.key made by somebody else, such as
	// cert-manager, who also keeps the caBundle of the registration. Empty: the
	// webhook is its own authority.
	CertDir string

	// CertInterval and CertOverlap shorten the pace of rotation; 0 keeps the
	// defaults of package authority.
	CertInterval time.Duration
	CertOverlap  time.Duration

	GuardGroups []string // who may lower a namespace's protection

	// Registry gets the metrics; nil is the one that the metrics server shows.
	Registry prometheus.Registerer
}

// Run serves until ctx ends, then drains: requests in flight are answered.
func Run(ctx context.Context, cfg *rest.Config, o Options, log logr.Logger) error {
	set, err := catalog.Set()
	if err != nil {
		return fmt.Errorf("load checks: %w", err)
	}
	ctrl.SetLogger(log)
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, admissionregistrationv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return fmt.Errorf("register types: %w", err)
		}
	}
	ctx = logr.NewContext(ctx, log)
	if o.Registry == nil {
		o.Registry = metrics.Registry
	}
	p := &process{Options: o, set: policy.NewHolder(policy.Default(set)), log: log, serving: &certs.Serving{}}
	hooks, err := p.server()
	if err != nil {
		return fmt.Errorf("set up the server: %w", err)
	}
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: scheme, Logger: log,
		Metrics:                metricsserver.Options{BindAddress: o.Metrics},
		HealthProbeBindAddress: o.Probes,
		WebhookServer:          hooks,
		// Our certificates are read by name and rarely: no cache, no watch on Secrets.
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{
			&corev1.Secret{}, &admissionregistrationv1.ValidatingWebhookConfiguration{}, &admissionregistrationv1.MutatingWebhookConfiguration{},
		}}},
	})
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	exemptions, err := controller.NewExemptions(mgr.GetCache(), set, controller.ExemptionOptions{
		Registration: mgr.GetClient(), RegistrationName: registration.Name, Install: o.Namespace, Policy: p.set.Load,
	}, p.Registry)
	if err != nil {
		return fmt.Errorf("set up exemptions: %w", err)
	}
	if err := exemptions.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("set up exemptions: %w", err)
	}
	p.exemptions = exemptions
	if err := p.wire(mgr, cfg); err != nil {
		return err
	}
	checkPolicy, err := controller.NewCheckPolicy(mgr.GetClient(), set, p.set, p.Registry)
	if err != nil {
		return fmt.Errorf("set up check policy: %w", err)
	}
	if err := checkPolicy.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("set up check policy: %w", err)
	}
	p.policyLoaded = checkPolicy.Loaded
	return mgr.Start(ctx)
}

type process struct {
	Options
	set          *policy.Holder
	log          logr.Logger
	serving      *certs.Serving
	live         *cluster.Live
	policyLoaded func() bool
	exemptions   *controller.Exemptions
	reason       atomic.Pointer[string] // what the readiness probe was told last
}

func (p *process) wire(mgr ctrl.Manager, cfg *rest.Config) error {
	reader, err := cluster.NewClient(cfg)
	if err != nil {
		return fmt.Errorf("set up watches: %w", err)
	}
	watched, err := newInventoryMetrics(p.Registry)
	if err != nil {
		return fmt.Errorf("set up metrics: %w", err)
	}
	live := cluster.NewLive(reader, cluster.LiveOptions{Hooks: watched.hooks()})
	p.live = live
	if err := mgr.Add(live); err != nil {
		return fmt.Errorf("set up watches: %w", err)
	}
	if err := mgr.Add(p.certificates(mgr.GetClient())); err != nil {
		return fmt.Errorf("set up certificates: %w", err)
	}
	counted, err := webhook.NewMetrics(p.Registry)
	if err != nil {
		return fmt.Errorf("set up metrics: %w", err)
	}
	if err := p.gauges(p.Registry); err != nil {
		return fmt.Errorf("set up metrics: %w", err)
	}
	engine := webhook.Engine{Inventory: live.Inventory, Policy: p.set.Load, Exemptions: p.exemptions.Load, Replica: live, Namespace: p.Namespace, Metrics: counted}
	bound := webhook.NewBound()
	for path, judge := range map[string]webhook.Judge{
		registration.ValidatePath: webhook.Validator{Engine: engine},
		registration.MutatePath:   webhook.Mutator{Engine: engine},
		registration.GuardPath:    webhook.Guard{Engine: engine, Groups: p.GuardGroups},
		registration.ExemptPath:   webhook.ExemptionGuard{Engine: engine},
	} {
		mgr.GetWebhookServer().Register(path, withDeadline(webhook.NewHandler(judge, bound, counted, p.log), bodyDeadline))
	}
	if err := mgr.AddHealthzCheck("server", mgr.GetWebhookServer().StartedChecker()); err != nil {
		return fmt.Errorf("set up probes: %w", err)
	}
	if err := mgr.AddReadyzCheck("ready", p.probed); err != nil {
		return fmt.Errorf("set up probes: %w", err)
	}
	return nil
}

// probed is ready for the probe; it logs each new reason once, for the probe's
// answer to a kubelet is seen by nobody.
func (p *process) probed(req *http.Request) error {
	err, reason := p.ready(req), "ready"
	if err != nil {
		reason = "not ready: " + err.Error()
	}
	if old := p.reason.Swap(&reason); old == nil || *old != reason {
		p.log.Info(reason)
	}
	return err
}

// ready says why the webhook should not be called yet: watches that have not
// synced, a policy that has not been read, or a certificate that the API server
// would not accept.
func (p *process) ready(*http.Request) error {
	if !p.live.HasSynced() {
		return errors.New("the inventory is not synced yet")
	}
	if p.policyLoaded == nil || !p.policyLoaded() {
		return errors.New("the check policy has not been read yet")
	}
	if !p.exemptions.Loaded() {
		return errors.New("the exemptions have not been read yet")
	}
	return p.serving.Ready(p.names()[0], time.Now())
}

func (p *process) names() []string {
	service := p.Service + "." + p.Namespace + ".svc"
	return append(append([]string{}, p.Names...), service, service+".cluster.local")
}

func (p *process) certificates(c client.Client) *certs.Manager {
	config := authority.DefaultConfig("gatehouse-webhook", p.names()...)
	if p.CertOverlap != 0 {
		config.Overlap = p.CertOverlap
	}
	validating := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: registration.Name}}
	mutating := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: registration.Name}}
	return &certs.Manager{
		Client: c, Secret: client.ObjectKey{Namespace: p.Namespace, Name: SecretName},
		Registrations: []certs.Registration{{Object: validating, Bundles: bundles}, {Object: mutating, Bundles: bundles}},
		Config:        config, Dir: p.CertDir, Interval: p.CertInterval, Serving: p.serving, Log: p.log.WithName("certificates"),
	}
}

// bundles points at every caBundle of a webhook configuration.
func bundles(o client.Object) []*[]byte {
	var out []*[]byte
	switch w := o.(type) {
	case *admissionregistrationv1.ValidatingWebhookConfiguration:
		for i := range w.Webhooks {
			out = append(out, &w.Webhooks[i].ClientConfig.CABundle)
		}
	case *admissionregistrationv1.MutatingWebhookConfiguration:
		for i := range w.Webhooks {
			out = append(out, &w.Webhooks[i].ClientConfig.CABundle)
		}
	}
	return out
}

// gauges are read when they are scraped.
func (p *process) gauges(r prometheus.Registerer) error {
	for _, g := range []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "gatehouse_webhook_ready", Help: "1 when the webhook can judge and the API server would accept its certificate.",
		}, func() float64 {
			if p.ready(nil) != nil {
				return 0
			}
			return 1
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "gatehouse_webhook_certificate_expiry_timestamp_seconds", Help: "When the serving certificate ends, in Unix time; 0 before there is one.",
		}, func() float64 {
			if leaf := p.serving.Leaf(); leaf != nil {
				return float64(leaf.NotAfter.Unix())
			}
			return 0
		}),
	} {
		if err := r.Register(g); err != nil {
			return err
		}
	}
	return nil
}
