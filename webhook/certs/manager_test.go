// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/internal/authority"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

var config = authority.Config{Subject: "gatehouse-webhook", Names: []string{"gatehouse-webhook.gatehouse-system.svc", "127.0.0.1"}, AuthorityLife: 90 * 24 * time.Hour, LeafLife: 9 * 24 * time.Hour, Overlap: 10 * time.Minute}

func TestMain(m *testing.M) { controlplane.Main(m) }

// stage is a namespace with an empty Secret and two webhook configurations
// without bundle, as they are right after an installation.
type stage struct {
	client client.Client
	name   string
	config authority.Config
}

func newStage(t *testing.T) *stage {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, admissionregistrationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.New(controlplane.Get(t).RESTConfig(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{client: c, name: fmt.Sprintf("certs-%d", time.Now().UnixNano()), config: config}
	validating, mutating := s.validating(), s.mutating()
	for i := range 2 {
		hook := fmt.Sprintf("hook-%d.certs.example.com", i)
		to := admissionregistrationv1.WebhookClientConfig{URL: new("https://127.0.0.1:1/never-called")}
		validating.Webhooks = append(validating.Webhooks, admissionregistrationv1.ValidatingWebhook{
			Name: hook, ClientConfig: to, FailurePolicy: new(admissionregistrationv1.Ignore),
			SideEffects: new(admissionregistrationv1.SideEffectClassNone), AdmissionReviewVersions: []string{"v1"},
		})
		mutating.Webhooks = append(mutating.Webhooks, admissionregistrationv1.MutatingWebhook{
			Name: hook, ClientConfig: to, FailurePolicy: new(admissionregistrationv1.Ignore),
			SideEffects: new(admissionregistrationv1.SideEffectClassNone), AdmissionReviewVersions: []string{"v1"},
		})
	}
	for _, o := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.name}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: "certificates"}},
		validating, mutating,
	} {
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Delete(context.Background(), o); client.IgnoreNotFound(err) != nil {
				t.Error(err)
			}
		})
	}
	return s
}

func (s *stage) validating() *admissionregistrationv1.ValidatingWebhookConfiguration {
	return &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: s.name}}
}

func (s *stage) mutating() *admissionregistrationv1.MutatingWebhookConfiguration {
	return &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: s.name}}
}

// replica is a manager of its own, as every process has one.
func (s *stage) replica() *Manager {
	return &Manager{
		Client: s.client, Secret: client.ObjectKey{Namespace: s.name, Name: "certificates"}, Config: s.config,
		Registrations: []Registration{{s.validating(), bundlesOf}, {s.mutating(), bundlesOf}},
		Serving:       &Serving{}, Log: logr.Discard(),
	}
}

func bundlesOf(o client.Object) []*[]byte {
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

func (s *stage) secret(t *testing.T) *corev1.Secret {
	t.Helper()
	var secret corev1.Secret
	if err := s.client.Get(t.Context(), client.ObjectKey{Namespace: s.name, Name: "certificates"}, &secret); err != nil {
		t.Fatal(err)
	}
	return &secret
}

// registered returns the bundle of every webhook, as the API server has it.
func (s *stage) registered(t *testing.T) [][]byte {
	t.Helper()
	var out [][]byte
	for _, o := range []client.Object{s.validating(), s.mutating()} {
		if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			t.Fatal(err)
		}
		for _, b := range bundlesOf(o) {
			out = append(out, *b)
		}
	}
	if len(out) != 4 {
		t.Fatalf("%d bundles, want 4", len(out))
	}
	return out
}

