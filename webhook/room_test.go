// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/semaphore"
)

// padded is a review whose body has a length.
func padded(t testing.TB, length int) []byte {
	t.Helper()
	with := func(n int) []byte {
		return review("CREATE", "", "v1", "Service", "services", `{"metadata":{"name":"web","annotations":{"x":"`+strings.Repeat("y", n)+`"}}}`, "")
	}
	n := length - len(with(0))
	if n < 0 {
		t.Fatalf("a review has at least %d bytes", len(with(0)))
	}
	return with(n)
}

// announce opens a connection that says it will send a body, and sends a part.
func announce(t *testing.T, server *httptest.Server, length int, part []byte) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil { // for one that is not read
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", length, part)
}

// post sends a body and returns the status. A length of -1 is not announced.
func post(t *testing.T, server *httptest.Server, body []byte, length int64) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if req.ContentLength = length; length < 0 {
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(text)
}

// free reports whether nothing of a bound is held.
func (b *Bound) free() bool {
	for s, n := range map[*semaphore.Weighted]int64{
		b.common.bodies: 16 << 20, b.common.decoded: b.common.size, b.common.turn: 1,
		b.large.bodies: 48 << 20, b.large.decoded: b.large.size, b.large.turn: 1,
	} {
		if !s.TryAcquire(n) {
			return false
		}
		s.Release(n)
	}
	return true
}

func allowing(Review) Answer { return Answer{Allowed: true} }

// TestSlowSendersDoNotShedReviews: clients that announce the largest body and
// stop sending hold no more than a few times what they sent, and what they hold
// is not the room of common reviews.
func TestSlowSendersDoNotShedReviews(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		senders, length, sent int
		lengths               []int // of the reviews that must be answered meanwhile
	}{
		"nothing is sent":                  {200, MaxReview, 0, []int{4 << 10, 20 << 10, 100 << 10, 3 << 20, MaxReview}},
		"one byte is sent":                 {200, MaxReview, 1, []int{4 << 10, 20 << 10, 100 << 10, 3 << 20, MaxReview}},
		"the free part is sent":            {200, MaxReview, firstRead, []int{4 << 10, 20 << 10, 100 << 10, 3 << 20, MaxReview}},
		"half of a large body is sent":     {12, MaxReview, MaxReview / 2, []int{4 << 10, 20 << 10, 100 << 10}},
		"all but a byte of common ones is": {200, commonBody, commonBody - 1, []int{4 << 10, 3 << 20, MaxReview}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bound := NewBound()
			server := httptest.NewServer(NewHandler(judgeFunc(allowing), bound, nil, logr.Discard()))
			defer server.Close()
			defer server.CloseClientConnections()
			part := bytes.Repeat([]byte(" "), tc.sent)
			for range tc.senders {
				announce(t, server, tc.length, part)
			}
			if len(tc.lengths) == 0 {
				t.Fatal("no reviews")
			}
			for _, n := range tc.lengths {
				body := padded(t, n)
				if code, text := post(t, server, body, int64(len(body))); code != http.StatusOK || !strings.Contains(text, `"allowed":true`) {
					t.Errorf("a review of %d bytes: %d %s", n, code, text)
				}
			}
		})
	}
}

