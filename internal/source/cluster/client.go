// SPDX-License-Identifier: Apache-2.0

// Package cluster fills inventories from a running cluster: once, by paging
// (Client.Load, for the command line), or continuously, by watches (Live, for
// the webhook and the controller).
//
// It knows which kinds are installed and says of every kind whether it could be
// read, so that what is unreadable is never taken for absent. It only lists and
// watches; it judges nothing and writes nothing.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Client reads the kinds of an inventory. Built-in kinds travel as protobuf and
// are decoded straight to their types, Gateway API kinds as JSON, all others as
// JSON to unstructured objects. Safe for concurrent use.
type Client struct {
	config  *rest.Config
	http    *http.Client
	dynamic dynamic.Interface
	scheme  *runtime.Scheme

	mu    sync.Mutex
	typed map[schema.GroupVersion]rest.Interface
}

// NewClient makes a client. The configuration is copied; its rate limit is
// switched off, because the requests are few and the API server has its own
// (priority and fairness), and so are its printed warnings and its timeout,
// which would end watches.
func NewClient(config *rest.Config) (*Client, error) {
	c := &Client{config: rest.CopyConfig(config), typed: map[schema.GroupVersion]rest.Interface{}}
	c.config.QPS, c.config.Timeout, c.config.RateLimiter = -1, 0, nil
	c.config.WarningHandler, c.config.WarningHandlerWithContext = nil, rest.NoWarnings{}
	var err error
	if c.scheme, err = newScheme(); err != nil {
		return nil, fmt.Errorf("make cluster client: %w", err)
	}
	if c.http, err = rest.HTTPClientFor(c.config); err != nil {
		return nil, fmt.Errorf("make cluster client: %w", err)
	}
	if c.dynamic, err = dynamic.NewForConfigAndClient(c.config, c.http); err != nil {
		return nil, fmt.Errorf("make cluster client: %w", err)
	}
	return c, nil
}

// newScheme knows the types of every typed kind, and nothing else.
func newScheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	all := []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, discoveryv1.AddToScheme, networkingv1.AddToScheme, rbacv1.AddToScheme,
		admissionregistrationv1.AddToScheme, apiextensionsv1.AddToScheme, gatewayv1.Install,
	}
	faults := make([]error, 0, len(all))
	for _, add := range all {
		faults = append(faults, add(s))
	}
	metav1.AddToGroupVersion(s, schema.GroupVersion{Version: "v1"})
	return s, errors.Join(faults...)
}

// resource lists and watches one kind in one version.
type resource struct {
	list  func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// resource returns access to a kind, in one namespace or in all. The version may be another than the
// kind's: Gateway API kinds have the same shape in all of theirs.
func (c *Client) resource(kind inventory.Kind, version, namespace string) (resource, error) {
	gvr := kind.GVR()
	gvr.Version = version
	if kind.New == nil {
		r := c.dynamic.Resource(gvr).Namespace(namespace)
		return resource{
			list: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return r.List(ctx, o) },
			watch: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				return r.Watch(ctx, o)
			},
		}, nil
	}
	client, err := c.typedClient(kind, gvr.GroupVersion())
	if err != nil {
		return resource{}, err
	}
	request := func(o metav1.ListOptions) *rest.Request {
		return client.Get().Namespace(namespace).Resource(gvr.Resource).VersionedParams(&o, metav1.ParameterCodec)
	}
	return resource{
		list: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return request(o).Do(ctx).Get()
		},
		watch: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.Watch = true
			return request(o).Watch(ctx)
		},
	}, nil
}

func (c *Client) typedClient(kind inventory.Kind, gv schema.GroupVersion) (rest.Interface, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client, known := c.typed[gv]; known {
		return client, nil
	}
	scheme, err := c.schemeFor(gv)
	if err != nil {
		return nil, err
	}
	config := rest.CopyConfig(c.config)
	config.GroupVersion = &gv
	config.APIPath = "/apis"
	if gv.Group == "" {
		config.APIPath = "/api"
	}
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	if kind.BuiltIn {
		config.ContentType = runtime.ContentTypeProtobuf
		config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	}
	client, err := rest.RESTClientForConfigAndClient(config, c.http)
	if err != nil {
		return nil, fmt.Errorf("make client for %s: %w", gv, err)
	}
	c.typed[gv] = client
	return client, nil
}

// schemeFor returns a scheme that reads a version of a group which the types
// were not written for through the types of the group's own version.
func (c *Client) schemeFor(gv schema.GroupVersion) (*runtime.Scheme, error) {
	if c.scheme.IsVersionRegistered(gv) {
		return c.scheme, nil
	}
	s, err := newScheme()
	if err != nil {
		return nil, err
	}
	for _, k := range inventory.Kinds() {
		if k.Group != gv.Group || k.New == nil {
			continue
		}
		list, err := s.New(k.GVK().GroupVersion().WithKind(k.GroupKind.Kind + "List"))
		if err != nil {
			return nil, fmt.Errorf("read %s %s: %w", k.GroupKind, gv.Version, err)
		}
		s.AddKnownTypeWithName(gv.WithKind(k.GroupKind.Kind), k.New())
		s.AddKnownTypeWithName(gv.WithKind(k.GroupKind.Kind+"List"), list)
	}
	metav1.AddToGroupVersion(s, gv)
	return s, nil
}
