// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// service returns a Service in front of a workload of the same name. A port is
// "80" or "8125/UDP"; the name may have a namespace before a slash.
func service(name string, ports ...string) *corev1.Service {
	ns, short, has := strings.Cut(name, "/")
	if !has {
		ns, short = "shop", name
	}
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: short}}
	s.Spec.Selector = map[string]string{"app": short}
	for i, text := range ports {
		number, protocol, _ := strings.Cut(text, "/")
		var p corev1.ServicePort
		if _, err := fmt.Sscan(number, &p.Port); err != nil {
			panic(err)
		}
		p.Name, p.Protocol = fmt.Sprintf("p%d", i), corev1.Protocol(protocol)
		s.Spec.Ports = append(s.Spec.Ports, p)
	}
	return s
}

func headless(s *corev1.Service) *corev1.Service {
	s.Spec.ClusterIP = corev1.ClusterIPNone
	return s
}

func deployment(name string, c ...corev1.Container) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
	d.Spec.Template.Labels = map[string]string{"app": name}
	d.Spec.Template.Spec.Containers = c
	return d
}

// surroundings are what the values of the tests may lead to.
func surroundings() []inventory.Object {
	external := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "pay"}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "api.pay.test"}}
	fixed := service("fixed", "8080")
	fixed.Spec.ClusterIP = "10.96.0.7"
	out := []inventory.Object{
		service("carts", "80"), service("db", "5432"), service("mysql", "3306"), service("mongo", "27017"), service("redis", "6379"), service("cache", "6379"),
		headless(service("sentinel", "26379")), headless(service("cassandra", "9042")), headless(service("kafka", "9092")), service("rabbitmq", "5672", "15672"),
		headless(service("zk", "2181")), service("nats", "4222"), service("mssql", "1433"), service("oracle", "1521"), service("memcached", "11211"),
		headless(service("etcd", "2379", "2380")), service("statsd", "8125/UDP"), service("search", "9200"), service("user", "80"), service("production", "80"), service("pay/ledger", "8443"),
		service("dual", "53/UDP", "53/TCP"), external, fixed, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "pay"}},
	}
	for _, s := range slices.Clone(out) {
		if s.GetNamespace() == "shop" {
			out = append(out, deployment(s.GetName()))
		}
	}
	return out
}

