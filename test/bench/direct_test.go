// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

// BenchmarkDirect is goal (b): AdmissionReviews over HTTPS with keep-alive, the
// load generator on the same machine. The server is a process of its own, so
// that its CPU time can be read; a server that allows everything is measured
// the same way and alternates with it.
func BenchmarkDirect(b *testing.B) {
	for _, workers := range []int{1, 32} {
		for _, kind := range []string{"allow", "gatehouse", "gatehouse-large"} {
			b.Run(fmt.Sprintf("%s/workers=%d", kind, workers), func(b *testing.B) {
				s := startServer(b, kind)
				reviews := corpus(b)
				s.load(b, reviews, workers, 2000) // connections, pools and caches warm up
				cpu := s.cpu(b)
				b.ResetTimer()
				took := s.load(b, reviews, workers, b.N)
				b.StopTimer()
				b.ReportMetric(float64((s.cpu(b)-cpu).Microseconds())/float64(b.N), "server-cpu-us/review")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reviews/s")
				b.ReportMetric(s.resident(b), "resident-MiB")
				report(b, took)
			})
		}
	}
}

type server struct {
	cmd *exec.Cmd
	url string
}

// startServer runs this test binary again as a server and waits for its
// address.
func startServer(b *testing.B, kind string) *server {
	b.Helper()
	// Not the benchmark's context, which ends before its clean-up: the server ends with its input.
	cmd := exec.CommandContext(context.Background(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), serverVariable+"="+kind)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stdin.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("the server did not start: %v", err)
	}
	return &server{cmd: cmd, url: strings.TrimSpace(line)}
}

// load sends n reviews and returns the time of each.
func (s *server) load(b *testing.B, reviews [][]byte, workers, n int) []time.Duration {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: workers, MaxConnsPerHost: workers,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // our own server on loopback, made a moment ago
	}}
	defer client.CloseIdleConnections()
	took := make([]time.Duration, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url, bytes.NewReader(reviews[i%len(reviews)]))
				if err != nil {
					b.Error(err)
					return
				}
				req.Header.Set("Content-Type", "application/json")
				start := time.Now()
				resp, err := client.Do(req)
				if err != nil {
					b.Error(err)
					return
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					b.Error(err)
				}
				resp.Body.Close()
				took[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	return took
}

// cpu is the CPU time the server has used, from /proc/PID/stat (proc(5), fields
// 14 and 15, in ticks of 10 ms).
func (s *server) cpu(b *testing.B) time.Duration {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		b.Skipf("no /proc on this system: %v", err)
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+2:]))
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func (s *server) resident(b *testing.B) float64 {
	b.Helper()
	mib, err := resident(strconv.Itoa(s.cmd.Process.Pid), "VmRSS:")
	if err != nil {
		b.Fatal(err)
	}
	return mib
}

// resident is a figure of a process in /proc/PID/status (proc(5)), in MiB.
func resident(process, field string) (float64, error) {
	raw, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, found := strings.CutPrefix(line, field); found {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("process %s: no %s", process, field)
}

// corpus is 1,000 reviews as an API server sends them: Services, pods,
// Deployments and Ingresses, every tenth of which is to be denied.
func corpus(b *testing.B) [][]byte {
	b.Helper()
	size := shape.Large
	var out [][]byte
	for i := range 1000 {
		var o inventory.Object
		switch i % 4 {
		case 0, 1:
			o = size.Service(i)
		case 2:
			o = size.Pod(i)
		case 3:
			o = size.Ingress(i)
		}
		if i%10 == 0 {
			svc := size.Service(i).(*corev1.Service)
			svc.Spec.Type = corev1.ServiceTypeNodePort
			o = svc
		}
		out = append(out, envelope(b, o))
	}
	return out
}

// envelope wraps an object with what else an API server sends along, in its own
// encoding.
func envelope(b *testing.B, o inventory.Object) []byte {
	b.Helper()
	k, known := inventory.KindOf(inventory.GroupKindOf(o))
	if !known {
		b.Fatalf("unknown kind %T", o)
	}
	o.GetObjectKind().SetGroupVersionKind(k.GVK())
	raw, err := json.Marshal(o)
	if err != nil {
		b.Fatal(err)
	}
	gvk := metav1.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.GroupKind.Kind}
	gvr := metav1.GroupVersionResource{Group: k.Group, Version: k.Version, Resource: k.Resource}
	no := false
	review, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "6b1e3a8e-5a0c-4a55-9d0e-0e7f4d9b8a11", Kind: gvk, Resource: gvr, RequestKind: &gvk, RequestResource: &gvr,
			Name: o.GetName(), Namespace: o.GetNamespace(), Operation: admissionv1.Create,
			UserInfo: authenticationv1.UserInfo{Username: "ann@example.com", UID: "17", Groups: []string{"developers", "system:authenticated"}},
			Object:   runtime.RawExtension{Raw: raw}, DryRun: &no,
			Options: runtime.RawExtension{Raw: []byte(`{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1","fieldManager":"kubectl-client-side-apply","fieldValidation":"Strict"}`)},
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return review
}
