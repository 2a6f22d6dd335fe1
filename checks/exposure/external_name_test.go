// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// TestExternalNameTargets holds the spellings that an API server refuses, or
// that need other parameters; the others are fixtures.
func TestExternalNameTargets(t *testing.T) {
	t.Parallel()
	check := externalName()
	for host, want := range map[string]string{
		"LOCALHOST":                           "externalName/localhost",
		"  localhost.. ":                      "externalName/localhost",
		"LocalHost.LocalDomain":               "externalName/localhost.localdomain",
		"::1":                                 "externalName/::1",
		"[::1]":                               "externalName/::1",
		"0:0:0:0:0:0:0:1":                     "externalName/::1",
		"::ffff:169.254.169.254":              "externalName/169.254.169.254",
		"::ffff:a9fe:a9fe":                    "externalName/169.254.169.254",
		"fd00:ec2::254":                       "externalName/fd00:ec2::254",
		"fe80::1%eth0":                        "externalName/fe80::1",
		"0X7F.1":                              "externalName/127.0.0.1",
		"0":                                   "externalName/0.0.0.0",
		"127.0.0.1.":                          "externalName/127.0.0.1",
		"127.000.000.001":                     "externalName/127.0.0.1",
		"0xa9fea9fe":                          "externalName/169.254.169.254",
		"2852039166":                          "externalName/169.254.169.254",
		"127.65535":                           "externalName/127.0.255.255",
		"198.51.100.9":                        "externalName/198.51.100.9",
		"1.2.3.4.5":                           "externalName/1.2.3.4.5",
		"256.1.1.1":                           "externalName/256.1.1.1",
		"08.1.1.1":                            "externalName/08.1.1.1",
		"db.0xff":                             "externalName/db.0xff",
		"１２７。0。0。1":                           "externalName/127.0.0.1",
		"METADATA.GOOGLE.INTERNAL":            "externalName/metadata.google.internal",
		"DB.Billing.SVC.Cluster.Local.":       "externalName/db.billing.svc.cluster.local",
		"db.billing.svc.corp.example":         "externalName/db.billing.svc.corp.example",
		"db.billing.svc.clusterset.local":     "externalName/db.billing.svc.clusterset.local",
		"pod-0.db.billing.svc.cluster.local":  "externalName/pod-0.db.billing.svc.cluster.local",
		"_http._tcp.db.billing.svc":           "externalName/_http._tcp.db.billing.svc",
		"svc.cluster.local":                   "externalName/svc.cluster.local",
		"cluster.local":                       "externalName/cluster.local",
		"kubernetes.default":                  "externalName/kubernetes.default",
		"a.LVH.me.":                           "externalName/a.lvh.me",
		"":                                    "externalName?",
		" . ":                                 "externalName?",
		"http://localhost/":                   "externalName?",
		".":                                   "externalName?",
		". .":                                 "externalName?",
		"api..example.com":                    "externalName?",
		".example.com":                        "externalName?",
		"exa mple.com":                        "externalName?",
		"db.shop.svc.CLUSTER.local":           "",
		"db.shop.svc":                         "",
		"pod-0.db.shop.svc.cluster.local":     "",
		"10-0-0-7.shop.pod.cluster.local":     "",
		"svc.example.com":                     "",
		"web.svc.example.com":                 "",
		"mycluster.local":                     "",
		"nip.io.example.com":                  "",
		"notnip.io":                           "",
		"metadata.google.internal.example.eu": "",
		"127.0.0.1.example.com":               "",
		"1e100.net":                           "",
		"0x.example.com":                      "",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			in := input(service(corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: host}))
			p := *in.Parameters
			p.ClusterDomain = "Corp.Example."
			in.Parameters = &p
			if got := subjects(check.Run(in)); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func FuzzExternalName(f *testing.F) {
	for _, seed := range []string{"localhost", "127.1", "0x7f.1", "0177.0.0.1", "::ffff:127.0.0.1", "db.billing.svc.cluster.local", "...", "[", "１２７.1", "4294967296", "0x", "a..svc"} {
		f.Add(seed)
	}
	check := externalName()
	f.Fuzz(func(t *testing.T, host string) {
		if !utf8.ValidString(host) {
			return
		}
		run := func(host string) []checks.Finding {
			return check.Run(input(service(corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: host})))
		}
		got := run(host)
		// A final dot changes nothing: DNS reads the same name.
		if again := run(host + "."); subjects(again) != subjects(got) {
			t.Fatalf("%q gives %q, with a final dot %q", host, subjects(got), subjects(again))
		}
		if inside := strings.TrimSpace(host) + ".billing.svc"; canonicalHost(host) != "" && len(run(inside)) == 0 {
			t.Fatalf("%q is in another namespace and accepted", inside)
		}
	})
}
