// SPDX-License-Identifier: Apache-2.0

package translate

// floorRow is a field of a policy that a Gateway enforces, and a policy of a route that
// would weaken it.
type floorRow struct {
	fields string // of the policy, as YAML has them, that floor sets or route would change
	floor  string // what the Gateway's policy says beside its target
	route  string // what the route's says
	target string // of the route's policy, if it is not the route
	lines  string // of the request, separated by ";": TOKEN is one of issuer i for shop, of ann
	times  int    // that it is asked; 0 is once
	want   string // status of the last answer, and "+TEXT" or "-TEXT" that it has or has not
	alike  string // why the answer is the same where the floor is a Default
}

const (
	nobodyIs = "authentication: {anyOf: [{name: nobody, anonymous: {}}]}, "
	allMay   = "authorization: {rules: [{name: all, allow: {}}]}"
	anybody  = nobodyIs + allMay
	bearer   = "Authorization: Bearer TOKEN"
)

// tokens is a policy that takes tokens, by keys of a Secret unless more says otherwise.
func tokens(more string) string { return signed("jwks: {secretRef: {name: signing}}, " + more) }

func signed(more string) string {
	return "authentication: {anyOf: [{name: idp, jwt: {" + more + "}}]}, " + allMay
}

// rules is a policy with one rule for who has a token.
func rules(rule string) string {
	return "authentication: {anyOf: [{name: idp, jwt: {issuer: i, audiences: [shop], algorithms: [HS256], jwks: {secretRef: {name: signing}}}}]}, authorization: {rules: [" + rule + "]}"
}

// asks is a policy that asks the service judge.
func asks(what string) string { return anybody + ", externalAuth: {" + what + "}" }

const usual = "issuer: i, audiences: [shop], algorithms: [HS256]"