func TestBodiesOfEveryLengthAreReadWhole(t *testing.T) {
	t.Parallel()
	bound := NewBound()
	var seen atomic.Int64
	judge := judgeFunc(func(r Review) Answer {
		seen.Store(int64(len(r.current.GetAnnotations()["x"])))
		return Answer{Allowed: true}
	})
	server := httptest.NewServer(NewHandler(judge, bound, nil, logr.Discard()))
	defer server.Close()
	empty := len(padded(t, 400)) - strings.Count(string(padded(t, 400)), "y") // what is not padding
	for _, n := range []int{400, firstRead - 1, firstRead, firstRead + 1, 32 << 10, 32<<10 + 1, commonBody, commonBody + 1, 512 << 10, 3 << 20, MaxReview} {
		for _, length := range []int64{int64(n), -1} {
			body := padded(t, n)
			code, text := post(t, server, body, length)
			if code != http.StatusOK || seen.Load() != int64(n-empty) {
				t.Errorf("%d bytes, announced %d: read %d: %d %s", n, length, seen.Load(), code, text)
			}
		}
	}
	for name, length := range map[string]int64{"that announces itself": MaxReview + 1, "that does not": -1} {
		code, text := post(t, server, padded(t, MaxReview+1), length)
		if code != http.StatusBadRequest || !strings.Contains(text, "too large") {
			t.Errorf("a body one byte too long %s: %d %s", name, code, text)
		}
	}
	if !bound.free() {
		t.Error("something is still held")
	}
}

// TestDecodingTakesRoom: so many large reviews that their objects would not fit
// are judged one after the other, common ones beside them, and everyone is
// answered.
func TestDecodingTakesRoom(t *testing.T) {
	t.Parallel()
	bound := NewBound()
	body := padded(t, MaxReview)
	most := bound.large.size / weightOf(body)
	if most < 2 || most > 8 {
		t.Fatalf("%d of the largest bodies may be judged at once", most)
	}
	var now, peak atomic.Int64
	started, finish := make(chan struct{}, 100), make(chan struct{})
	judge := judgeFunc(func(r Review) Answer {
		if len(r.current.GetAnnotations()["x"]) > commonBody {
			peak.Store(max(peak.Load(), now.Add(1)))
			started <- struct{}{}
			<-finish
			now.Add(-1)
		}
		return Answer{Allowed: true}
	})
	server := httptest.NewServer(NewHandler(judge, bound, nil, logr.Discard()))
	defer server.Close()
	var wg sync.WaitGroup
	var answered, shed atomic.Int64
	for range 3 * most {
		wg.Go(func() {
			switch code, text := post(t, server, body, int64(len(body))); code {
			case http.StatusOK:
				answered.Add(1)
			case http.StatusServiceUnavailable:
				shed.Add(1)
			default:
				t.Errorf("%d %s", code, text)
			}
		})
	}
	for range most {
		<-started
	}
	if code, text := post(t, server, padded(t, 20<<10), 20<<10); code != http.StatusOK {
		t.Errorf("a common review beside them: %d %s", code, text)
	}
	close(finish)
	wg.Wait()
	if peak.Load() > most || answered.Load() < most || answered.Load()+shed.Load() != 3*most {
		t.Errorf("%d at once, %d answered, %d turned away; want at most %d at once", peak.Load(), answered.Load(), shed.Load(), most)
	}
	if !bound.free() {
		t.Error("something is still held")
	}
}

