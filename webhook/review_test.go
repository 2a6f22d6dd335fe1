// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// review wraps an object as the API server does.
func review(operation, group, version, kind, resource, object, old string) []byte {
	if old == "" {
		old = "null"
	}
	return []byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1",` +
		`"kind":{"group":"` + group + `","version":"` + version + `","kind":"` + kind + `"},` +
		`"resource":{"group":"` + group + `","version":"` + version + `","resource":"` + resource + `"},` +
		`"namespace":"shop","operation":"` + operation + `","userInfo":{"username":"ann","groups":["dev"]},"object":` + object + `,"oldObject":` + old + `}}`)
}

const (
	nodePort  = `{"metadata":{"name":"web","namespace":"shop"},"spec":{"type":"NodePort","selector":{"app":"web"},"ports":[{"port":80,"nodePort":30080}]}}`
	clusterIP = `{"metadata":{"name":"web","namespace":"shop"},"spec":{"type":"ClusterIP","selector":{"app":"web"},"ports":[{"port":80}]}}`
)

func engine(t testing.TB, objects ...inventory.Object) Engine {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	p := policy.Default(set)
	inv := inventory.New(objects...)
	return Engine{
		Inventory: func() *inventory.Inventory { return inv },
		Policy:    func() *policy.Policy { return p },
		Namespace: "gatehouse-system",
	}
}

func handler(t testing.TB, j Judge) *Handler {
	t.Helper()
	return NewHandler(j, NewBound(), nil, logr.Discard())
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000)
	for name, tc := range map[string]struct {
		body    []byte
		allowed bool
		code    int32
		says    []string
	}{
		"a node port is refused with check, field, attacker and change": {
			review("CREATE", "", "v1", "Service", "services", nodePort, ""), false, 0,
			[]string{"Service shop/web breaks", "EXP-001 node-port (high) at spec.type", "30080", "Attacker:", "Change:", "gatehouse explain EXP-001", "u-1"},
		},
		"a cluster address is not":                       {review("CREATE", "", "v1", "Service", "services", clusterIP, ""), true, 0, nil},
		"an update keeps its fault":                      {review("UPDATE", "", "v1", "Service", "services", nodePort, nodePort), true, 0, nil},
		"an update adds a fault":                         {review("UPDATE", "", "v1", "Service", "services", nodePort, clusterIP), false, 0, []string{"EXP-001"}},
		"a deletion is not judged":                       {review("DELETE", "", "v1", "Service", "services", "null", nodePort), true, 0, nil},
		"a kind that nobody knows passes":                {review("CREATE", "example.com", "v1", "Thing", "things", `{"metadata":{"name":"x"}}`, ""), true, 0, nil},
		"no JSON at all":                                 {[]byte("<html>"), false, 400, []string{"cannot judge"}},
		"an empty body":                                  {nil, false, 400, []string{"cannot judge"}},
		"another kind of document":                       {[]byte(`{"apiVersion":"v1","kind":"Pod"}`), false, 400, []string{`"Pod"`}},
		"an old version":                                 {[]byte(`{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}}`), false, 400, []string{"v1beta1"}},
		"no request":                                     {[]byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`), false, 400, []string{"no request"}},
		"a request without uid":                          {[]byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"kind":{"kind":"Service"}}}`), false, 400, []string{"uid"}},
		"a creation without object":                      {review("CREATE", "", "v1", "Service", "services", "null", ""), false, 400, []string{"no object"}},
		"an object that is a list":                       {review("CREATE", "", "v1", "Service", "services", "[]", ""), false, 400, []string{"decode Service"}},
		"a field of the wrong type":                      {review("CREATE", "", "v1", "Service", "services", `{"spec":{"ports":"all"}}`, ""), false, 400, []string{"spec.ports"}},
		"an object that nests deeper than anything real": {review("CREATE", "", "v1", "Service", "services", deep, ""), false, 400, []string{"cannot judge"}},
		"null arrays":                                    {review("CREATE", "", "v1", "Service", "services", `{"metadata":{"name":"a","namespace":"shop"},"spec":{"ports":null,"externalIPs":null,"selector":null}}`, ""), true, 0, nil},
		"a broken old object":                            {review("UPDATE", "", "v1", "Service", "services", clusterIP, `{"spec":3}`), false, 400, []string{"old object"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := handler(t, Validator{engine(t)})
			_, got := h.answer(t.Context(), tc.body)
			if got.Allowed != tc.allowed || got.Code != tc.code {
				t.Errorf("allowed %v, code %d; want %v, %d: %s", got.Allowed, got.Code, tc.allowed, tc.code, got.Message)
			}
			for _, s := range tc.says {
				if !strings.Contains(got.Message, s) {
					t.Errorf("the message lacks %q:\n%s", s, got.Message)
				}
			}
			if !got.Allowed && len(got.Annotations) == 0 {
				t.Error("a refusal without audit annotation")
			}
		})
	}
}

