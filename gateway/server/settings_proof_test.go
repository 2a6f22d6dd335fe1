// SPDX-License-Identifier: Apache-2.0

package server

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// held are the settings that other tests hold than TestSettingsHaveTheirEffect: fields of
// a part of the configuration, and a test of a folder of this repository whose file
// speaks of each of them.
var held = []struct{ under, fields, folder, test string }{
	{"listeners[].", "name address protocol", "gateway/server", "TestABackendGetsTheFormOfARequest"},
	{"listeners[].", "redirectToHTTPS", "gateway/server", "TestPlainListenersSendClientsToTLS"},
	{"listeners[].", "traffic access", "gateway/server", "TestLimitsOfWhoAsks"},
	{"listeners[].", "http2", "gateway/server", "TestWhatListenersSpeak"},
	{"listeners[].", "hosts", "gateway/route", "TestHostsOfAListenerAreKeptApart"},
	{"listeners[].forHosts[].", "host traffic access", "gateway/server", "TestPoliciesOfAHost"},
	{"listeners[].tls.", "certificates minVersion", "gateway/server", "TestWhatListenersSpeak"},
	{"listeners[].tls.client.", "mode allow.dns", "gateway/server", "TestClientsMustShowACertificate"},
	{"listeners[].tls.client.", "caFiles crlFiles", "gateway/config", "TestFilesThatAreNamedAreRead"},
	{"listeners[].tls.client.", "allow.uris allow.emails", "gateway/certs", "TestNamesAreCompared"},
	{"listeners[].hsts.", "maxAge includeSubDomains preload", "gateway/server", "TestBrowsersAreToldToComeByTLS"},
	{"listeners[].client.", "proxyProtocolFrom", "gateway/server", "TestOnlyTrustedProxiesSpeakForOthers"},
	{"listeners[].client.limits.", "headerTimeout idleTimeout bodyBytesRate", "gateway/server", "TestTimesOfClients"},
	{"listeners[].client.limits.", "streams", "gateway/server", "TestWhatListenersSpeak"},
	{"listeners[].client.limits.", "webSocketIdleTimeout", "gateway/server", "TestAnIdleWebSocketIsClosed"},
	{"listeners[].client.limits.", "requests requestsPerAddress", "gateway/server", "TestRequestsUnderWayAreBounded"},
	{"listeners[].client.limits.", "connectionsPerAddress", "gateway/server", "TestStreamsAreBounded"},
	{"listeners[].client.limits.", "connections", "gateway/server", "TestConnectionsInAllAreBounded"},
	{"certificates[].", "name certFile keyFile", "cmd/gatehouse-gateway", "TestArgumentsAreChecked"},
	{"certificates[].", "hosts", "gateway/certs", "TestACertificateIsPresentedForItsHostsOnly"},
	{"routes[].", "name traffic", "gateway/server", "TestLimitsOfWhoAsks"},
	{"routes[].", "access", "gateway/server", "TestWhoIsLetIn"},
	{"routes[].", "attemptTimeout", "gateway/server", "TestSharesOfARouteAreServed"},
	{"routes[].backends[].", "name status requestHeaders.set requestHeaders.add responseHeaders.set responseHeaders.add", "gateway/server", "TestSharesOfARouteAreServed"},
	{"routes[].mirrors[].", "backend numerator denominator", "gateway/server", "TestMirrorsGetCopies"},
	{"routes[].retry.", "attempts on methods budget backoff", "gateway/upstream", "TestRetries"},
	{"routes[].cors.", "allowOrigins allowMethods allowHeaders exposeHeaders allowCredentials maxAge", "gateway/server", "TestPagesOfOtherOriginsAreToldWhatTheyMay"},
	{"streams[].", "name listeners hosts backends[].name", "gateway/server", "TestNamesOfTLSChooseABackend"},
	{"streams[].tls.", "certificates minVersion client.mode", "gateway/server", "TestTLSOfStreamsEndsHere"},
	{"streams[].tls.client.", "caFiles crlFiles", "gateway/config", "TestFilesThatAreNamedAreRead"},
	{"streams[].tls.client.", "allow.dns allow.uris allow.emails", "gateway/certs", "TestNamesAreCompared"},
	{"backends[].", "name", "gateway/server", "TestABackendGetsTheFormOfARequest"},
	{"backends[].", "balance", "gateway/upstream", "TestRequestsAreSpread"},
	{"backends[].", "allUnhealthy", "gateway/server", "TestBackendsThatHaveNoPlace"},
	{"backends[].tls.", "serverName identities.uris clientCertificate minVersion", "gateway/server", "TestBackendsAreWhoTheyAreSaidToBe"},
	{"backends[].tls.", "identities.dns identities.emails", "gateway/certs", "TestNamesAreCompared"},
	{"backends[].tls.", "caFiles", "gateway/config", "TestFilesThatAreNamedAreRead"},
	{"backends[].breaker.", "requests connections pending wait", "gateway/upstream", "TestABackendIsGivenNoMoreThanItMayHave"},
	{"backends[].outlier.", "failures ejection", "gateway/upstream", "TestAnEndpointThatFailsIsEjectedAndTriedAgain"},
	{"backends[].outlier.", "maxEjected", "gateway/upstream", "TestNoMoreThanSoManyAreEjected"},
	{"backends[].health.", "path host statuses unhealthy healthy", "gateway/upstream", "TestUnhealthyEndpointsAreLeftOut"},
	{"backends[].health.", "interval timeout", "gateway/upstream", "TestHowOftenAndHowLongIsAsked"},
	{"trafficPolicies[].", "name concurrency.requests concurrency.key", "gateway/server", "TestWhatIsUnderWayIsGivenBack"},
	{"trafficPolicies[].", "mode", "gateway/proxy", "TestAPolicyIsSplitByWhatItNeedsToKnow"},
	{"trafficPolicies[].", "store onStoreFailure", "cmd/gatehouse-gateway", "TestTwoProcessesShareALimit"},
	{"trafficPolicies[].rateLimits[].", "name key limit.requests limit.per tiers[].when tiers[].requests tiers[].per", "gateway/server", "TestLimitsOfWhoAsks"},
	{"trafficPolicies[].rateLimits[].", "limit.burst onExceed.action onExceed.maxWait", "gateway/server", "TestTheEndOfTheProcessEndsWaiting"},
	{"trafficPolicies[].rateLimits[].", "tiers[].burst", "gateway/server", "TestLimitsAreAsConfigured"},
	{"trafficPolicies[].rateLimits[].", "onExceed.maxQueued", "gateway/proxy", "TestRequestsWaitForTheirTurn"},
	{"trafficPolicies[].rateLimits[].", "scope", "cmd/gatehouse-gateway", "TestTwoProcessesShareALimit"},
	{"trafficPolicies[].rateLimits[].schedules[].", "days from to cron for timeZone requests per burst", "gateway/server", "TestLimitsAreAsConfigured"},
	{"accessPolicies[].", "name mode forward.claimsToHeaders forward.credentials", "gateway/server", "TestWhoIsLetIn"},
	{"accessPolicies[].authentication.anyOf[].", "name jwt.keySet apiKey.from.header apiKey.keysFile basic.realm basic.usersFile anonymous", "gateway/server", "TestWhoIsLetIn"},
	{"accessPolicies[].authentication.anyOf[].clientCertificate.", "subject trustDomains", "gateway/server", "TestPoliciesKnowClientsByTheirCertificates"},
	{"accessPolicies[].authorization.rules[].", "name allow.methods allow.paths allow.scopes allow.claims allow.principals allow.sourceRanges allow.when deny.claims deny.paths deny.when", "gateway/server", "TestWhoIsLetIn"},
	{"accessPolicies[].externalAuth.", "http.backend http.path http.pathPrefix http.requestHeaders http.responseHeaders timeout", "gateway/server", "TestServicesThatAreAsked"},
	{"accessPolicies[].externalAuth.", "http.clientHeaders", "gateway/access/extauthz", "TestWhatAServiceSays"},
	{"accessPolicies[].externalAuth.", "concurrency", "gateway/access/extauthz", "TestServicesThatAreSlow"},
	{"accessPolicies[].externalAuth.grpc.", "backend requestHeaders responseHeaders", "gateway/access/extauthz", "TestWhatAServiceIsAskedByGRPC"},
	{"accessPolicies[].externalAuth.http.", "statuses", "gateway/access/extauthz", "TestWhichStatusesAreAYes"},
	{"accessPolicies[].externalAuth.grpc.", "lines unnamed", "gateway/access/extauthz", "TestLinesThatWereNotNamedAreNoAnswer"},
	{"accessPolicies[].externalAuth.grpc.", "clientHeaders", "gateway/access/extauthz", "TestWhatAServiceSays"}, // of both kinds
	{"keySets[].", "name file", "gateway/server", "TestWhoIsLetIn"},
	{"keySets[].", "url issuer caFile plaintext", "gateway/server", "TestWhereKeysComeFrom"},
	{"keySets[].", "refresh cooldown staleIfError", "gateway/config", "TestTimesOfKeySets"},
	{"stores[].", "name redis.address redis.timeout", "cmd/gatehouse-gateway", "TestTwoProcessesShareALimit"},
	{"stores[].redis.", "prefix database usernameFile passwordFile secretFile", "gateway/server", "TestStoresAreAsConfigured"},
	{"stores[].redis.tls.", "caFile serverName certFile keyFile", "gateway/config", "TestTLSOfStores"},
	{"telemetry.decisions.", "to", "gateway/server", "TestDecisionsGoWhereTheConfigurationSays"},
	{"telemetry.decisions.", "client query headers keyFile gateway", "gateway/server", "TestWhatLinesTell"},
	{"telemetry.tracing.", "endpoint ratio service", "gateway/server", "TestWhoDecidesWhatIsTraced"},
	{"telemetry.", "metrics admin", "gateway/server", "TestMetricsAndProbesAreAnswered"},
}