// set writes the same bundle into both webhooks of the validating registration.
func (s *stage) set(t *testing.T, bundle []byte) {
	t.Helper()
	o := s.validating()
	if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
		t.Fatal(err)
	}
	for _, b := range bundlesOf(o) {
		*b = bundle
	}
	if err := s.client.Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) once(t *testing.T, m *Manager) {
	t.Helper()
	if err := m.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// inStep fails unless every bundle is that of the Secret and the replica's
// certificate is accepted by it.
func (s *stage) inStep(t *testing.T, replicas ...*Manager) {
	t.Helper()
	want := authority.Read(s.secret(t)).Bundle()
	for i, got := range s.registered(t) {
		if !bytes.Equal(got, want) {
			t.Errorf("bundle %d is not that of the Secret", i)
		}
	}
	for i, m := range replicas {
		for _, name := range config.Names {
			if err := m.Serving.Ready(name, time.Now()); err != nil {
				t.Errorf("replica %d under %s: %v", i, name, err)
			}
		}
	}
}

// TestReplicasThatRaceShareOneAuthority lets four replicas start at once on an
// empty Secret and then rotate. After every round in which each has looked, each
// serves what the API server accepts.
func TestReplicasThatRaceShareOneAuthority(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.config.Overlap = 2 * time.Second // longer than a round, as Config demands
	replicas := []*Manager{s.replica(), s.replica(), s.replica(), s.replica()}
	round := func() {
		t.Helper()
		var all sync.WaitGroup
		for _, m := range replicas {
			all.Go(func() {
				if err := m.Once(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	round() // one wins; who lost against it sees in the next round what it wrote
	round()
	s.inStep(t, replicas...)
	first := authority.Read(s.secret(t)).Authority.Cert

	secret := s.secret(t)
	secret.Annotations = map[string]string{authority.RotateBefore: time.Now().UTC().Format(time.RFC3339Nano)}
	if err := s.client.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	authorities := map[string]bool{string(first): true}
	for end := time.Now().Add(time.Minute); ; {
		round()
		bundle := s.registered(t)
		for i, m := range replicas {
			if err := authority.Verify(m.Serving.Leaf(), bundle[0], config.Names[0], time.Now()); err != nil {
				t.Fatalf("replica %d serves what is not trusted: %v", i, err)
			}
		}
		state := authority.Read(s.secret(t))
		authorities[string(state.Authority.Cert)] = true
		if !bytes.Equal(state.Authority.Cert, first) && state.Previous.Empty() {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no rotation within a minute")
		}
	}
	if len(authorities) != 2 {
		t.Errorf("%d authorities signed, want the old and the new one", len(authorities))
	}
	round()
	s.inStep(t, replicas...)
}

// TestAnAuthorityWaitsForEveryBundle shows that a new authority signs nothing
// while one registration lacks it, and signs once all have it.
func TestAnAuthorityWaitsForEveryBundle(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.config.Overlap = time.Nanosecond
	m := s.replica()
	s.once(t, m)
	s.inStep(t, m)
	secret := s.secret(t)
	first := authority.Read(secret).Authority
	secret.Annotations = map[string]string{authority.RotateBefore: time.Now().UTC().Format(time.RFC3339Nano)}
	if err := s.client.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	s.once(t, m) // makes the next authority and publishes it
	if authority.Read(s.secret(t)).Next.Empty() {
		t.Fatal("no next authority")
	}
	s.set(t, first.Cert) // one registration is applied again as it was
	s.once(t, m)
	if state := authority.Read(s.secret(t)); !bytes.Equal(state.Authority.Cert, first.Cert) {
		t.Fatal("the new authority signs before every registration trusts it")
	}
	s.inStep(t, m)
	s.once(t, m)
	if state := authority.Read(s.secret(t)); bytes.Equal(state.Authority.Cert, first.Cert) {
		t.Fatal("the new authority signs nothing although every registration trusts it")
	}
	s.inStep(t, m)
}

// TestATamperedBundleIsRestored also shows that nothing else of a registration
// is written, whoever changed it.
func TestATamperedBundleIsRestored(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	m := s.replica()
	s.once(t, m)
	s.inStep(t, m)
	foreign, _, err := authority.State{}.Advance(time.Now(), config, nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	own := authority.Read(s.secret(t)).Bundle()
	for _, tc := range []struct {
		name   string
		bundle []byte
	}{
		{"no bundle", nil},
		{"another authority", foreign.Bundle()},
		{"another authority beside ours", slices.Concat(own, foreign.Bundle())},
	} {
		s.set(t, tc.bundle)
		before := s.validating()
		if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(before), before); err != nil {
			t.Fatal(err)
		}
		before.Labels = map[string]string{"example.com/owner": strings.ReplaceAll(tc.name, " ", "-")}
		before.Webhooks[0].TimeoutSeconds = new(int32(len(tc.name)))
		if err := s.client.Update(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		s.once(t, m)
		s.inStep(t, m)
		after := s.validating()
		if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(after), after); err != nil {
			t.Fatal(err)
		}
		for _, o := range []*admissionregistrationv1.ValidatingWebhookConfiguration{before, after} {
			o.ResourceVersion, o.ManagedFields, o.Generation = "", nil, 0
			for _, b := range bundlesOf(o) {
				*b = nil
			}
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: more than the bundle was written (-before +after):\n%s", tc.name, diff)
		}
	}
	version := s.validating()
	if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(version), version); err != nil {
		t.Fatal(err)
	}
	s.once(t, m)
	again := s.validating()
	if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(again), again); err != nil {
		t.Fatal(err)
	}
	if version.ResourceVersion != again.ResourceVersion {
		t.Error("a registration that is in step was written")
	}
}

// TestWhatIsMissingIsAnError pairs with the tests above: without Secret or
// registration nothing is served for the first time, and what was served stays.
func TestWhatIsMissingIsAnError(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	running, starting := s.replica(), s.replica()
	s.once(t, running)
	if err := s.client.Delete(t.Context(), s.mutating()); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*Manager{"a replica that ran": running, "a replica that starts": starting} {
		if err := m.Once(t.Context()); err == nil || !strings.Contains(err.Error(), s.name) {
			t.Errorf("%s without registration: got %v", name, err)
		}
	}
	if starting.Serving.Leaf() != nil || starting.Serving.Ready(config.Names[0], time.Now()) == nil {
		t.Error("a replica is ready that never saw its registration")
	}
	if running.Serving.Leaf() == nil {
		t.Error("a replica gave up its certificate with the registration")
	}
	if err := s.client.Delete(t.Context(), s.secret(t)); err != nil {
		t.Fatal(err)
	}
	if err := starting.Once(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate secret") {
		t.Errorf("without Secret: got %v", err)
	}
}
