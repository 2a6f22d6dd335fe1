// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The pace of the canary.
const (
	canaryEvery   = time.Minute
	canaryRetry   = 10 * time.Second // after one that was not refused as it should be
	canaryTimeout = 35 * time.Second // above the longest timeout a webhook can have
)

// Outcome is what became of a canary. Refused is the only good one.
type Outcome string

// The outcomes, which are the values of a metric's label.
const (
	Refused      Outcome = "refused"        // by our webhook, for the expected reason
	Accepted     Outcome = "accepted"       // nobody objected, or only the quota of the canary's namespace
	ByBackstop   Outcome = "by-backstop"    // an admission policy refused it before our webhook was asked
	BySomeone    Outcome = "by-someone"     // another webhook or plugin refused it before ours
	OtherReason  Outcome = "other-reason"   // our webhook refused it, but not for what is wrong with it
	Unreachable  Outcome = "unreachable"    // the API server could not call our webhook
	NotEnforced  Outcome = "not-enforced"   // the canary's namespace does not enforce, or is missing
	NothingToTry Outcome = "nothing-to-try" // the policy denies none of the canaries
	Failed       Outcome = "failed"         // the API server did not take the request
)

var outcomes = [...]Outcome{Refused, Accepted, ByBackstop, BySomeone, OtherReason, Unreachable, NotEnforced, NothingToTry, Failed}

// Canary sends, every minute, a dry-run of an object that must be refused, and so
// proves that requests are judged: that the API server knows our webhook, calls
// it, trusts it, and does what it says. One replica runs it.
type Canary struct {
	Client    client.Client
	Judge     func() verdict.Judge // as the webhook judges now
	Inventory func() *inventory.Inventory
	Ready     func() bool

	// Namespace is where canaries are tried. It must enforce.
	Namespace string

	// Webhooks ends the names of our webhooks: ".gatehouse.sh".
	Webhooks string

	// Tell is given a notice about Regarding when a canary comes back alive.
	Tell      func(Notice)
	Regarding inventory.Key

	mu   sync.Mutex
	last Outcome // empty before the first
	at   time.Time

	enforcing, outcome, when *prometheus.Desc
}

// Register registers the metrics. They have no values before the first canary: a
// replica that does not lead says nothing.
func (c *Canary) Register(r prometheus.Registerer) error {
	c.enforcing = prometheus.NewDesc("gatehouse_enforcing", "1 when the last canary was refused by the webhook as it must be.", nil, nil)
	c.outcome = prometheus.NewDesc("gatehouse_canary_outcome", "1 for what became of the last canary.", []string{"outcome"}, nil)
	c.when = prometheus.NewDesc("gatehouse_canary_timestamp_seconds", "When the last canary came back, in Unix time.", nil, nil)
	return r.Register(c)
}

// Describe implements prometheus.Collector.
func (c *Canary) Describe(out chan<- *prometheus.Desc) {
	out <- c.enforcing
	out <- c.outcome
	out <- c.when
}

// Collect implements prometheus.Collector.
func (c *Canary) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == "" {
		return
	}
	is := func(o Outcome) float64 {
		if c.last == o {
			return 1
		}
		return 0
	}
	out <- prometheus.MustNewConstMetric(c.enforcing, prometheus.GaugeValue, is(Refused))
	out <- prometheus.MustNewConstMetric(c.when, prometheus.GaugeValue, float64(c.at.Unix()))
	for _, o := range outcomes {
		out <- prometheus.MustNewConstMetric(c.outcome, prometheus.GaugeValue, is(o), string(o))
	}
}

// NeedLeaderElection returns true: one canary a minute is enough.
func (*Canary) NeedLeaderElection() bool { return true }

