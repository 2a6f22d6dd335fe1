// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/program"
	"github.com/gatehouse-sh/gatehouse/webhook"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

// balancer is what stands between the API server and two replicas of the
// webhook, as a Service does: one address, and reviews that go to either. They
// take turns unless a review is about an object that was sent to one of them.
type balancer struct {
	to     [2]*httputil.ReverseProxy
	turn   atomic.Uint64
	fixed  sync.Map // object -> *destination
	judged [2]atomic.Int64
	faults atomic.Int64 // reviews that no replica answered
}

// destination is the replica that an object goes to.
type destination struct {
	replica int
	judged  atomic.Int64 // times that it validated the object
}

// startReplicas registers the webhook and runs two replicas of it behind a
// balancer, each with watches of its own.
func (c *cluster) startReplicas(t *testing.T, lags [2]*controlplane.Lag) *balancer {
	t.Helper()
	b := &balancer{}
	server := httptest.NewUnstartedServer(b)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	c.register(t, "https://"+server.Listener.Addr().String())
	var urls [2]string
	for i, lag := range lags {
		urls[i] = c.runWebhook(t, program.Port(t), lag).url
	}
	// Both serve the certificate in the Secret, and so does the balancer: it is for
	// the address, whatever the port.
	var secret corev1.Secret
	if err := c.api.Get(t.Context(), client.ObjectKey{Namespace: own, Name: serve.SecretName}, &secret); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(secret.Data["ca.crt"]) {
		t.Fatal("the Secret of the webhook has no authority")
	}
	for i, u := range urls {
		at, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		b.to[i] = &httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(at) },
			Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: 100},
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				b.faults.Add(1)
				http.Error(w, err.Error(), http.StatusBadGateway)
			},
		}
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return b
}

// send makes reviews of an object go to one replica from now on.
func (b *balancer) send(object string, replica int) *destination {
	d := &destination{replica: replica}
	b.fixed.Store(object, d)
	return d
}

// objectName is how the balancer tells objects apart.
func objectName(kind, namespace, name string) string { return kind + " " + namespace + "/" + name }

// ServeHTTP implements http.Handler.
func (b *balancer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, webhook.MaxReview))
	if err != nil {
		b.faults.Add(1)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var review struct {
		Request struct {
			Kind      struct{ Kind string }
			Namespace string
			Object    struct{ Metadata struct{ Name string } }
		}
	}
	if err := json.Unmarshal(body, &review); err != nil {
		b.faults.Add(1)
		http.Error(w, fmt.Sprintf("read review: %v", err), http.StatusBadRequest)
		return
	}
	r := review.Request
	to, validates := int(b.turn.Add(1)%2), req.URL.Path == registration.ValidatePath
	if d, fixed := b.fixed.Load(objectName(r.Kind.Kind, r.Namespace, r.Object.Metadata.Name)); fixed {
		to = d.(*destination).replica
		if validates {
			d.(*destination).judged.Add(1)
		}
	}
	if validates {
		b.judged[to].Add(1)
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	b.to[to].ServeHTTP(w, req)
}
