// SPDX-License-Identifier: Apache-2.0

package address

import (
	"slices"
	"strings"
	"unicode"
)

// Kind says what the value under a key may be. The zero value says nothing.
type Kind uint8

// The kinds of keys.
const (
	Unknown Kind = iota
	Place        // an address: CART_URL, --upstream, spring.redis.nodes
	HostOf       // a host name, with nothing else it could be: DB_HOST, CART_ADDR
	Shown        // an address that people or browsers open: DOCS_URL, CORS_ORIGIN
	Own          // where the program itself listens or is known: BIND_ADDR, ADVERTISED_LISTENERS
	Other        // something else, though a URL in it is one: IMAGE, VERSION, PASSWORD, DATA_SOURCE_NAME
)

// Address reports whether a value under the key is expected to be an address.
func (k Kind) Address() bool { return k == Place || k == HostOf }

// Words of keys. A key is taken apart at '_', '-', '.', '/', and where an upper case
// letter follows a lower case one. HostOf and Place count only as the last word:
// REDIS_HOST is an address, HOST_PATH is none.
var (
	hostWords = []string{"host", "hosts", "hostname", "hostnames", "addr", "addrs", "address", "addresses", "fqdn", "h"}

	placeWords = []string{
		"url", "urls", "uri", "uris", "endpoint", "endpoints", "server", "servers", "brokers", "bootstrap", "nodes", "peers", "seeds", "seed", "points", "contactpoints",
		"upstream", "upstreams", "targets", "dsn", "proxy", "sentinels", "join", "members", "ensemble", "remote", "datasource",
	}

	shownWords = []string{"docs", "doc", "documentation", "help", "logo", "homepage", "support", "terms", "privacy", "link", "banner", "icon", "xmlns", "license"}

	ownWords = []string{
		"listen", "listener", "listeners", "bind", "advertise", "advertised", "announce", "public", "redirect", "callback", "cors", "origin", "origins", "allowed", "virtual",
		"cookie", "root", "self",
	}

	otherWords = []string{
		"image", "images", "tag", "version", "password", "passwd", "pwd", "pass", "token", "secret", "key", "keys", "apikey", "credential", "credentials", "hash", "salt", "signature", "id", "user", "username", "email", "mail", "mode", "enabled", "level",
		"path", "file", "dir", "directory", "name", "timeout", "interval", "schedule", "cron", "class", "names", "package", "driver", "dialect", "cidr", "subnet",
	}
)

// split takes a key apart into words in lower case.
func split(key string) []string {
	var out []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
			word.Reset()
		}
	}
	lower := false
	for i, r := range key {
		if i >= maxKey {
			break
		}
		switch {
		case r == '_' || r == '-' || r == '.' || r == '/' || r == ' ' || r == '[' || r == ']':
			end()
			lower = false
			continue
		case unicode.IsUpper(r) && lower:
			end()
		}
		lower = unicode.IsLower(r)
		word.WriteRune(unicode.ToLower(r))
	}
	end()
	return out
}

// maxKey is as much of a key as is looked at: environment variables and
// properties have tens of letters.
const maxKey = 256

// trailing are words that end the name of an address all the same:
// "DATABASE_URL_RO", "ES_HOSTS_0".
func trailing(w string) bool {
	return w != "" && strings.Trim(w, "0123456789") == "" || w == "ro" || w == "rw" || w == "primary" || w == "replica" || w == "internal" || w == "default"
}

// Classify says what the value under a key may be.
func Classify(key string) Kind {
	words := split(key)
	for len(words) > 1 && trailing(words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return Unknown
	}
	last := words[len(words)-1]
	has := func(list []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
	}
	switch {
	case has(ownWords), len(words) > 1 && slices.Contains([]string{"no proxy", "external url", "server host"}, words[len(words)-2]+" "+last), key == "HOSTNAME":
		return Own
	case has(shownWords):
		return Shown
	case slices.Contains(otherWords, last):
		return Other
	case slices.Contains(hostWords, last), strings.HasSuffix(last, "host") && len(last) > 4, strings.HasSuffix(last, "addr") && len(last) > 4:
		return HostOf
	case slices.Contains(placeWords, last), strings.HasSuffix(last, "url") || strings.HasSuffix(last, "uri") || strings.HasSuffix(last, "servers"):
		return Place
	}
	return Unknown
}

// PortKey returns the key under which the port of the host under a key stands:
// DB_PORT for DB_HOST, "pgport" for "pghost"; false when the key is none of a
// host. Keys are compared in lower case.
func PortKey(key string) (string, bool) {
	low := strings.ToLower(key)
	for _, end := range []string{"hostname", "hosts", "host", "address", "addr", "server", "endpoint", "service_name", "url", "fqdn"} {
		if stem, cut := strings.CutSuffix(low, end); cut {
			return stem + "port", true
		}
	}
	if low == "h" {
		return "p", true
	}
	return "", false
}

// products are ports that a product listens on unless it is told otherwise, by a
// word that the keys about it have (the products' own documentation; the numbers
// are those of IANA's registry where it has one).
var products = map[string]uint16{
	"postgres": 5432, "postgresql": 5432, "pg": 5432, "pghost": 5432, "pgsql": 5432, "mysql": 3306, "mariadb": 3306, "mongo": 27017, "mongodb": 27017,
	"redis": 6379, "valkey": 6379, "sentinel": 26379, "sentinels": 26379, "memcached": 11211, "memcache": 11211, "rabbitmq": 5672, "rabbit": 5672, "amqp": 5672,
	"kafka": 9092, "zookeeper": 2181, "zk": 2181, "nats": 4222, "cassandra": 9042, "elasticsearch": 9200, "opensearch": 9200, "etcd": 2379,
	"mssql": 1433, "sqlserver": 1433, "oracle": 1521, "clickhouse": 9000, "ldap": 389, "smtp": 587, "consul": 8500, "vault": 8200, "influxdb": 8086,
}

// ProductPort returns the port that the words of a key imply; 0 for none.
func ProductPort(key string) uint16 {
	for _, w := range split(key) {
		if p := products[w]; p != 0 {
			return p
		}
	}
	return 0
}
