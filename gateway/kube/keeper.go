// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/internal/authority"
)

// KeeperOptions are of a Keeper.
type KeeperOptions struct {
	Secret translate.Name // it has to be there, and may be empty
	Names  []string       // by which data planes call
	// Published returns what every data plane trusts, as far as is known. A new authority is
	// used once it is among it.
	Published func() []byte
	// Changed is called with the bundle when it is another one. It must not block.
	Changed  func(bundle []byte)
	Interval time.Duration // between looks: 10 s when zero
	Log      logr.Logger
}

// Keeper keeps the authority that signs for a Remote in a Secret, and has its certificate
// served. Each replica of the control plane has one; the resourceVersion of the Secret
// decides whose step counts.
type Keeper struct {
	options KeeperOptions
	config  authority.Config
	client  *client
	current atomic.Pointer[signed]
}

// signed is what is served, and what others are to trust.
type signed struct {
	certificate *tls.Certificate
	leaf        []byte
	bundle      []byte
}

// NewKeeper makes a Keeper. It does nothing before Run or Once.
func NewKeeper(config *rest.Config, o KeeperOptions) (*Keeper, error) {
	api, err := newClient(config, []*kind{secretKind()})
	if err != nil {
		return nil, err
	}
	o.Interval = cmp.Or(o.Interval, 10*time.Second)
	return &Keeper{options: o, config: authority.DefaultConfig("gatehouse-gateway", o.Names...), client: api}, nil
}

// Certificate is for tls.Config.GetCertificate.
func (k *Keeper) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := k.current.Load(); c != nil {
		return c.certificate, nil
	}
	return nil, errors.New("there is no serving certificate yet")
}

// Bundle is the PEM of the authorities that data planes are to trust; nil before there are
// any.
func (k *Keeper) Bundle() []byte {
	if c := k.current.Load(); c != nil {
		return c.bundle
	}
	return nil
}

// Run looks at the Secret until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	failing := ""
	for ctx.Err() == nil {
		switch err := k.Once(ctx); {
		case ctx.Err() != nil:
			return
		case err == nil:
			failing = ""
		case err.Error() != failing: // it is said once
			failing = err.Error()
			k.options.Log.Error(err, "keep the authority of the control plane")
		}
		if !sleep(ctx, k.options.Interval) {
			return
		}
	}
}

// Once takes one step, if there is one to take. That another replica was faster is no
// fault.
func (k *Keeper) Once(ctx context.Context) error {
	path := fmt.Sprintf("/api/v1/namespaces/%s/secrets/%s", k.options.Secret.Namespace, k.options.Secret.Name)
	var secret corev1.Secret
	if err := k.client.send(ctx, http.MethodGet, path, "", nil, &secret); err != nil {
		return fmt.Errorf("read Secret %s: %w", k.options.Secret, err)
	}
	asked, err := authority.Rotated(&secret)
	if err != nil {
		k.options.Log.Error(err, "read when to rotate", "secret", k.options.Secret.String())
	}
	state, changed, err := authority.Read(&secret).Advance(time.Now(), k.config, k.options.Published(), asked)
	if err != nil {
		return fmt.Errorf("follow the authority: %w", err)
	}
	if changed {
		if err := authority.Write(&secret, state); err != nil {
			return err
		}
		secret.APIVersion, secret.Kind = "v1", "Secret"
		body, err := json.Marshal(&secret)
		if err != nil {
			return fmt.Errorf("write Secret %s: %w", k.options.Secret, err)
		}
		if err := k.client.send(ctx, http.MethodPut, path, runtime.ContentTypeJSON, body, nil); err != nil {
			if apierrors.IsConflict(err) {
				return nil
			}
			return fmt.Errorf("write Secret %s: %w", k.options.Secret, err)
		}
		k.options.Log.Info("certificates changed", "authoritySince", state.AuthoritySince, "nextTrusted", !state.Next.Empty(), "previousTrusted", !state.Previous.Empty())
	}
	return k.set(&state)
}

// set has a state served.
func (k *Keeper) set(state *authority.State) error {
	before, bundle := k.current.Load(), state.Bundle()
	if before != nil && bytes.Equal(before.leaf, state.Leaf.Cert) && bytes.Equal(before.bundle, bundle) {
		return nil
	}
	certificate, err := tls.X509KeyPair(state.Leaf.Cert, state.Leaf.Key)
	if err != nil {
		return fmt.Errorf("read the serving certificate: %w", err)
	}
	k.current.Store(&signed{certificate: &certificate, leaf: state.Leaf.Cert, bundle: bundle})
	if before == nil || !bytes.Equal(before.bundle, bundle) {
		k.options.Changed(bundle)
	}
	return nil
}
