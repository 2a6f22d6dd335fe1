// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

const (
	// registrationEvery is how often the registration is compared, from a cache
	// that watches it.
	registrationEvery = 2 * time.Second

	// untrusted is how long a registration may lack its caBundle: the webhook
	// fills it in after it was applied.
	untrusted = time.Minute
)

// Tampering compares the webhook registration with the one that belongs to this
// version (SELF-003). Admission webhooks are not asked about changes of webhook
// configurations, so this is seen afterwards, and only told. One replica runs it.
type Tampering struct {
	// Reader reads the two configurations; a cache.
	Reader client.Reader

	// Validating and Mutating are what should be there.
	Validating *admissionregistrationv1.ValidatingWebhookConfiguration
	Mutating   *admissionregistrationv1.MutatingWebhookConfiguration

	// Tell is given a notice when a difference appears: about the configuration,
	// or about Regarding when that is gone.
	Tell      func(Notice)
	Regarding inventory.Key

	tampered *prometheus.GaugeVec
	told     map[string]string // by kind: the differences that were told last
}

// Register registers the metric. It has no values before the first comparison.
func (t *Tampering) Register(r prometheus.Registerer) error {
	t.tampered = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "gatehouse_registration_tampered", Help: "1 when a webhook configuration of Gatehouse is missing or differs from what this version registers.",
	}, []string{"object"})
	t.told = map[string]string{}
	return r.Register(t.tampered)
}

// NeedLeaderElection returns true: one replica tells.
func (*Tampering) NeedLeaderElection() bool { return true }

// Start compares until ctx ends.
func (t *Tampering) Start(ctx context.Context) error {
	for {
		if err := t.compare(ctx); err != nil && ctx.Err() == nil {
			logr.FromContextOrDiscard(ctx).Error(err, "registration not compared")
		}
		if !Wait(ctx, registrationEvery) {
			return nil
		}
	}
}

func (t *Tampering) compare(ctx context.Context) error {
	validating := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	found, err := t.get(ctx, t.Validating.Name, validating)
	if err != nil {
		return err
	}
	var faults []string
	if found {
		faults = compareHooks(validatingHooks(t.Validating), validatingHooks(validating), older(validating))
	}
	t.conclude(ctx, "ValidatingWebhookConfiguration", t.Validating.Name, found, faults)

	mutating := &admissionregistrationv1.MutatingWebhookConfiguration{}
	if found, err = t.get(ctx, t.Mutating.Name, mutating); err != nil {
		return err
	}
	faults = nil
	if found {
		faults = compareHooks(mutatingHooks(t.Mutating), mutatingHooks(mutating), older(mutating))
	}
	t.conclude(ctx, "MutatingWebhookConfiguration", t.Mutating.Name, found, faults)
	return nil
}

func (t *Tampering) get(ctx context.Context, name string, o client.Object) (bool, error) {
	err := t.Reader.Get(ctx, client.ObjectKey{Name: name}, o)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %T %s: %w", o, name, err)
	}
	return true, nil
}

// older reports whether a configuration has been there long enough to be
// complete.
func older(o client.Object) bool {
	return time.Since(o.GetCreationTimestamp().Time) > untrusted
}

// conclude tells what is new about a configuration.
func (t *Tampering) conclude(ctx context.Context, kind, name string, found bool, faults []string) {
	about := inventory.Key{Kind: schema.GroupKind{Group: admissionregistrationv1.GroupName, Kind: kind}, Name: name}
	if !found {
		about, faults = t.Regarding, []string{kind + " " + name + " is missing"}
	}
	gauge, text := t.tampered.WithLabelValues(kind), strings.Join(faults, "; ")
	if text == "" {
		gauge.Set(0)
	} else {
		gauge.Set(1)
	}
	before := t.told[kind]
	t.told[kind] = text
	log := logr.FromContextOrDiscard(ctx)
	switch text {
	case before:
	case "":
		log.Info("the registration is as it should be again", "kind", kind)
	default:
		log.Info("the registration is not what this version registers", "kind", kind, "differences", text)
		t.Tell(Notice{Object: about, Reason: "RegistrationTampered", Action: "CompareRegistration", Text: "not what Gatehouse registers: " + text})
	}
}