var accessFloor = []floorRow{
	{fields: "mode", floor: tokens(usual), route: "mode: Default, " + anybody, want: "401"},
	{fields: "targetRefs[].kind targetRefs[].group", floor: tokens(usual), route: anybody, target: `{group: "", kind: Service, name: a}`, want: "401"},
	{fields: "targetRefs[].sectionName", floor: tokens(usual), route: anybody, target: "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r, sectionName: only}", want: "401"},
	{fields: "targetRefs[].name", floor: tokens(usual), route: anybody, target: "{group: gateway.networking.k8s.io, kind: Gateway, name: edge}", want: "401", alike: "its namespace has no such Gateway"},
	{fields: "authentication.anyOf[].name authorization.rules[].allow.principals", floor: rules("{name: all, allow: {principals: [idp/bob]}}"), route: rules("{name: all, allow: {principals: [idp/ann]}}"), lines: bearer, want: "403"},
	{fields: "authentication.anyOf[].anonymous", floor: tokens(usual), route: anybody, want: "401"},
	{fields: "authentication.anyOf[].jwt.issuer", floor: tokens("issuer: other, audiences: [shop], algorithms: [HS256]"), route: tokens(usual), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].jwt.audiences", floor: tokens("issuer: i, audiences: [other], algorithms: [HS256]"), route: tokens(usual), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].jwt.anyAudience", floor: tokens("issuer: i, audiences: [other], algorithms: [HS256]"), route: tokens("issuer: i, anyAudience: true, algorithms: [HS256]"), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].jwt.algorithms", floor: tokens("issuer: i, audiences: [shop], algorithms: [HS512]"), route: tokens(usual), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].jwt.typ", floor: tokens(usual + ", typ: at+jwt"), route: tokens(usual), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].jwt.clockSkew", floor: tokens(usual), route: tokens(usual + ", clockSkew: 5m"), lines: "Authorization: Bearer ENDED", want: "401"},
	{fields: "authentication.anyOf[].jwt.maxAge", floor: tokens(usual + ", maxAge: 1m"), route: tokens(usual), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].jwt.scopesClaim", floor: rulesOf("scopesClaim: rights", "{name: all, allow: {scopes: [read]}}"), route: rules("{name: all, allow: {scopes: [read]}}"), lines: bearer, want: "403"},
	{fields: "authentication.anyOf[].jwt.from.header", floor: tokens(usual + ", from: {header: X-Token}"), route: tokens(usual), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].jwt.from.scheme", floor: tokens(usual + ", from: {scheme: Token}"), route: tokens(usual), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].jwt.from.cookie", floor: tokens(usual + ", from: {cookie: token}"), route: tokens(usual), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].jwt.jwks.secretRef", floor: signed(usual + ", jwks: {secretRef: {name: other}}"), route: tokens(usual), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].jwt.jwks.uri", floor: signed(`issuer: i, audiences: [shop], jwks: {uri: "https://127.0.0.1:1/"}`), route: tokens(usual), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].jwt.jwks.caRef", floor: signed(`issuer: i, audiences: [shop], jwks: {uri: "https://127.0.0.1:1/", caRef: {name: ca}}`), route: tokens(usual), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].jwt.jwks.refresh authentication.anyOf[].jwt.jwks.cooldown authentication.anyOf[].jwt.jwks.staleIfError", floor: signed(`issuer: i, audiences: [shop], jwks: {uri: "https://127.0.0.1:1/", refresh: 1h, cooldown: 1h, staleIfError: 1h}`), route: tokens(usual), lines: bearer, want: "401"},
	{fields: "authentication.anyOf[].apiKey.secretRefs", floor: keysOf("other", "X-API-Key"), route: keysOf("ours", "X-API-Key"), lines: "X-API-Key: 123", want: "401"},
	{fields: "authentication.anyOf[].apiKey.from.header", floor: keysOf("ours", "X-Key"), route: keysOf("ours", "X-API-Key"), lines: "X-API-Key: 123", want: "401"},
	{fields: "authentication.anyOf[].basic.secretRefs authentication.anyOf[].basic.realm", floor: "authentication: {anyOf: [{name: people, basic: {realm: floor, secretRefs: [{name: people}]}}]}, " + allMay, route: anybody, want: "401 +floor"},
	{fields: "authentication.anyOf[].clientCertificate.subject authentication.anyOf[].clientCertificate.trustDomains", floor: "authentication: {anyOf: [{name: mesh, clientCertificate: {subject: SPIFFE, trustDomains: [a]}}]}, " + allMay, route: anybody, want: "401"},
	{fields: "authorization.rules[].name", floor: nobodyIs + "authorization: {rules: [{name: all, deny: {}}]}", route: anybody, want: "403"},
	{fields: "authorization.rules[].allow.methods", floor: nobodyIs + "authorization: {rules: [{name: all, allow: {methods: [POST]}}]}", route: anybody, want: "403"},
	{fields: "authorization.rules[].allow.paths", floor: nobodyIs + "authorization: {rules: [{name: all, allow: {paths: [/other]}}]}", route: nobodyIs + "authorization: {rules: [{name: all, allow: {paths: [/**]}}]}", want: "403"},
	{fields: "authorization.rules[].allow.scopes", floor: rules("{name: all, allow: {scopes: [admin]}}"), route: rules("{name: all, allow: {scopes: [read]}}"), lines: bearer, want: "403"},
	{fields: "authorization.rules[].allow.claims", floor: rules("{name: all, allow: {claims: {tenant: [beta]}}}"), route: rules("{name: all, allow: {claims: {tenant: [acme]}}}"), lines: bearer, want: "403"},
	{fields: "authorization.rules[].allow.sourceRanges", floor: nobodyIs + "authorization: {rules: [{name: all, allow: {sourceRanges: [10.0.0.0/8]}}]}", route: nobodyIs + "authorization: {rules: [{name: all, allow: {sourceRanges: [127.0.0.0/8]}}]}", want: "403"},
	{fields: "authorization.rules[].allow.when", floor: nobodyIs + "authorization: {rules: [{name: all, allow: {when: \"request.method == 'POST'\"}}]}", route: anybody, want: "403"},
	{fields: "authorization.rules[].deny.methods", floor: denies("methods: [GET]"), route: anybody, want: "403"},
	{fields: "authorization.rules[].deny.paths", floor: denies("paths: [/**]"), route: anybody, want: "403"},
	{fields: "authorization.rules[].deny.scopes", floor: rules("{name: never, deny: {scopes: [read]}}, {name: all, allow: {}}"), route: rules("{name: all, allow: {}}"), lines: bearer, want: "403"},
	{fields: "authorization.rules[].deny.claims", floor: rules("{name: never, deny: {claims: {tenant: [acme]}}}, {name: all, allow: {}}"), route: rules("{name: all, allow: {}}"), lines: bearer, want: "403"},
	{fields: "authorization.rules[].deny.principals", floor: rules("{name: never, deny: {principals: [idp/ann]}}, {name: all, allow: {}}"), route: rules("{name: all, allow: {}}"), lines: bearer, want: "403"},
	{fields: "authorization.rules[].deny.sourceRanges", floor: denies("sourceRanges: [127.0.0.0/8]"), route: anybody, want: "403"},
	{fields: "authorization.rules[].deny.when", floor: denies("when: \"request.method == 'GET'\""), route: anybody, want: "403"},
	{fields: "forward.claimsToHeaders", floor: tokens(usual) + ", forward: {claimsToHeaders: {sub: X-User}}", route: anybody + ", forward: {claimsToHeaders: {sub: X-User}}", lines: bearer, want: "200 +X-User: ann"},
	{fields: "forward.credentials", floor: tokens(usual), route: tokens(usual) + ", forward: {credentials: Keep}", lines: bearer, want: "200 -Authorization"},
	{fields: "externalAuth.http.backendRef.name externalAuth.http.backendRef.port externalAuth.http.path", floor: asks("http: {backendRef: {name: judge, port: 80}, path: /refuse}"), route: anybody, want: "403"},
	{fields: "externalAuth.http.backendRef.namespace", floor: asks("http: {backendRef: {name: judge, namespace: shop, port: 80}, path: /refuse}"), route: asks("http: {backendRef: {name: judge, namespace: shop, port: 80}, path: /allow}"), want: "503"},
	{fields: "externalAuth.http.pathPrefix", floor: asks("http: {backendRef: {name: judge, port: 80}, pathPrefix: /refuse}"), route: asks("http: {backendRef: {name: judge, port: 80}, pathPrefix: /allow}"), want: "403"},
	{fields: "externalAuth.http.requestHeaders", floor: asks("http: {backendRef: {name: judge, port: 80}, path: /allow, requestHeaders: [X-Bad]}"), route: asks("http: {backendRef: {name: judge, port: 80}, path: /allow}"), lines: "X-Bad: 1", want: "403"},
	{fields: "externalAuth.http.responseHeaders", floor: asks("http: {backendRef: {name: judge, port: 80}, path: /allow, responseHeaders: [X-Judge]}"), route: anybody, lines: "X-Judge: forged", want: "200 +X-Judge: judged"},
	{fields: "externalAuth.http.clientHeaders", floor: asks("http: {backendRef: {name: judge, port: 80}, path: /refuse, clientHeaders: [X-Judge]}"), route: asks("http: {backendRef: {name: judge, port: 80}, path: /allow}"), want: "403 +X-Judge: judged"},
	{fields: "externalAuth.timeout", floor: asks("http: {backendRef: {name: judge, port: 80}, path: /slow}, timeout: 20ms"), route: asks("http: {backendRef: {name: judge, port: 80}, path: /allow}, timeout: 5s"), want: "503"},
	{fields: "externalAuth.concurrency", floor: asks("http: {backendRef: {name: judge, port: 80}, path: /refuse}, concurrency: 1"), route: asks("http: {backendRef: {name: judge, port: 80}, path: /allow}, concurrency: 1000"), want: "403"},
	{
		fields: "externalAuth.grpc.backendRef.name externalAuth.grpc.backendRef.port externalAuth.grpc.requestHeaders externalAuth.grpc.responseHeaders externalAuth.grpc.clientHeaders",
		floor:  asks("grpc: {backendRef: {name: judge, port: 80}, requestHeaders: [Cookie], responseHeaders: [X-Judge], clientHeaders: [X-Why]}"), route: anybody, want: "503",
	},
	{fields: "externalAuth.grpc.backendRef.namespace", floor: asks("grpc: {backendRef: {name: judge, namespace: shop, port: 80}}"), route: anybody, want: "503"},
}