// Start tries until ctx ends.
func (c *Canary) Start(ctx context.Context) error {
	log := logr.FromContextOrDiscard(ctx)
	for !c.Ready() {
		if !Wait(ctx, look) {
			return nil
		}
	}
	for {
		outcome, detail := c.Try(ctx)
		select {
		case <-ctx.Done():
			return nil
		default:
		}
		if c.store(outcome) {
			log.Info("canary", "outcome", string(outcome), "detail", detail)
		}
		pause := canaryEvery
		if outcome != Refused {
			pause = canaryRetry
			c.Tell(Notice{
				Object: c.Regarding, Reason: "NotEnforcing", Action: "Canary",
				Text: fmt.Sprintf("requests may not be judged: a canary that must be refused was not (%s): %s", outcome, detail),
			})
		}
		if !Wait(ctx, pause) {
			return nil
		}
	}
}

// store keeps an outcome and reports whether it differs from the one before.
func (c *Canary) store(o Outcome) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := c.last != o
	c.last, c.at = o, time.Now()
	return changed
}

// Try sends one canary and returns what became of it, with the words of the API
// server where there are any.
func (c *Canary) Try(ctx context.Context) (Outcome, string) {
	inv, judge := c.Inventory(), c.Judge()
	ns := inv.Namespace(c.Namespace)
	if ns == nil {
		return NotEnforced, "namespace " + c.Namespace + " does not exist"
	}
	mode, profile, err := policy.ScopeOf(ns.Labels)
	if mode != policy.Enforce || err != nil {
		return NotEnforced, fmt.Sprintf("namespace %s is not labelled %s=%s", c.Namespace, policy.AdmissionLabel, policy.Enforce)
	}
	for _, o := range c.candidates() {
		v := judge.Of(verdict.Question{Object: o, Inventory: inv, Mode: mode, Profile: profile, Request: checks.Request{Operation: checks.Create}})
		if !v.Denied() {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, canaryTimeout)
		defer cancel()
		return c.read(c.Client.Create(ctx, o, client.DryRunAll), v)
	}
	return NothingToTry, "the check policy denies none of the canaries"
}

// candidates are objects that break rules of the default policy, the plainest
// first.
func (c *Canary) candidates() []client.Object {
	service := func(spec corev1.ServiceSpec) *corev1.Service {
		spec.Selector = map[string]string{"gatehouse.sh/canary": "none"}
		spec.Ports = []corev1.ServicePort{{Name: "canary", Protocol: corev1.ProtocolTCP, Port: 8443}}
		return &corev1.Service{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
			ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: "canary"}, Spec: spec,
		}
	}
	return []client.Object{
		service(corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort}),
		service(corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer}),
		service(corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ExternalIPs: []string{"203.0.113.1"}}),
	}
}

// read tells outcomes apart by what the API server says: a refusal by a webhook
// names the webhook, and holds the message that ours writes.
// https://github.com/kubernetes/apiserver/blob/v0.36.3/pkg/admission/plugin/webhook/errors/statuserror.go
func (c *Canary) read(err error, want policy.Verdict) (Outcome, string) {
	if err == nil {
		return Accepted, "it was accepted"
	}
	text := err.Error()
	switch ours := strings.Contains(text, c.Webhooks+`"`); {
	case ours && strings.Contains(text, "failed calling webhook"):
		return Unreachable, text
	case ours && strings.Contains(text, "denied the request"):
		for _, j := range want.With(checks.Deny) {
			if strings.Contains(text, j.Check) {
				return Refused, text
			}
		}
		return OtherReason, text
	case strings.Contains(text, "ValidatingAdmissionPolicy"):
		return ByBackstop, text
	case apierrors.IsForbidden(err) && strings.Contains(text, "exceeded quota"):
		return Accepted, text
	case strings.Contains(text, "admission webhook"):
		return BySomeone, text
	}
	return Failed, text
}

// DeploymentKey names the Deployment of the webhook, which notices about
// enforcement are about.
func DeploymentKey(namespace, name string) inventory.Key {
	return inventory.Key{Kind: schema.GroupKind{Group: "apps", Kind: "Deployment"}, Namespace: namespace, Name: name}
}