// hook is what decides when a webhook is called and what its answer is worth.
// Timeouts are not in it: they are for operators to choose.
type hook struct {
	service    admissionregistrationv1.ServiceReference
	url        string
	trusted    bool // it has a caBundle
	failure    admissionregistrationv1.FailurePolicyType
	match      admissionregistrationv1.MatchPolicyType
	namespaces metav1.LabelSelector
	objects    metav1.LabelSelector
	rules      []admissionregistrationv1.RuleWithOperations
	conditions []admissionregistrationv1.MatchCondition
	again      admissionregistrationv1.ReinvocationPolicyType
}

func validatingHooks(c *admissionregistrationv1.ValidatingWebhookConfiguration) map[string]hook {
	out := make(map[string]hook, len(c.Webhooks))
	for i := range c.Webhooks {
		w := &c.Webhooks[i]
		h := hook{
			failure: value(w.FailurePolicy), match: value(w.MatchPolicy), namespaces: value(w.NamespaceSelector), objects: value(w.ObjectSelector),
			rules: w.Rules, conditions: w.MatchConditions,
		}
		out[w.Name] = h.calling(&w.ClientConfig)
	}
	return out
}

func mutatingHooks(c *admissionregistrationv1.MutatingWebhookConfiguration) map[string]hook {
	out := make(map[string]hook, len(c.Webhooks))
	for i := range c.Webhooks {
		w := &c.Webhooks[i]
		h := hook{
			failure: value(w.FailurePolicy), match: value(w.MatchPolicy), namespaces: value(w.NamespaceSelector), objects: value(w.ObjectSelector),
			rules: w.Rules, conditions: w.MatchConditions, again: value(w.ReinvocationPolicy),
		}
		out[w.Name] = h.calling(&w.ClientConfig)
	}
	return out
}

// calling adds where a webhook is. Paths are compared by value, and the port that
// the API defaults to is filled in on both sides.
func (h hook) calling(c *admissionregistrationv1.WebhookClientConfig) hook {
	h.url, h.service, h.trusted = value(c.URL), value(c.Service), len(c.CABundle) > 0
	if c.Service != nil && h.service.Port == nil {
		h.service.Port = new(int32(443))
	}
	return h
}

func value[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}

// compareHooks says how the webhooks that are there differ from those that
// should be, ordered by name.
func compareHooks(want, got map[string]hook, complete bool) []string {
	var out []string
	for name, w := range want {
		g, present := got[name]
		if !present {
			out = append(out, name+" is missing")
			continue
		}
		for _, part := range w.differs(g, complete) {
			out = append(out, name+" "+part)
		}
	}
	for name := range got {
		if _, ours := want[name]; !ours {
			out = append(out, name+" is not ours")
		}
	}
	slices.Sort(out)
	return out
}

func (h hook) differs(got hook, complete bool) []string {
	var out []string
	same := func(part string, a, b any) {
		if !equality.Semantic.DeepEqual(a, b) {
			out = append(out, part)
		}
	}
	same("calls another Service", h.service, got.service)
	same("calls another URL", h.url, got.url)
	if h.failure != got.failure {
		out = append(out, fmt.Sprintf("has failurePolicy %s, not %s", got.failure, h.failure))
	}
	same("has another matchPolicy", h.match, got.match)
	same("has another namespaceSelector", h.namespaces, got.namespaces)
	same("has an objectSelector", h.objects, got.objects)
	same("has other rules", h.rules, got.rules)
	same("has other matchConditions", h.conditions, got.conditions)
	same("has another reinvocationPolicy", h.again, got.again)
	if complete && !got.trusted {
		out = append(out, "has no caBundle")
	}
	return out
}
