// SPDX-License-Identifier: Apache-2.0

package address

import "testing"

func TestClassify(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]Kind{
		"DB_HOST": HostOf, "dbHost": HostOf, "db.host": HostOf, "--db-host": HostOf, "PGHOST": HostOf, "REDIS_ADDR": HostOf, "ES_HOSTS_0": HostOf, "h": HostOf, "REDIS_HOST_REPLICA": HostOf,
		"CART_URL": Place, "DATABASEURL": Place, "bootstrap.servers": Place, "CASSANDRA_CONTACT_POINTS": Place, "initialSeeds": Place, "HTTP_PROXY": Place, "S3_ENDPOINT": Place,
		"DOCS_URL": Shown, "LOGO_URI": Shown, "termsUrl": Shown,
		"BIND_ADDR": Own, "web.listen-address": Own, "web.external-url": Own, "KAFKA_ADVERTISED_LISTENERS": Own, "NO_PROXY": Own, "no_proxy": Own, "CORS_ORIGIN": Own, "HOSTNAME": Own, "NEXT_PUBLIC_API_URL": Own,
		"DB_PASSWORD": Other, "PROXY_PASS": Other, "IMAGE": Other, "HOST_PATH": Other, "APP_VERSION": Other, "DATA_SOURCE_NAME": Other, "API_KEY": Other, "CLIENT_ID": Other, "MODE": Other,
		"STAGE": Unknown, "CACHE": Unknown, "HOSTED": Unknown, "": Unknown, "_": Unknown, "1": Unknown, "KAFKA": Unknown, "EXTERNAL_API_URL": Place,
	} {
		if got := Classify(key); got != want {
			t.Errorf("%q: %d, not %d", key, got, want)
		}
	}
}

func TestPortOfAKey(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{"DB_HOST": "db_port", "PGHOST": "pgport", "db.hostname": "db.port", "dbAddress": "dbport", "h": "p", "host": "port", "MODE": "", "": ""} {
		if got, ok := PortKey(key); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, not %q", key, got, ok, want)
		}
	}
	for key, want := range map[string]uint16{"POSTGRES_HOST": 5432, "PGHOST": 5432, "spring.redis.host": 6379, "esHosts": 0, "MODE": 0, "kafkaBrokers": 9092} {
		if got := ProductPort(key); got != want {
			t.Errorf("%q: %d, not %d", key, got, want)
		}
	}
}

func TestPublic(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"api.example.org": true, "xn--bcher-kva.example": true, "db.corp": true, "a.xn--p1ai": true, "app.yaml": false, "server.log": false, "carts": false, "1.2.3": false, ".org": false, "x.v1": false, "": false,
	} {
		if got := Public(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
