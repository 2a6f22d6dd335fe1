// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/program"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

const (
	own     = "gatehouse-system"
	plain   = "not-opted-in" // a namespace that no webhook is called for
	allowed = "allow-all"    // a namespace that a server which allows everything is called for
)

// loaders is how many objects are written at once.
const loaders = 24

// machine is the control plane of this test binary, the same for all benchmarks.
type machine struct {
	*controlplane.ControlPlane
	api kubernetes.Interface
}

func newReal(b *testing.B) *machine {
	b.Helper()
	cp := controlplane.Get(b)
	cfg := cp.RESTConfig()
	cfg.QPS = -1
	cfg.WarningHandler = rest.NoWarnings{} // writing them out would be measured, too
	cfg.ContentType, cfg.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON
	api, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		b.Fatal(err)
	}
	return &machine{cp, api}
}

// load writes the large shape, once.
func (r *machine) load(b *testing.B, size shape.Size) {
	b.Helper()
	if r.loaded(b) {
		return
	}
	began := time.Now()
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	work := make(chan inventory.Object, loaders)
	var wg sync.WaitGroup
	for range loaders {
		wg.Go(func() {
			for o := range work {
				if err := r.create(ctx, o); err != nil && !apierrors.IsAlreadyExists(err) && ctx.Err() == nil {
					b.Error(err)
					stop()
				}
			}
		})
	}
	n := 0
	for o := range size.Objects() {
		if n == size.Namespaces {
			r.wait(b, n) // what follows needs its namespace
		}
		work <- o
		if n++; n%10_000 == 0 {
			fmt.Fprintf(os.Stderr, "wrote %d of %d objects after %s\n", n, size.Count(), time.Since(began).Round(time.Second))
		}
	}
	close(work)
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
	for _, name := range []string{allowed, plain} {
		if _, err := r.api.CoreV1().Namespaces().Create(b.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// loaded says whether the control plane holds the large shape already. The
// namespace "plain" is the last thing that load writes.
func (r *machine) loaded(b *testing.B) bool {
	b.Helper()
	_, err := r.api.CoreV1().Namespaces().Get(b.Context(), plain, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		b.Fatal(err)
	}
	return err == nil
}

// wait waits until the namespaces are there.
func (r *machine) wait(b *testing.B, namespaces int) {
	b.Helper()
	patiently(b, time.Minute, "namespaces", func() error {
		list, err := r.api.CoreV1().Namespaces().List(b.Context(), metav1.ListOptions{})
		if err == nil && len(list.Items) < namespaces {
			err = fmt.Errorf("%d of %d", len(list.Items), namespaces)
		}
		return err
	})
}

func (r *machine) create(ctx context.Context, o inventory.Object) (err error) {
	none := metav1.CreateOptions{}
	ns := o.GetNamespace()
	switch o := o.(type) {
	case *corev1.Namespace:
		_, err = r.api.CoreV1().Namespaces().Create(ctx, o, none)
	case *corev1.ServiceAccount:
		_, err = r.api.CoreV1().ServiceAccounts(ns).Create(ctx, o, none)
	case *corev1.Service:
		_, err = r.api.CoreV1().Services(ns).Create(ctx, o, none)
	case *corev1.Pod:
		var made *corev1.Pod
		if made, err = r.api.CoreV1().Pods(ns).Create(ctx, o, none); err == nil {
			made.Status = o.Status // which a creation does not take
			_, err = r.api.CoreV1().Pods(ns).UpdateStatus(ctx, made, metav1.UpdateOptions{})
		}
	case *networkingv1.Ingress:
		_, err = r.api.NetworkingV1().Ingresses(ns).Create(ctx, o, none)
	case *networkingv1.NetworkPolicy:
		_, err = r.api.NetworkingV1().NetworkPolicies(ns).Create(ctx, o, none)
	case *rbacv1.Role:
		_, err = r.api.RbacV1().Roles(ns).Create(ctx, o, none)
	case *rbacv1.RoleBinding:
		_, err = r.api.RbacV1().RoleBindings(ns).Create(ctx, o, none)
	case *rbacv1.ClusterRole:
		_, err = r.api.RbacV1().ClusterRoles().Create(ctx, o, none)
	case *rbacv1.ClusterRoleBinding:
		_, err = r.api.RbacV1().ClusterRoleBindings().Create(ctx, o, none)
	default:
		err = fmt.Errorf("%T is not part of the shape", o)
	}
	return err
}

// startProduct registers the webhook and runs bin/gatehouse-webhook against the
// control plane until the benchmark ends. It returns when /readyz answers 200,
// with the time since the process was started.
func (r *machine) startProduct(b *testing.B) (*server, time.Duration) {
	b.Helper()
	port, probes := program.Port(b), program.Port(b)
	url := fmt.Sprintf("https://127.0.0.1:%d", port)
	r.register(b, url)
	binary, err := filepath.Abs("../../bin/gatehouse-webhook")
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), binary, "--host=127.0.0.1", fmt.Sprintf("--port=%d", port), "--metrics=0",
		fmt.Sprintf("--probes=127.0.0.1:%d", probes), "--names=127.0.0.1")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+r.Kubeconfig())
	log, err := os.CreateTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = log
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatalf("start the product, which `make build` builds: %v", err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if b.Failed() {
			text, _ := os.ReadFile(log.Name())
			b.Logf("%s", text)
		}
		log.Close()
	})
	patiently(b, 2*time.Minute, "ready", func() error {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/readyz", probes)) //nolint:noctx // our own process
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return nil
	})
	return &server{cmd: cmd, url: url + registration.ValidatePath}, time.Since(began)
}

