// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/internal/auditlog"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

// auditBytes is the length of the log: 1 GB.
const auditBytes = 1_000_000_000

// auditLog yields an audit log without an end: 2,000 accounts of 200 namespaces,
// ten requests each in turn, every fifth of them with a body of 4 KB.
type auditLog struct {
	n       int
	pending []byte
	line    bytes.Buffer
}

func (l *auditLog) Read(p []byte) (int, error) {
	if len(l.pending) == 0 {
		l.line.Reset()
		l.write()
		l.pending = l.line.Bytes()
	}
	n := copy(p, l.pending)
	l.pending = l.pending[n:]
	return n, nil
}

var (
	auditVerbs     = []string{"get", "list", "watch", "update", "patch"}
	auditResources = []string{"pods", "configmaps", "secrets", "services", "endpoints", "leases"}
	auditBody      = strings.Repeat(`{"name":"LOG_LEVEL","value":"a \"quoted\" value"},`, 80)
)

func (l *auditLog) write() {
	l.n++
	account := l.n % 2000
	namespace := shape.Namespace(account % 200)
	verb, resource := auditVerbs[l.n%len(auditVerbs)], auditResources[l.n/7%len(auditResources)]
	fmt.Fprintf(&l.line, `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"8f0c6f4e-2f0e-4c0a-9c8e-%012d","stage":"ResponseComplete",`+
		`"requestURI":"/api/v1/namespaces/%[2]s/%[3]s/object-%[4]d?timeout=10s","verb":%[5]q,"user":{"username":"system:serviceaccount:%[2]s:app-%[6]d","uid":"1c1b9f0a-0000-4000-8000-%012[6]d",`+
		`"groups":["system:serviceaccounts","system:serviceaccounts:%[2]s","system:authenticated"],"extra":{"authentication.kubernetes.io/pod-name":["app-%[6]d-7d9c5b6f4-x2x7q"]}},`+
		`"sourceIPs":["10.244.%[7]d.%[7]d"],"userAgent":"app/v1.2.3 (linux/amd64) kubernetes/$Format","objectRef":{"resource":%[3]q,"namespace":%[2]q,"name":"object-%[4]d","apiVersion":"v1"},`+
		`"responseStatus":{"metadata":{},"code":200},`, l.n, namespace, resource, l.n%50, verb, account, account%250)
	if l.n%5 == 0 {
		fmt.Fprintf(&l.line, `"requestObject":{"kind":"ConfigMap","items":[%s{}]},`, auditBody)
	}
	l.line.WriteString(`"requestReceivedTimestamp":"2026-11-21T10:00:00.000000Z","stageTimestamp":"2026-11-21T10:00:00.004000Z",` +
		`"annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by RoleBinding"}}` + "\n")
}

// BenchmarkSuggest computes the least roles of every account of a log of 1 GB.
// The making of the log is part of the time.
func BenchmarkSuggest(b *testing.B) {
	for b.Loop() {
		usage := auditlog.NewUsage()
		var r auditlog.Reader
		if err := r.Each(io.LimitReader(&auditLog{}, auditBytes), usage.Add); err != nil {
			b.Fatal(err)
		}
		rules := 0
		for _, user := range usage.Users() {
			rules += len(usage.Suggest(user, auditlog.Options{}).Objects)
		}
		if rules < 2000 || r.Stats.Broken > 1 || usage.Lost() > 0 { // the last line is cut
			b.Fatalf("%d objects, %+v", rules, r.Stats)
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys-m.HeapReleased)/(1<<20), "process-MiB")
		b.ReportMetric(float64(r.Stats.Lines), "events")
		if user := usage.Users()[0]; !strings.HasPrefix(user, authz.AccountPrefix) {
			b.Fatal(user)
		}
	}
	b.SetBytes(auditBytes)
}