// found returns what Edges finds of the workload web besides its name servers:
// ends, ports and confidence of the edges, and the words of the problems.
func found(t *testing.T, o Options, objects ...inventory.Object) []string {
	t.Helper()
	inv := inventory.New(objects...)
	u, err := generator.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	env.ServiceRanges = []netip.Prefix{netip.MustParsePrefix("10.96.0.0/12")}
	all := Edges(inv, u, &env, o)
	var out []string
	for _, e := range all.Edges {
		if e.From.Name == "web" && e.To.Kind != generator.DNSPeer {
			out = append(out, e.To.String()+" "+e.Port.String()+" "+e.Confidence().String())
		}
		for _, b := range e.Because {
			if b.Object == (inventory.Key{}) || b.Field == "" || b.What == "" || b.Source != generator.Manifest {
				t.Errorf("%s: evidence without a place: %+v", e, b)
			}
		}
	}
	for _, p := range all.Problems {
		if p.Edge.From.Name == "web" {
			out = append(out, "problem: "+p.What)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

type valueCase struct{ key, value, want string } // want: lines with "; " between them

var valueCases = []valueCase{
	// URLs
	{"CART_URL", "http://carts", "Service shop/carts TCP/80 likely"},
	{"CART_URL", "http://carts/", "Service shop/carts TCP/80 likely"},
	{"CART_URL", "http://carts:80/items?x=1#y", "Service shop/carts TCP/80 likely"},
	{"CART_URL", "HTTP://CARTS:80", "Service shop/carts TCP/80 likely"},
	{"ANYTHING", "http://carts", "Service shop/carts TCP/80 likely"},
	{"CART_URL", "http://carts.shop", "Service shop/carts TCP/80 likely"},
	{"CART_URL", "http://carts.shop.svc", "Service shop/carts TCP/80 likely"},
	{"CART_URL", "http://carts.shop.svc.cluster.local", "Service shop/carts TCP/80 likely"},
	{"CART_URL", "http://carts.shop.svc.cluster.local./x", "Service shop/carts TCP/80 likely"},
	{"CART_URL", "\"http://carts\"", "Service shop/carts TCP/80 likely"},
	{"LEDGER_URL", "https://ledger.pay:8443", "Service pay/ledger TCP/8443 likely"},
	{"API_URL", "https://api.stripe.com", "api.stripe.com TCP/443 likely"},
	{"API_URL", "https://api.stripe.com.:8443/v1", "api.stripe.com TCP/8443 likely"},
	{"API_URL", "https://user:p%40ss@api.stripe.com/v1", "api.stripe.com TCP/443 likely"},
	{"API_URL", "https://münchen.example", ""},
	{"API_URL", "https://xn--mnchen-3ya.de", "xn--mnchen-3ya.de TCP/443 likely"},
	{"API_URL", "http://203.0.113.9:8080/", "203.0.113.9/32 TCP/8080 likely"},
	{"API_URL", "http://[2001:db8::9]:8080/", "2001:db8::9/128 TCP/8080 likely"},
	{"API_URL", "http://[::ffff:203.0.113.9]", "203.0.113.9/32 TCP/80 likely"},
	{"API_URL", "http://10.96.0.7:8080", "Service shop/fixed TCP/8080 likely"},
	{"API_URL", "http://10.96.0.8:8080", "problem: is an address of this cluster that belongs to nothing among the objects"},
	{"API_URL", "http://169.254.169.254/latest/meta-data", "problem: is a metadata service, which hands out the node's credentials: only an intent may ask for that"},
	{"API_URL", "http://[fd00:ec2::254]/latest", "problem: is a metadata service, which hands out the node's credentials: only an intent may ask for that"},
	{"API_URL", "http://localhost:8080", ""},
	{"API_URL", "http://127.0.0.1:8080", ""},
	{"API_URL", "http://[::1]:8080", ""},
	{"API_URL", "http://0.0.0.0:8080", ""},
	{"API_URL", "http://gone:8080", "problem: there is no Service shop/gone among the objects"},
	{"API_URL", "http://gone.pay:8080", "problem: there is no Service pay/gone among the objects"},
	{"API_URL", "http://gone.shop.svc.cluster.local", "problem: there is no Service shop/gone among the objects"},
	{"API_URL", "https://kubernetes.default.svc", "api-server any port likely"},
	{"API_URL", "https://kubernetes.default", "api-server any port likely"},
	{"DOCS_URL", "https://docs.example.org/web", "docs.example.org TCP/443 guessed"},
	{"SOMETHING", "https://docs.example.org/web", "docs.example.org TCP/443 guessed"},
	{"API_URL", "grpc://carts", "Service shop/carts any port likely"},
	{"API_URL", "https://api.stripe.com/@me", "api.stripe.com TCP/443 likely"},
	{"GRPC_TARGET", "dns:///carts:80", "Service shop/carts TCP/80 likely"},
	{"GRPC_TARGET", "dns+carts:80", "Service shop/carts TCP/80 likely"},
	{"STORE", "dnssrv+_grpc._tcp.etcd.shop.svc.cluster.local", "Service shop/etcd any port likely"},
	{"API_URL", "ws://carts/socket", "Service shop/carts TCP/80 likely"},
	{"API_URL", "http://pay/", "Service shop/pay TCP/80 likely"},
	{"ENDPOINTS", "http://carts,http://search:9200", "Service shop/carts TCP/80 likely; Service shop/search TCP/9200 likely"},
	{"ENDPOINTS", "http://carts, http://search:9200", "Service shop/carts TCP/80 likely; Service shop/search TCP/9200 likely"},
	{"ENDPOINTS", "http://carts/a;http://search:9200/b", "Service shop/carts TCP/80 likely; Service shop/search TCP/9200 likely"},
	{"ENDPOINTS", `["http://carts","http://search:9200"]`, "Service shop/carts TCP/80 likely; Service shop/search TCP/9200 likely"},
	{"LOGIN", "https://login.example.org/?next=https://shop.example.org", "login.example.org TCP/443 guessed"},
	{"STORE", "s3://bucket/key", ""},
	{"STORE", "file:///etc/passwd", ""},
	{"STORE", "unix:///var/run/x.sock", ""},
	{"STORE", "sqlite:///data/app.db", ""},
	{"STORE", "jdbc:sqlite:/data/app.db", ""},
	{"STORE", "jdbc:h2:mem:test", ""},
	{"STORE", "classpath:db/migration", ""},
	{"REPO_URL", "git+https://git.example.org/x.git", "git.example.org TCP/443 likely"},
	{"IDENTITY", "spiffe://cluster.example/ns/shop", ""},
	{"IMAGE_URL", "oci://registry.example.org/app", "registry.example.org TCP/443 likely"},

	// databases and brokers
	{"DATABASE_URL", "postgres://app:secret@db:5432/shop?sslmode=disable", "Service shop/db TCP/5432 likely"},
	{"DATABASE_URL", "postgresql://app:secret@db/shop", "Service shop/db TCP/5432 likely"},
	{"DATABASE_URL", "postgresql+asyncpg://app@db/shop", "Service shop/db TCP/5432 likely"},
	{"DATABASE_URL", "postgres://app:p@ss:w@db:5432/shop", "Service shop/db TCP/5432 likely"},
	{"DATABASE_URL", "postgres://app@db,db:5432/shop", "Service shop/db TCP/5432 likely"},
	{"DATABASE_URL", "jdbc:postgresql://db:5432/shop", "Service shop/db TCP/5432 likely"},
	{"DATABASE_URL", "r2dbc:pool:postgresql://db/shop", "Service shop/db TCP/5432 likely"},
	{"DATA_SOURCE_NAME", "postgresql://app:x@db:5432/postgres?sslmode=disable", "Service shop/db TCP/5432 likely"},
	{"DATABASE_DSN", "host=db port=5432 user=app dbname=shop", "Service shop/db TCP/5432 likely"},
	{"DATABASE_DSN", "host=db,mysql port=5432 user=app", "Service shop/db TCP/5432 likely; Service shop/mysql TCP/5432 likely"},
	{"DATABASE_DSN", "user=app dbname=shop host=pg.example.org sslmode=require", "problem: nothing says on which port"},
	{"ConnectionStrings__Default", "Host=db;Port=5432;Username=app;Password=x", "Service shop/db TCP/5432 likely"},
	{"ConnectionStrings__Default", "Server=tcp:mssql,1433;Database=shop;User ID=app;Password=x", "Service shop/mssql TCP/1433 likely"},
	{"ConnectionStrings__Default", "Data Source=mssql;Initial Catalog=shop", "Service shop/mssql TCP/1433 likely"},
	{"ConnectionStrings__Default", `Server=mssql\shop;Database=shop;TrustServerCertificate=true`, "Service shop/mssql TCP/1433 likely"},
	{"ConnectionStrings__Default", "Server=tcp:x.database.windows.net,1433;Initial Catalog=shop", "x.database.windows.net TCP/1433 likely"},
	{"DB", `jdbc:sqlserver://mssql\shop:1433;databaseName=shop`, "Service shop/mssql TCP/1433 likely"},
	{"DB", "jdbc:sqlserver://mssql:1433;databaseName=shop;user=app;password=x", "Service shop/mssql TCP/1433 likely"},
	{"DB", "app:secret@tcp(mysql:3306)/shop?parseTime=true", "Service shop/mysql TCP/3306 likely"},
	{"DB", "app:secret@tcp(mysql)/shop", "Service shop/mysql TCP/3306 likely"},
	{"DB", "app:sec:ret@unix(/tmp/mysql.sock)/shop", ""},
	{"DB", "mysql://app:x@mysql/shop", "Service shop/mysql TCP/3306 likely"},
	{"DB", "mysql+pymysql://app:x@mysql:3306/shop", "Service shop/mysql TCP/3306 likely"},
	{"DB", "jdbc:mysql://mysql:3306,mysql:3306/shop", "Service shop/mysql TCP/3306 likely"},
	{"DB", "jdbc:oracle:thin:@oracle:1521:ORCL", "Service shop/oracle TCP/1521 likely"},
	{"DB", "jdbc:oracle:thin:app/x@//oracle:1521/shop", "Service shop/oracle TCP/1521 likely"},
	{"DB", "jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=oracle)(PORT=1521))(CONNECT_DATA=(SID=x)))", "Service shop/oracle TCP/1521 likely"},
	{"MONGO_URL", "mongodb://app:x@mongo:27017/shop", "Service shop/mongo TCP/27017 likely"},
	{"MONGO_URL", "mongodb://mongo,mongo:27017/?replicaSet=rs0", "Service shop/mongo TCP/27017 likely"},
	{"MONGO_URL", "mongodb+srv://app:x@shop.abc.mongodb.net/db", "*.abc.mongodb.net TCP/27017 likely"},
	{"MONGO_URL", "mongodb://app:12/x@mongo/db", ""},
	{"REDIS_URL", "redis://:x@redis:6379/0", "Service shop/redis TCP/6379 likely"},
	{"REDIS_URL", "rediss://redis", "Service shop/redis TCP/6379 likely"},
	{"REDIS_URL", "redis+sentinel://sentinel/mymaster", "Service shop/sentinel TCP/26379 likely"},
	{"REDIS_SENTINELS", "sentinel-0.sentinel:26379,sentinel-1.sentinel:26379", "Service shop/sentinel TCP/26379 likely"},
	{"REDIS", "redis:6379,password=redis,ssl=False", "Service shop/redis TCP/6379 likely"},
	{"AMQP", "amqp://guest:guest@rabbitmq:5672/", "Service shop/rabbitmq TCP/5672 likely"},
	{"AMQP", "amqps://b-1.mq.eu-west-1.amazonaws.com", "b-1.mq.eu-west-1.amazonaws.com TCP/5671 likely"},
	{"RABBITMQ_HOST", "rabbitmq", "Service shop/rabbitmq TCP/5672 likely"},
	{"BOOTSTRAP_SERVERS", "kafka-0.kafka:9092,kafka-1.kafka:9092", "Service shop/kafka TCP/9092 likely"},
	{"BOOTSTRAP_SERVERS", "kafka-0.kafka.shop.svc.cluster.local:9092", "Service shop/kafka TCP/9092 likely"},
	{"KAFKA", "SASL_SSL://kafka:9092,PLAINTEXT://kafka-0.kafka:9092", "Service shop/kafka TCP/9092 likely"},
	{"BOOTSTRAP_SERVERS", "kafka:9093", "Deployment shop/kafka TCP/9093 likely"},
	{"KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://kafka:9092", ""},
	{"KAFKA_LISTENERS", "PLAINTEXT://:9092,CONTROLLER://:9093", ""},
	{"NATS_URL", "nats://nats:4222", "Service shop/nats TCP/4222 likely"},
	{"NATS_URL", "nats://app:x@nats:4222,nats://app:x@nats:4222", "Service shop/nats TCP/4222 likely"},
	{"CASSANDRA_CONTACT_POINTS", "cassandra-0.cassandra,cassandra-1.cassandra", "Service shop/cassandra TCP/9042 likely"},
	{"CASSANDRA_CONTACT_POINTS", "cassandra", "Service shop/cassandra TCP/9042 likely"},
	{"ZOOKEEPER_CONNECT", "zk-0.zk:2181,zk-1.zk:2181/kafka", "Service shop/zk TCP/2181 likely"},
	{"MEMCACHED", "memcached:11211", "Service shop/memcached TCP/11211 likely"},
	{"ES_HOSTS", `["http://search:9200"]`, "Service shop/search TCP/9200 likely"},
	{"ELASTICSEARCH_HOSTS", "search", "Service shop/search TCP/9200 likely"},
	{"ETCD_INITIAL_CLUSTER", "etcd-0=http://etcd-0.etcd:2380,etcd-1=http://etcd-1.etcd:2380", "Service shop/etcd TCP/2380 likely"},
	{"ETCD_ENDPOINTS", "etcd:2379", "Service shop/etcd TCP/2379 likely"},
	{"STATSD_ADDR", "statsd:8125", "Service shop/statsd UDP/8125 likely"},
	{"METRICS", "statsd://statsd.example.org", "statsd.example.org UDP/8125 likely"},
	{"RESOLVER_ADDR", "dual:53", "Service shop/dual TCP/53 likely; Service shop/dual UDP/53 likely"},

	// pairs and words
	{"CART_ADDR", "carts:80", "Service shop/carts TCP/80 likely"},
	{"CART", "carts:80", "Service shop/carts TCP/80 likely"},
	{"CART", "carts:81", ""},
	{"CART_ADDR", "carts:81", "Service shop/carts TCP/81 likely"},
	{"CART_HOST", "carts", "Service shop/carts any port likely"},
	{"cartHost", "carts", "Service shop/carts any port likely"},
	{"spring.redis.host", "redis", "Service shop/redis TCP/6379 likely"},
	{"CART_NAME", "carts", ""},
	{"MODE", "cache", ""},
	{"CACHE_BACKEND", "redis", ""},
	{"NODE_ENV", "production", ""},
	{"STAGE", "production", ""},
	{"CACHE_HOST", "cache", "Service shop/cache any port likely"},
	{"DB_USER", "user", ""},
	{"API_KEY", "carts:80", ""},
	{"CREDENTIALS", "user:80x", ""},
	{"PEER", "carts.shop.svc.cluster.local", "Service shop/carts any port likely"},
	{"LEDGER_HOST", "ledger.pay", "Service pay/ledger any port likely"},
	{"GONE_HOST", "gone", "problem: there is no Service shop/gone among the objects"},
	{"GONE", "gone:80", ""},
	{"GONE", "custom://thing", ""},
	{"APP_CONFIG", "server:\n  host: tomcat\n", ""},
	{"SQL_HOST", "sql01.corp.local:1433", "sql01.corp.local TCP/1433 likely"},
	{"GONE_HOST", "gone:80", "problem: there is no Service shop/gone among the objects"},
	{"SMTP_HOST", "smtp.example.org", "smtp.example.org TCP/587 likely"},
	{"SMTP", "smtp.example.org:587", "smtp.example.org TCP/587 likely"},
	{"SMTP_HOST", "SMTP.Example.ORG", "smtp.example.org TCP/587 likely"},
	{"API_HOST", "api.example.org", "problem: nothing says on which port"},
	{"DB_HOST", "203.0.113.9", "problem: nothing says on which port"},
	{"PG_HOST", "203.0.113.9", "203.0.113.9/32 TCP/5432 likely"},
	{"DOMAIN", "shop.example.org", ""},
	{"LISTEN_ADDR", "carts:80", ""},
	{"BIND_ADDR", "0.0.0.0:8080", ""},
	{"ADDR", ":8080", ""},
	{"NO_PROXY", "carts,.svc,10.0.0.0/8", ""},
	{"HTTP_PROXY", "http://proxy.example.org:3128", "proxy.example.org TCP/3128 likely"},
	{"CORS_ORIGIN", "https://shop.example.org", ""},
	{"GF_SERVER_ROOT_URL", "https://shop.example.org", ""},

	// no address
	{"CONFIG_PATH", "/etc/carts/config.yaml:80", ""},
	{"CONFIG", "/etc/carts", ""},
	{"LOG_FILE", "app.log:100", ""},
	{"IMAGE", "redis:6379", ""},
	{"DEFAULT", "redis:7.2-alpine", ""},
	{"DEFAULT", "docker.io/library/redis:7", ""},
	{"VERSION", "1.2.3", ""},
	{"RELEASE", "v1.2.3:80", ""},
	{"CONTACT", "shop@example.org", ""},
	{"MAIL_FROM", "Shop <shop@example.org>", ""},
	{"MAIN_CLASS", "org.example.shop.Main", ""},
	{"JAVA", "com.example.Foo:12", ""},
	{"FEATURE_HOST", "true", ""},
	{"RATIO", "80%", ""},
	{"START", "12:30", ""},
	{"START", "2024-01-01T12:30:00Z", ""},
	{"POD_CIDR", "10.0.0.0/8", ""},
	{"CPU_HOST", "", ""},
	{"OPTS", "-Xmx512m -XX:+UseG1GC", ""},
	{"TOPIC", "orders.created", ""},
	{"LABEL", "app.kubernetes.io/name", ""},
	{"MAC", "00:1b:44:11:3a:b7", ""},
	{"TRACE", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", ""},
	{"WORDS_HOST", "user carts db", ""},
	{"JSON", `{"mode":"cache","url":"http://carts"}`, "Service shop/carts TCP/80 guessed"},
	{"JSON", `{"homepage":"https://www.shop.example/"}`, ""},
	{"HOSTNAME", "carts", ""},

	// inside of texts
	{"APP_CONFIG", "server:\n  port: 8080\nredis:\n  host: redis\n  port: 6379\n", "Service shop/redis TCP/6379 likely"},
	{"APP_CONFIG", "# http://carts\n// http://search:9200\nx: 1\n", ""},
	{"APP_CONFIG", "docs: see https://docs.example.org/\nx: 1", ""},
	{"APP_CONFIG", "mode: cache\nupstream: https://api.example.org/\n", "api.example.org TCP/443 likely"},
	{"APP_CONFIG", "location / {\n  proxy_pass http://carts;\n}\n", "Service shop/carts TCP/80 guessed"},
	{"APP_CONFIG", "upstream x {\n  server search:9200;\n}\n", "Service shop/search TCP/9200 likely"},
	{"APP_CONFIG", "mode: cache\nuser: user\n", ""},
	{"APP_CONFIG", "listen: carts:80\nserver_name shop.example.org;\n", ""},
	{"APP_CONFIG", "spring.datasource.url=jdbc:postgresql://db/shop\nspring.kafka.bootstrap-servers=kafka:9092\n", "Service shop/db TCP/5432 likely; Service shop/kafka TCP/9092 likely"},
	{"APP_CONFIG", "<property name=\"url\">jdbc:mysql://mysql/shop</property>\n\n", "Service shop/mysql TCP/3306 guessed"},
	{"APP_CONFIG", "xmlns=\"http://www.w3.org/2001/XMLSchema\"\nx\n", ""},

	// numbers that are no ports
	{"CART_URL", "http://carts:99999/", "problem: what the address has for a port is none: ports are from 1 to 65535"},
	{"CART_URL", "http://user:7@carts:0", "problem: what the address has for a port is none: ports are from 1 to 65535"},
	{"X", "see redis://cache:70000/0", "problem: what the address has for a port is none: ports are from 1 to 65535"},
	{"SERVE_URL", "http://0.0.0.0:0", ""},
	{"SERVE_URL", "http://localhost:0", ""},
	{"X", "carts:99999", ""},
	{"X", "other://carts:99999", ""},
	{"CART_URL", "http://carts:80a/", ""},

	// what looks like an IP address and is none
	{"CART_URL", "http://300.1.1.1/", "problem: what the address has for a host looks like an IP address and is none"},
	{"CART_URL", "http://10.0.0.256:8080/", "problem: what the address has for a host looks like an IP address and is none"},
	{"CART_URL", "http://10.0.1/", "problem: what the address has for a host looks like an IP address and is none"},
	{"CART_URL", "http://[fd00::g]:80/", "problem: what the address has for a host looks like an IP address and is none"},
	{"DATABASE_URL", "postgres://app:7@300.1.1.1:5432/shop", "problem: what the address has for a host looks like an IP address and is none"},
	{"CART_URL", "http://[host]:80/", ""},
	{"X", "other://300.1.1.1:80", ""},
	{"X", "300.1.1.1:80", ""},

	// references
	{"DATABASE_URL", "postgres://app:$(DB_PASSWORD)@db:5432/shop", "Service shop/db TCP/5432 likely"},
	{"DATABASE_URL", "postgres://app:${DB_PASSWORD}@db:5432/shop", "Service shop/db TCP/5432 likely"},
	{"CART_URL", "http://$(CARTS_SERVICE_HOST):$(CARTS_SERVICE_PORT)/", "Service shop/carts TCP/80 likely"},
	{"CART_URL", "http://$(BASE_NAME):80/", "Service shop/carts TCP/80 likely"},
	{"CART_URL", "http://$$(BASE_NAME):80/", "problem: the address refers to a variable whose value is not known"},
	{"CART_HOST", "$(NOBODY)", "problem: the address refers to a variable whose value is not known"},
	{"CART_HOST", "$(LATER)", "problem: the address refers to a variable whose value is not known"},
}

func TestValues(t *testing.T) {
	t.Parallel()
	if len(valueCases) < 120 {
		t.Fatalf("%d cases", len(valueCases))
	}
	others := surroundings()
	for _, c := range valueCases {
		web := deployment("web", corev1.Container{Name: "web", Env: []corev1.EnvVar{{Name: "BASE_NAME", Value: "carts"}, {Name: c.key, Value: c.value}, {Name: "LATER", Value: "carts"}}})
		got := strings.Join(found(t, Options{}, append(slices.Clone(others), web)...), "; ")
		if got != c.want {
			t.Errorf("%s=%s:\n got %s\nwant %s", c.key, c.value, got, c.want)
		}
	}
}