// paths calls each with the path of every setting, as YAML has it, and the name of its
// field.
func paths(of reflect.Type, at, name string, each func(path, name string)) {
	own := reflect.TypeFor[config.Snapshot]().PkgPath()
	switch {
	case of.Kind() == reflect.Pointer:
		paths(of.Elem(), at, name, each)
	case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct && of.Elem().PkgPath() == own:
		paths(of.Elem(), at+"[]", name, each)
	case of.Kind() != reflect.Struct || of.PkgPath() != own || of.NumField() == 0:
		each(at, name)
	default:
		for f := range of.Fields() {
			switch tag, options, _ := strings.Cut(f.Tag.Get("yaml"), ","); {
			case tag == "-":
			case options == "inline":
				paths(f.Type, at, f.Name, each)
			default:
				paths(f.Type, strings.TrimPrefix(at+"."+tag, "."), f.Name, each)
			}
		}
	}
}

// TestEverySettingIsShown: whoever adds a setting adds a test of what it does.
func TestEverySettingIsShown(t *testing.T) {
	t.Parallel()
	fields := map[string]string{}
	paths(reflect.TypeFor[config.Snapshot](), "", "", func(path, name string) { fields[path] = name })
	if len(fields) < 200 {
		t.Fatalf("there are %d settings", len(fields))
	}
	shown := map[string]bool{}
	for _, e := range append(append([]effect{}, requestEffects...), tokenEffects(t)...) {
		if fields[e.setting] == "" {
			t.Errorf("a row is of %s, which there is not", e.setting)
		}
		shown[e.setting] = true
	}
	for _, h := range held {
		text := fileOf(t, h.folder, h.test)
		for field := range strings.FieldsSeq(h.fields) {
			path := h.under + field
			leaf := path[strings.LastIndexByte(path, '.')+1:]
			switch name := fields[path]; {
			case name == "":
				t.Errorf("%s holds %s, which there is not", h.test, path)
			case !regexp.MustCompile(`\b(` + leaf + `|` + name + `)\b`).MatchString(text):
				t.Errorf("the file of %s does not speak of %s", h.test, path)
			}
			shown[path] = true
		}
	}
	for path := range fields {
		if !shown[path] {
			t.Errorf("%s: no test shows what it does", path)
		}
	}
}

// fileOf is the file in which a test is.
func fileOf(t *testing.T, folder, test string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "\nfunc "+test+"(") {
			return string(content)
		}
	}
	t.Errorf("there is no test %s in %s", test, folder)
	return ""
}
