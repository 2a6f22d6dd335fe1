// SPDX-License-Identifier: Apache-2.0

package address

import "strings"

// scheme is what is known of a URL scheme.
type scheme struct {
	port uint16 // that the scheme implies; 0 for none
	udp  bool
	none bool // what follows is no network address

	records bool // the host has SRV records
}

// schemes by the part before a "+" ("postgresql+asyncpg"), from the registry of
// IANA and the documentation of the products.
var schemes = map[string]scheme{
	"http": {port: 80}, "https": {port: 443}, "ws": {port: 80}, "wss": {port: 443}, "h2c": {port: 80}, "git": {port: 9418}, "ssh": {port: 22}, "sftp": {port: 22},
	"ftp": {port: 21}, "ftps": {port: 990}, "oci": {port: 443},
	"postgres": {port: 5432}, "postgresql": {port: 5432}, "pgsql": {port: 5432}, "mysql": {port: 3306}, "mysqlx": {port: 33060}, "mariadb": {port: 3306},
	"mongodb": {port: 27017}, "mongodb+srv": {port: 27017, records: true}, "mongo": {port: 27017}, "redis": {port: 6379}, "rediss": {port: 6379}, "valkey": {port: 6379}, "redis-sentinel": {port: 26379},
	"amqp": {port: 5672}, "amqps": {port: 5671}, "rabbitmq": {port: 5672}, "kafka": {port: 9092}, "nats": {port: 4222}, "stan": {port: 4222},
	"cassandra": {port: 9042}, "scylla": {port: 9042}, "memcached": {port: 11211}, "memcache": {port: 11211}, "etcd": {port: 2379}, "zk": {port: 2181}, "zookeeper": {port: 2181},
	"sqlserver": {port: 1433}, "mssql": {port: 1433}, "oracle": {port: 1521}, "clickhouse": {port: 9000}, "cockroachdb": {port: 26257}, "cockroach": {port: 26257},
	"neo4j": {port: 7687}, "bolt": {port: 7687}, "elasticsearch": {port: 9200}, "es": {port: 9200}, "db2": {port: 50000},
	"ldap": {port: 389}, "ldaps": {port: 636}, "smtp": {port: 25}, "smtps": {port: 465}, "submission": {port: 587}, "imap": {port: 143}, "imaps": {port: 993},
	"mqtt": {port: 1883}, "mqtts": {port: 8883}, "mqttssl": {port: 8883}, "stomp": {port: 61613}, "pulsar": {port: 6650}, "sb": {port: 5671}, "dns": {port: 53},
	"udp": {udp: true}, "statsd": {port: 8125, udp: true}, "syslog": {port: 514, udp: true}, "gelf": {port: 12201, udp: true},
	"file": {none: true}, "unix": {none: true}, "unixgram": {none: true}, "s3": {none: true}, "s3a": {none: true}, "gs": {none: true}, "abfss": {none: true}, "wasbs": {none: true},
	"spiffe": {none: true}, "sqlite": {none: true}, "sqlite3": {none: true}, "urn": {none: true}, "arn": {none: true}, "data": {none: true}, "mailto": {none: true},
	"docker": {none: true}, "containerd": {none: true}, "classpath": {none: true}, "jar": {none: true}, "about": {none: true}, "vault": {none: true}, "awskms": {none: true},
	"gcpkms": {none: true}, "azurekeyvault": {none: true}, "npipe": {none: true}, "inmemory": {none: true}, "mem": {none: true}, "memory": {none: true}, "hdfs": {port: 8020},
	"projects": {none: true}, "secret": {none: true}, "env": {none: true}, "chrome-extension": {none: true}, "app": {none: true}, "android-app": {none: true}, "h2": {none: true}, "hsqldb": {none: true}, "derby": {none: true},
}

// schemeOf looks a scheme up; the driver after a "+" only matters where it says
// what is beneath: "unix+http", "redis+sentinel".
func schemeOf(text string) (scheme, bool) {
	text = strings.ToLower(text)
	if s, known := schemes[text]; known {
		return s, true
	}
	base, driver, with := strings.Cut(text, "+")
	if with && driver == "unix" {
		return scheme{none: true}, true
	}
	if with && driver == "sentinel" {
		return schemes["redis-sentinel"], true
	}
	if with && driver == "ssl" && base == "amqp" {
		return schemes["amqps"], true
	}
	if base == "git" && with {
		return schemes[driver], schemes[driver] != scheme{}
	}
	s, known := schemes[base]
	return s, known
}