func rulesOf(more, rule string) string {
	return "authentication: {anyOf: [{name: idp, jwt: {" + usual + ", jwks: {secretRef: {name: signing}}, " + more + "}}]}, authorization: {rules: [" + rule + "]}"
}

func keysOf(secret, header string) string {
	return "authentication: {anyOf: [{name: keys, apiKey: {from: {header: " + header + "}, secretRefs: [{name: " + secret + "}]}}]}, " + allMay
}

func denies(what string) string {
	return nobodyIs + "authorization: {rules: [{name: never, deny: {" + what + "}}, {name: all, allow: {}}]}"
}

// one is a policy of one limit.
func one(limit string) string { return "rateLimits: [{name: l, " + limit + "}]" }

const (
	few  = "limit: {requests: 1, per: 1h}"
	many = "limit: {requests: 1000, per: 1s}"
)

var trafficFloor = []floorRow{
	{fields: "mode", floor: one(few), route: "mode: Default, " + one(many), times: 2, want: "429"},
	{fields: "targetRefs[].kind targetRefs[].group", floor: one(few), route: one(many), target: `{group: "", kind: Service, name: a}`, times: 2, want: "429"},
	{fields: "targetRefs[].sectionName", floor: one(few), route: one(many), target: "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r, sectionName: only}", times: 2, want: "429"},
	{fields: "targetRefs[].name", floor: one(few), route: one(many), target: "{group: gateway.networking.k8s.io, kind: Gateway, name: edge}", times: 2, want: "429", alike: "its namespace has no such Gateway"},
	{fields: "rateLimits[].name rateLimits[].limit.requests", floor: one(few), route: one(many), times: 2, want: "429"},
	{fields: "rateLimits[].limit.per", floor: one("limit: {requests: 2, per: 24h, burst: 1}"), route: one("limit: {requests: 2, per: 1s, burst: 2}"), times: 2, want: "429"},
	{fields: "rateLimits[].limit.burst", floor: one("limit: {requests: 10, per: 24h, burst: 1}"), route: one("limit: {requests: 10, per: 24h}"), times: 2, want: "429"},
	{fields: "rateLimits[].key", floor: one(few), route: one("key: [header:X-Number], " + few), times: 2, want: "429"},
	{fields: "rateLimits[].tiers[].when rateLimits[].tiers[].requests rateLimits[].tiers[].per rateLimits[].tiers[].burst", floor: one(many + ", tiers: [{when: \"request.method == 'GET'\", requests: 10, per: 24h, burst: 1}]"), route: one(few + ", tiers: [{when: \"request.method == 'GET'\", requests: 1000, per: 1s, burst: 1000}]"), times: 2, want: "429"},
	{
		fields: "rateLimits[].schedules[].days rateLimits[].schedules[].from rateLimits[].schedules[].to rateLimits[].schedules[].timeZone rateLimits[].schedules[].requests rateLimits[].schedules[].per rateLimits[].schedules[].burst",
		floor:  one(many + `, schedules: [{days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], from: "00:00", to: "24:00", timeZone: UTC, requests: 10, per: 24h, burst: 1}]`),
		route:  one(few + `, schedules: [{from: "00:00", to: "24:00", requests: 1000, per: 1s}]`), times: 2, want: "429",
	},
	{fields: "rateLimits[].schedules[].cron rateLimits[].schedules[].for", floor: one(many + `, schedules: [{cron: "0 0 * * *", for: 24h, requests: 1, per: 24h}]`), route: one(few + `, schedules: [{cron: "0 0 * * *", for: 24h, requests: 1000, per: 1s}]`), times: 2, want: "429"},
	{fields: "rateLimits[].onExceed.action", floor: one(few), route: one(few + ", onExceed: {action: Shadow}"), times: 2, want: "429"},
	{fields: "rateLimits[].onExceed.maxWait rateLimits[].onExceed.maxQueued", floor: one(few + ", onExceed: {action: Queue, maxWait: 1ms, maxQueued: 1}"), route: one(many + ", onExceed: {action: Queue, maxWait: 5m, maxQueued: 1000}"), times: 2, want: "429"},
	{fields: "rateLimits[].scope", floor: one("scope: Gateway, "+many) + ", onStoreFailure: Deny", route: one("scope: Replica, " + many), want: "503 +limit-store-unavailable"},
	{fields: "onStoreFailure", floor: one("scope: Gateway, "+many) + ", onStoreFailure: Deny", route: one("scope: Gateway, "+many) + ", onStoreFailure: Local", want: "503 +limit-store-unavailable"},
	{fields: "concurrency.requests concurrency.key", floor: "concurrency: {requests: 1}", route: "concurrency: {requests: 1000, key: [header:X-Number]}", times: underWay, want: "429"},
}

// underWay stands for a request beside one that does not end.
const underWay = -1
