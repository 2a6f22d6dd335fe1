// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// client speaks to the API server. Built-in kinds travel as protobuf, all others as
// JSON. Safe for concurrent use.
type client struct {
	byVersion map[schema.GroupVersion]rest.Interface
}

// newClient makes a client for kinds. The configuration is copied; its rate limit is
// switched off, since watches are few and the API server has a limit of its own, and so
// is its timeout, which would end watches.
func newClient(config *rest.Config, kinds []*kind) (*client, error) {
	own := rest.CopyConfig(config)
	own.QPS, own.Timeout, own.RateLimiter = -1, 0, nil
	own.WarningHandler, own.WarningHandlerWithContext = nil, rest.NoWarnings{}
	if own.UserAgent == "" {
		own.UserAgent = "gatehouse-gateway"
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), discoveryv1.AddToScheme(scheme), networkingv1.AddToScheme(scheme), eventsv1.AddToScheme(scheme), gatewayv1.Install(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("make cluster client: %w", err)
	}
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	shared, err := rest.HTTPClientFor(own)
	if err != nil {
		return nil, fmt.Errorf("make cluster client: %w", err)
	}
	out := &client{byVersion: map[schema.GroupVersion]rest.Interface{}}
	versions := []schema.GroupVersion{eventsv1.SchemeGroupVersion}
	for _, k := range kinds {
		versions = append(versions, k.resource.GroupVersion())
	}
	for _, gv := range versions {
		if out.byVersion[gv] != nil {
			continue
		}
		if out.byVersion[gv], err = clientFor(own, gv, scheme, shared); err != nil {
			return nil, fmt.Errorf("make client for %s: %w", gv, err)
		}
	}
	return out, nil
}

func clientFor(config *rest.Config, gv schema.GroupVersion, scheme *runtime.Scheme, shared *http.Client) (rest.Interface, error) {
	own := rest.CopyConfig(config)
	own.GroupVersion, own.APIPath = &gv, "/apis"
	own.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	own.ContentType, own.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	switch gv.Group {
	case corev1.GroupName:
		own.APIPath = "/api"
		fallthrough
	case discoveryv1.GroupName, eventsv1.GroupName, networkingv1.GroupName:
		own.ContentType, own.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON
	}
	return rest.RESTClientForConfigAndClient(own, shared)
}

// list lists a kind, or with a selector and a namespace one object of it.
func (c *client) list(ctx context.Context, k *kind, at place, o metav1.ListOptions) (runtime.Object, error) {
	return c.request(k, at, &o).Do(ctx).Get()
}

func (c *client) watch(ctx context.Context, k *kind, at place, o metav1.ListOptions) (watch.Interface, error) {
	o.Watch = true
	return c.request(k, at, &o).Watch(ctx)
}

// place is what is read of a kind: all, or one object of a namespace.
type place struct{ namespace, name string }

func (c *client) request(k *kind, at place, o *metav1.ListOptions) *rest.Request {
	if at.name != "" {
		o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, at.name).String()
	}
	return c.byVersion[k.resource.GroupVersion()].Get().Namespace(at.namespace).Resource(k.resource.Resource).VersionedParams(o, metav1.ParameterCodec)
}

// ready returns an error unless the API server says that it is ready.
func (c *client) ready(ctx context.Context) error {
	if err := c.byVersion[corev1.SchemeGroupVersion].Get().AbsPath("/readyz").Do(ctx).Error(); err != nil {
		return fmt.Errorf("ask the API server whether it is ready: %w", err)
	}
	return nil
}

// served returns the names of the resources of a version that the API server has; none
// if it has no such version.
func (c *client) served(ctx context.Context, gv schema.GroupVersion) (map[string]bool, error) {
	at := "/apis/" + gv.String()
	if gv.Group == corev1.GroupName {
		at = "/api/" + gv.Version
	}
	out := map[string]bool{}
	raw, err := c.byVersion[gv].Get().AbsPath(at).SetHeader("Accept", runtime.ContentTypeJSON).Do(ctx).Raw()
	if apierrors.IsNotFound(err) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask what there is of %s: %w", gv, err)
	}
	var list metav1.APIResourceList
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read what there is of %s: %w", gv, err)
	}
	for i := range list.APIResources {
		out[list.APIResources[i].Name] = true
	}
	return out, nil
}

// send sends a body to a path of the API server, which may have a query, and reads the answer as JSON. into may
// be nil.
func (c *client) send(ctx context.Context, method, path, contentType string, body []byte, into any) error {
	req := c.byVersion[corev1.SchemeGroupVersion].Verb(method).RequestURI(path).SetHeader("Accept", runtime.ContentTypeJSON)
	if body != nil {
		req = req.SetHeader("Content-Type", contentType).Body(body)
	}
	done := req.Do(ctx)
	if err := done.Error(); err != nil || into == nil {
		return err
	}
	raw, err := done.Raw()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}
