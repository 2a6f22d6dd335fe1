// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// line is an event of the account shop/web; more replaces or adds fields.
func line(verb, ref, more string) string {
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"ResponseComplete","verb":%q,`+
		`"user":{"username":"system:serviceaccount:shop:web","groups":["system:serviceaccounts"]},"objectRef":%s,`+
		`"responseStatus":{"code":200},"annotations":{"authorization.k8s.io/decision":"allow"}%s}`+"\n", verb, ref, more)
}

const pods = `{"resource":"pods","namespace":"shop","name":"web-1","apiVersion":"v1"}`

func read(t *testing.T, in io.Reader) (uses []string, stats Stats) {
	t.Helper()
	var r Reader
	if err := r.Each(in, func(u Use) {
		uses = append(uses, strings.TrimPrefix(u.User, authz.AccountPrefix)+": "+u.Request.String())
	}); err != nil {
		t.Fatal(err)
	}
	return uses, r.Stats
}

func TestALogSaysWhoDidWhat(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		log   string
		want  []string
		stats Stats // without Bytes and Faults
	}{
		"a request":     {line("get", pods, ""), []string{"shop:web: get pods web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
		"a subresource": {line("create", `{"resource":"pods","subresource":"exec","namespace":"shop","name":"web-1"}`, ""), []string{"shop:web: create pods/exec web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
		"a path":        {strings.Replace(line("get", "null", `,"requestURI":"/metrics?x=1"`), `"objectRef":null,`, "", 1), []string{"shop:web: get /metrics"}, Stats{Lines: 1, Uses: 1}},
		"a refused one": {strings.NewReplacer(`"code":200`, `"code":403`, `"allow"`, `"forbid"`).Replace(line("get", pods, "")), nil, Stats{Lines: 1, Refused: 1}},
		"one refused by admission, which the authorizer allowed": {strings.Replace(line("create", pods, ""), `"code":200`, `"code":403`, 1), []string{"shop:web: create pods web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
		"one that found nothing":                                 {strings.Replace(line("get", pods, ""), `"code":200`, `"code":404`, 1), []string{"shop:web: get pods web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
		"the stages of one":                                      {strings.Replace(line("get", pods, ""), "ResponseComplete", "RequestReceived", 1) + line("get", pods, ""), []string{"shop:web: get pods web-1 in shop"}, Stats{Lines: 2, Uses: 1, Other: 1}},
		"a watch that goes on":                                   {strings.Replace(line("watch", pods, ""), "ResponseComplete", "ResponseStarted", 1), []string{"shop:web: watch pods web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
		"an impersonation": {
			line("get", pods, `,"impersonatedUser":{"username":"alice","groups":["devs","system:authenticated"]}`),
			[]string{"shop:web: impersonate users alice", "shop:web: impersonate groups devs", "alice: get pods web-1 in shop"},
			Stats{Lines: 1, Uses: 1},
		},
		"an impersonated account": {
			line("get", pods, `,"impersonatedUser":{"username":"system:serviceaccount:bank:app","groups":["system:serviceaccounts","system:serviceaccounts:bank","system:authenticated"]}`),
			[]string{"shop:web: impersonate serviceaccounts app in bank", "bank:app: get pods web-1 in shop"},
			Stats{Lines: 1, Uses: 1},
		},
		"an impersonation with a UID and extra fields": {
			line("get", pods, `,"impersonatedUser":{"username":"alice","uid":"7","extra":{"scopes":["dev"],"a":["x","y"]}}`),
			[]string{
				"shop:web: impersonate users alice", "shop:web: impersonate authentication.k8s.io/uids 7",
				"shop:web: impersonate authentication.k8s.io/userextras/a x", "shop:web: impersonate authentication.k8s.io/userextras/a y",
				"shop:web: impersonate authentication.k8s.io/userextras/scopes dev", "alice: get pods web-1 in shop",
			},
			Stats{Lines: 1, Uses: 1},
		},
		"wrong credentials": {
			`{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"ResponseStarted","requestURI":"/api","verb":"get","user":{},"responseStatus":{"code":401}}` + "\n", nil,
			Stats{Lines: 1, Refused: 1},
		},
		"nobody who was let in": {
			`{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"ResponseComplete","requestURI":"/api","verb":"get","user":{},"responseStatus":{"code":200}}` + "\n", nil,
			Stats{Lines: 1, Broken: 1},
		},
		"an apply that made the object": {
			strings.Replace(line("patch", pods, ""), `"code":200`, `"code":201`, 1),
			[]string{"shop:web: patch pods web-1 in shop", "shop:web: create pods web-1 in shop"},
			Stats{Lines: 1, Uses: 1},
		},
		"an apply that changed it": {line("patch", pods, ""), []string{"shop:web: patch pods web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
		"a websocket to a Pod": {
			strings.Replace(line("get", `{"resource":"pods","subresource":"exec","namespace":"shop","name":"web-1"}`, ""), `"code":200`, `"code":101`, 1),
			[]string{"shop:web: get pods/exec web-1 in shop", "shop:web: create pods/exec web-1 in shop"},
			Stats{Lines: 1, Uses: 1},
		},
		"the logs of a Pod": {
			line("get", `{"resource":"pods","subresource":"log","namespace":"shop","name":"web-1"}`, ""),
			[]string{"shop:web: get pods/log web-1 in shop"},
			Stats{Lines: 1, Uses: 1},
		},
		"broken lines between others": {
			line("get", pods, "") + "{\"kind\":\n\nnot json\n" + `{"kind":"Pod"}` + "\n" + line("list", pods, ""),
			[]string{"shop:web: get pods web-1 in shop", "shop:web: list pods web-1 in shop"},
			Stats{Lines: 5, Uses: 2, Broken: 3},
		},
		"a last line without an end": {strings.TrimSpace(line("get", pods, "")), []string{"shop:web: get pods web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			uses, stats := read(t, strings.NewReader(tc.log))
			if d := cmp.Diff(tc.want, uses); d != "" {
				t.Errorf("uses (want -, got +):\n%s", d)
			}
			faults := stats.Faults
			stats.Bytes, stats.Faults = 0, nil
			if d := cmp.Diff(tc.stats, stats); d != "" || len(faults) != stats.Broken {
				t.Errorf("%d faults, stats (want -, got +):\n%s", len(faults), d)
			}
		})
	}
}

func TestAGzipLogIsReadAlike(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	fmt.Fprint(w, line("get", pods, ""))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if uses, _ := read(t, &zipped); len(uses) != 1 {
		t.Errorf("got %v", uses)
	}
	var r Reader
	if err := r.Each(bytes.NewReader(zipped.Bytes()[:max(zipped.Len()-4, 20)]), func(Use) {}); zipped.Len() > 0 && err == nil {
		t.Error("a log that was cut is read without an error")
	}
}

func TestALineWithoutEndIsPassedOverWithinBounds(t *testing.T) {
	t.Parallel()
	long := io.MultiReader(strings.NewReader(line("get", pods, "")), io.LimitReader(letters{}, 3*maxLine), strings.NewReader("\n"+line("list", pods, "")))
	uses, stats := read(t, long)
	if len(uses) != 2 || stats.Broken != 1 || stats.Faults[0].Line != 2 {
		t.Errorf("uses %v, stats %+v", uses, stats)
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func FuzzEach(f *testing.F) {
	f.Add([]byte(line("get", pods, "")))
	f.Add([]byte(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"Panic","verb":"x","user":{"username":"u"},"objectRef":{},"requestURI":"%zz"}`))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		u := NewUsage()
		var r Reader
		_ = r.Each(bytes.NewReader(data), u.Add) // what it returns is an error or nothing; it must return
		for _, user := range u.Users() {
			u.Suggest(user, Options{Names: 3})
		}
		if r.Stats.Lines < r.Stats.Broken {
			t.Errorf("%+v", r.Stats)
		}
	})
}