// register makes what the process needs to find: definitions, its namespace, its
// Secret, and the webhook configurations, which go with the benchmark.
func (r *machine) register(b *testing.B, url string) {
	b.Helper()
	ctx := context.Background()
	if out, errOut, err := r.Kubectl(ctx, "apply", "--server-side", "-k", "../../manifests/crd"); err != nil {
		b.Fatalf("%v\n%s%s", err, out, errOut)
	}
	set, err := catalog.Set()
	if err != nil {
		b.Fatal(err)
	}
	validating, mutating := registration.Build(set, registration.Options{Namespace: own, Service: "gatehouse-webhook", URL: url})
	_, err1 := r.api.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: own}}, metav1.CreateOptions{})
	_, err2 := r.api.CoreV1().Secrets(own).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: serve.SecretName}}, metav1.CreateOptions{})
	_, err3 := r.api.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(ctx, validating, metav1.CreateOptions{})
	_, err4 := r.api.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(ctx, mutating, metav1.CreateOptions{})
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil && !apierrors.IsAlreadyExists(err) {
			b.Fatal(err)
		}
	}
	b.Cleanup(func() {
		err1 := r.api.AdmissionregistrationV1().ValidatingWebhookConfigurations().Delete(ctx, registration.Name, metav1.DeleteOptions{})
		err2 := r.api.AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(ctx, registration.Name, metav1.DeleteOptions{})
		if err1 != nil || err2 != nil {
			b.Errorf("unregister: %v, %v", err1, err2)
		}
	})
}

// registerAllow registers a server for the namespace of that name as Gatehouse is
// registered for those that opted in: one mutating and one validating webhook
// with the same rules and conditions.
func (r *machine) registerAllow(b *testing.B, s *server) {
	b.Helper()
	ctx := context.Background()
	set, err := catalog.Set()
	if err != nil {
		b.Fatal(err)
	}
	validating, mutating := registration.Build(set, registration.Options{Namespace: own, URL: strings.TrimSuffix(s.url, "/"), CABundle: s.certificate(b)})
	validating.Name, mutating.Name = allowed, allowed
	validating.Webhooks, mutating.Webhooks = validating.Webhooks[:1], mutating.Webhooks[:1]
	only := &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: allowed}}
	validating.Webhooks[0].NamespaceSelector, mutating.Webhooks[0].NamespaceSelector = only, only
	_, err1 := r.api.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(ctx, validating, metav1.CreateOptions{})
	_, err2 := r.api.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(ctx, mutating, metav1.CreateOptions{})
	if err := errors.Join(err1, err2); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		err1 := r.api.AdmissionregistrationV1().ValidatingWebhookConfigurations().Delete(ctx, allowed, metav1.DeleteOptions{})
		err2 := r.api.AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(ctx, allowed, metav1.DeleteOptions{})
		if err := errors.Join(err1, err2); err != nil {
			b.Error(err)
		}
	})
}

// certificate returns what the server shows, which signs itself.
func (s *server) certificate(b *testing.B) []byte {
	b.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		b.Fatal(err)
	}
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} // our own server on loopback, made a moment ago
	conn, err := dialer.DialContext(b.Context(), "tcp", u.Host)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	leaf := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
}

// patiently tries until it works or the time is over.
func patiently(b *testing.B, limit time.Duration, what string, try func() error) {
	b.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("not within %s: %s: %v", limit, what, err)
		}
	}
}
