// SPDX-License-Identifier: Apache-2.0

// Package manifests finds the connections that manifests declare: addresses in
// environment variables, arguments and ConfigMaps, and what Services, Ingresses,
// routes, monitors, webhooks and StatefulSets say by being there.
//
// What counts as an address. A value is read by its form and by its key
// (package address):
//
//   - a URL and a connection string are addresses under every key that is not the
//     program's own (BIND_ADDR, ADVERTISED_LISTENERS, CORS_ORIGIN);
//   - host:port is one if a Service of that name has that port, if the host could
//     be a public domain, or if the key is one of an address (DB_HOST, --upstream);
//   - a bare word is one only under the key of an address: MODE=cache is not a
//     connection to the Service cache, CACHE_HOST=cache is. A name with ".svc" in
//     it is one anywhere if that Service exists;
//   - inside of a file Services count as above, and names outside of the cluster
//     only under the key of an address or after the scheme of a database, because
//     files quote URLs that nobody opens. A script is read word by word, with
//     "-h db -p 5432" and "nc -z db 5432".
//
// How sure each find is: Certain is declared as a connection (an Ingress, a
// ServiceMonitor); Likely stands where addresses are configured, or is nothing but
// an address; Guessed stands in a text. Of a Secret, and only of those that the
// caller gives, URLs are read, and of these host and port.
//
// What it cannot see: addresses in code and images, what an operator makes of its
// custom resources, and connections that a person opens. Found.Unreached lists
// the Services to which nothing leads: a sign that addresses are in code.
//
// The inventory must be untrimmed, as internal/source/files delivers it: a live
// inventory keeps neither environment variables nor ConfigMaps.
package manifests