func TestAPanicRefuses(t *testing.T) {
	t.Parallel()
	h := handler(t, judgeFunc(func(Review) Answer { panic("a fault of ours") }))
	_, got := h.answer(t.Context(), review("CREATE", "", "v1", "Service", "services", clusterIP, ""))
	if got.Allowed || !strings.Contains(got.Message, "cannot judge") {
		t.Errorf("got %+v", got)
	}
}

func TestTheZeroAnswerRefuses(t *testing.T) {
	t.Parallel()
	out, err := Answer{}.Encode("u-1")
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Response struct {
			UID     string
			Allowed bool
			Status  struct{ Code int }
		}
	}
	if err := json.Unmarshal(out, &back); err != nil {
		t.Fatal(err)
	}
	if back.Response.Allowed || back.Response.Status.Code != 403 || back.Response.UID != "u-1" {
		t.Errorf("got %s", out)
	}
}

func TestWarningsStayWithinTheBoundsOfTheAPIServer(t *testing.T) {
	t.Parallel()
	var v policy.Verdict
	for range 200 {
		j := policy.Judged{Action: 1}
		j.Check, j.Name, j.Message = "EXP-001", "node-port", strings.Repeat("ä", 300)
		v = append(v, j)
	}
	total := 0
	for _, w := range warnings(v, scope{}) {
		total += len(w)
		if len(w) > 256 {
			t.Errorf("a warning of %d bytes", len(w))
		}
	}
	if total > 4096 || total == 0 {
		t.Errorf("%d bytes of warnings", total)
	}
}

type judgeFunc func(Review) Answer

func FuzzDecodeReview(f *testing.F) {
	f.Add(review("CREATE", "", "v1", "Service", "services", nodePort, ""))
	f.Add(review("UPDATE", "networking.k8s.io", "v1", "Ingress", "ingresses", `{"spec":{"rules":[null]}}`, `{}`))
	f.Add(review("CREATE", "gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", `{"spec":{"rules":[{"filters":[null]}]}}`, ""))
	f.Add(review("CREATE", "", "v1", "Pod", "pods", `{"spec":{"containers":[{"ports":[{"hostPort":1}]}]}}`, ""))
	f.Add(review("CREATE", "traefik.io", "v1alpha1", "IngressRoute", "ingressroutes", `{"spec":{"routes":[{"services":[{"name":1}]}]}}`, ""))
	f.Add([]byte(`{"request":null}`))
	h := handler(f, Validator{engine(f)})
	m := handler(f, Mutator{engine(f)})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, h := range []*Handler{h, m} {
			r, a := h.answer(t.Context(), body)
			if strings.HasPrefix(a.Annotations["undecided"], "internal") {
				t.Fatalf("panicked on %q", body)
			}
			if _, err := a.Encode(r.UID); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func (f judgeFunc) Answer(_ context.Context, r Review) Answer { return f(r) }