// TestTheWeightIsNoLessThanWhatDecodingTakes compares the estimate with the heap
// that decoded reviews hold. It is not parallel: it reads the heap of the process.
func TestTheWeightIsNoLessThanWhatDecodingTakes(t *testing.T) {
	list := func(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }
	for name, body := range map[string][]byte{
		"a common Service":    review("UPDATE", "", "v1", "Service", "services", nodePort, clusterIP),
		"long texts":          padded(t, 1<<20),
		"addresses":           review("CREATE", "", "v1", "Service", "services", `{"spec":{"loadBalancerSourceRanges":[`+list(2000, `"10.0.0.0/16"`)+`]}}`, ""),
		"ports":               review("CREATE", "", "v1", "Service", "services", `{"spec":{"ports":[`+list(2000, `{"name":"a","port":80,"targetPort":8080}`)+`]}}`, ""),
		"endpoints":           review("CREATE", "discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", `{"addressType":"IPv4","endpoints":[`+list(1000, `{"addresses":["10.0.0.1"],"conditions":{"ready":true,"serving":true,"terminating":false},"nodeName":"node-1","targetRef":{"kind":"Pod","namespace":"shop","name":"web-1","uid":"6b1e3a8e-5a0c-4a55-9d0e-0e7f4d9b8a11"}}`)+`]}`, ""),
		"containers":          review("CREATE", "", "v1", "Pod", "pods", `{"spec":{"containers":[`+list(300, `{"name":"a","image":"registry.example.com/shop/web:1.4","ports":[{"containerPort":8080}],"env":[{"name":"A","value":"b"}]}`)+`]}}`, ""),
		"an Ingress":          review("CREATE", "networking.k8s.io", "v1", "Ingress", "ingresses", `{"spec":{"rules":[`+list(500, `{"host":"shop.example.com","http":{"paths":[{"path":"/","pathType":"Prefix","backend":{"service":{"name":"web","port":{"number":80}}}}]}}`)+`]}}`, ""),
		"a route of a vendor": review("CREATE", "traefik.io", "v1alpha1", "IngressRoute", "ingressroutes", `{"spec":{"routes":[`+list(500, `{"match":"Host(x)","services":[{"name":"web","port":80}]}`)+`]}}`, ""),
		"labels": review("CREATE", "", "v1", "Service", "services", `{"metadata":{"labels":{`+func() string {
			var b strings.Builder
			for i := range 1500 {
				fmt.Fprintf(&b, `"k%d":"v",`, i)
			}
			return strings.TrimSuffix(b.String(), ",")
		}()+`}}}`, ""),
		"networks of a policy":   review("CREATE", "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", `{"spec":{"podSelector":{},"egress":[{"to":[`+list(9000, `{"ipBlock":{"cidr":"10.0.0.0/16"}}`)+`]}]}}`, ""),
		"empty containers":       review("CREATE", "", "v1", "Pod", "pods", `{"spec":{"containers":[`+list(1900, "{}")+`],"initContainers":[`+list(1900, "{}")+`]}}`, ""),
		"empty claims":           review("CREATE", "apps", "v1", "StatefulSet", "statefulsets", `{"spec":{"volumeClaimTemplates":[`+list(1900, "{}")+`]}}`, ""),
		"small values of a kind": review("CREATE", "traefik.io", "v1alpha1", "IngressRoute", "ingressroutes", `{"spec":{"routes":[`+list(1900, `{"a":[1,2,3,4,5,6,7,8]}`)+`]}}`, ""),
	} {
		t.Run(name, func(t *testing.T) {
			const copies = 8
			heap := func() int64 {
				runtime.GC()
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return int64(m.HeapAlloc)
			}
			before := heap()
			var kept [copies]Review
			for i := range kept {
				r, err := DecodeReview(bytes.Clone(body))
				if err != nil {
					t.Fatal(err)
				}
				if r.current, r.old, err = r.decode(); err != nil {
					t.Fatal(err)
				}
				r.Object, r.OldObject = nil, nil
				kept[i] = r
			}
			took := (heap() - before) / copies
			if weight := weightOf(body); took > weight {
				t.Errorf("%d bytes become %d, estimated %d", len(body), took, weight)
			} else {
				t.Logf("%d bytes become %d, estimated %d", len(body), took, weight)
			}
			runtime.KeepAlive(&kept)
		})
	}
}

// BenchmarkServe is what a handler adds to the judging of a common review.
func BenchmarkServe(b *testing.B) {
	for _, n := range []int{3 << 10, 20 << 10} {
		b.Run(fmt.Sprintf("%dKiB", n>>10), func(b *testing.B) {
			body := padded(b, n)
			h := NewHandler(judgeFunc(allowing), NewBound(), nil, logr.Discard())
			reader := bytes.NewReader(body)
			req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", nil)
			req.ContentLength = int64(n)
			w := &nowhere{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				req.Body = io.NopCloser(reader)
				h.ServeHTTP(w, req)
			}
			if w.code != 0 {
				b.Fatal(w.code)
			}
		})
	}
}

type nowhere struct {
	header http.Header
	code   int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n *nowhere) WriteHeader(code int)        { n.code = code }
