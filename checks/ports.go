// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"maps"
	"strings"
)

// DefaultSensitivePorts maps the ports whose number alone says that something
// internal listens there to what usually does. It is a new map each time; the
// caller may change it. Numbers that ordinary web servers use as well are in
// AmbiguousPorts.
//
// Sources: https://kubernetes.io/docs/reference/networking/ports-and-protocols/,
// https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio,
// https://docs.cilium.io/en/stable/operations/system_requirements/#firewall-rules,
// https://www.iana.org/assignments/service-names-port-numbers and the manuals
// of the products named.
func DefaultSensitivePorts() map[int32]string {
	out := map[int32]string{}
	for _, table := range []map[int32]string{controlPlanePorts, dataPorts, operationPorts} {
		maps.Copy(out, table)
	}
	return out
}

// controlPlanePorts belong to Kubernetes, its network and its meshes.
var controlPlanePorts = map[int32]string{
	179:   "BGP",
	2375:  "Docker API without TLS",
	2376:  "Docker API",
	2379:  "etcd client",
	2380:  "etcd peer",
	4240:  "Cilium health",
	4244:  "Hubble",
	4789:  "VXLAN",
	6443:  "Kubernetes API server",
	8472:  "VXLAN of Flannel or Cilium",
	9099:  "Calico Felix",
	9901:  "Envoy admin",
	9962:  "Cilium metrics",
	10249: "kube-proxy metrics",
	10250: "kubelet",
	10251: "kube-scheduler without TLS",
	10252: "kube-controller-manager without TLS",
	10255: "kubelet read-only",
	10256: "kube-proxy health",
	10257: "kube-controller-manager",
	10259: "kube-scheduler",
	15000: "Envoy admin of Istio",
	15001: "Envoy outbound of Istio",
	15004: "istiod debug",
	15006: "Envoy inbound of Istio",
	15010: "istiod without TLS",
	15012: "istiod",
	15014: "istiod monitoring",
	15017: "istiod webhook",
	15020: "Istio agent telemetry",
	15021: "Istio health",
	15090: "Envoy telemetry of Istio",
	19000: "Envoy admin",
	44134: "Tiller",
}

// dataPorts belong to databases, queues and storage.
var dataPorts = map[int32]string{
	1433:  "Microsoft SQL Server",
	1434:  "Microsoft SQL Server browser",
	1521:  "Oracle Database",
	1883:  "MQTT",
	2181:  "ZooKeeper client",
	2484:  "Oracle Database with TLS",
	2888:  "ZooKeeper peer",
	3306:  "MySQL",
	3888:  "ZooKeeper election",
	4222:  "NATS client",
	4369:  "Erlang port mapper (CouchDB, RabbitMQ)",
	4646:  "Nomad HTTP",
	4647:  "Nomad RPC",
	4648:  "Nomad gossip",
	5432:  "PostgreSQL",
	5601:  "Kibana",
	5672:  "AMQP (RabbitMQ)",
	5984:  "CouchDB",
	6222:  "NATS cluster",
	6333:  "Qdrant HTTP",
	6334:  "Qdrant gRPC",
	6379:  "Redis",
	6432:  "PgBouncer",
	6650:  "Pulsar",
	7077:  "Spark master",
	7199:  "Cassandra JMX",
	7474:  "Neo4j HTTP",
	7687:  "Neo4j Bolt",
	8020:  "Hadoop NameNode",
	8086:  "InfluxDB",
	8123:  "ClickHouse HTTP",
	8161:  "ActiveMQ console",
	8200:  "Vault",
	8201:  "Vault cluster",
	8222:  "NATS monitoring",
	8300:  "Consul server RPC",
	8301:  "Consul LAN gossip",
	8302:  "Consul WAN gossip",
	8500:  "Consul HTTP",
	8600:  "Consul DNS",
	8883:  "MQTT with TLS",
	9009:  "ClickHouse interserver",
	9042:  "Cassandra",
	9092:  "Kafka",
	9093:  "Kafka or Alertmanager",
	9094:  "Kafka or Alertmanager cluster",
	9160:  "Cassandra Thrift",
	9200:  "Elasticsearch or OpenSearch",
	9300:  "Elasticsearch or OpenSearch cluster",
	9870:  "Hadoop NameNode console",
	11210: "Couchbase data",
	11211: "Memcached",
	15672: "RabbitMQ management",
	16010: "HBase master console",
	16379: "Redis cluster bus",
	19530: "Milvus",
	25672: "RabbitMQ cluster",
	26379: "Redis Sentinel",
	27017: "MongoDB",
	27018: "MongoDB shard",
	27019: "MongoDB config server",
	33060: "MySQL X protocol",
	50000: "DB2 or Jenkins agents",
	50070: "Hadoop NameNode console",
	61616: "ActiveMQ",
}

// operationPorts belong to remote access, file services, monitoring, debuggers
// and model servers.
var operationPorts = map[int32]string{
	20:    "FTP data",
	21:    "FTP",
	22:    "SSH",
	23:    "Telnet",
	25:    "SMTP",
	69:    "TFTP",
	111:   "RPC port mapper",
	135:   "Windows RPC",
	139:   "NetBIOS",
	161:   "SNMP",
	389:   "LDAP",
	445:   "SMB",
	512:   "rexec",
	513:   "rlogin",
	514:   "rsh or syslog",
	587:   "SMTP submission",
	636:   "LDAP with TLS",
	873:   "rsync",
	1099:  "Java RMI (JMX)",
	2019:  "Caddy admin",
	2049:  "NFS",
	2222:  "SSH",
	2345:  "Delve debugger",
	3100:  "Loki",
	3200:  "Tempo",
	3389:  "RDP",
	4317:  "OpenTelemetry gRPC",
	4318:  "OpenTelemetry HTTP",
	5005:  "Java debugger (JDWP)",
	5900:  "VNC",
	5901:  "VNC",
	5902:  "VNC",
	5903:  "VNC",
	5985:  "WinRM",
	5986:  "WinRM with TLS",
	6060:  "Go pprof",
	6274:  "MCP inspector",
	8265:  "Ray dashboard",
	9010:  "Java JMX",
	9090:  "Prometheus",
	9091:  "Prometheus Pushgateway",
	9100:  "node exporter",
	9115:  "blackbox exporter",
	9180:  "APISIX admin",
	9229:  "Node.js inspector",
	9411:  "Zipkin",
	11434: "Ollama",
	14268: "Jaeger collector",
	16686: "Jaeger console",
}

// AmbiguousPort is one thing that may listen on a port which ordinary web
// servers use as well.
type AmbiguousPort struct {
	What string // "Grafana"

	// Signs are words of which one must appear in a name next to the port (the
	// port's own, its appProtocol, the Service's, a container's or an image's)
	// before the port counts as sensitive. Lower case.
	Signs []string
}

// AmbiguousPorts returns what may listen on a port that means nothing by
// itself; nil for every other port. The answer must not be changed.
func AmbiguousPorts(port int32) []AmbiguousPort { return ambiguousPorts[port] }

var ambiguousPorts = map[int32][]AmbiguousPort{
	443:  {{"Kubernetes API server", []string{"kube-apiserver", "apiserver"}}},
	3000: {{"Grafana", []string{"grafana"}}},
	4040: {{"Spark job console", []string{"spark"}}},
	5000: {{"container registry", []string{"docker-registry", "container-registry"}}, {"MLflow", []string{"mlflow"}}},
	7000: {{"Cassandra cluster", []string{"cassandra", "scylla"}}},
	7001: {{"Cassandra cluster with TLS", []string{"cassandra", "scylla"}}, {"WebLogic", []string{"weblogic"}}},
	8000: {{"vLLM", []string{"vllm"}}, {"Triton", []string{"triton", "tritonserver"}}},
	8001: {{"Kong admin", []string{"kong"}}, {"Triton gRPC", []string{"triton", "tritonserver"}}, {"kubectl proxy", []string{"kubectl"}}},
	8002: {{"Kong manager", []string{"kong"}}, {"Triton metrics", []string{"triton", "tritonserver"}}},
	8080: {
		{"Kubernetes API server without TLS", []string{"kube-apiserver", "apiserver"}},
		{"Pulsar admin", []string{"pulsar"}},
		{"Spark console", []string{"spark"}},
		{"Traefik dashboard", []string{"traefik"}},
		{"cAdvisor", []string{"cadvisor"}},
	},
	8081: {{"Kafka schema registry", []string{"schema-registry", "schemaregistry"}}, {"Flink console", []string{"flink"}}},
	8083: {{"Kafka Connect", []string{"kafka", "connect-cluster"}}},
	8088: {{"Hadoop YARN console", []string{"hadoop", "yarn"}}},
	8091: couchbase, 8092: couchbase, 8093: couchbase, 8094: couchbase, 8095: couchbase, 8096: couchbase,
	8443: {{"Kubernetes API server", []string{"kube-apiserver", "apiserver"}}, {"admission webhook", []string{"webhook", "admission"}}},
	8444: {{"Kong admin with TLS", []string{"kong"}}},
	8888: {{"Jupyter", []string{"jupyter", "notebook"}}},
	9000: {
		{"ClickHouse", []string{"clickhouse"}},
		{"MinIO", []string{"minio"}},
		{"Portainer", []string{"portainer"}},
		{"Traefik dashboard", []string{"traefik"}},
		{"PHP-FPM", []string{"fpm"}},
	},
	9001: {{"MinIO console", []string{"minio"}}, {"Supervisor", []string{"supervisord"}}},
	9080: {{"APISIX", []string{"apisix"}}},
	9443: {{"admission webhook", []string{"webhook", "admission"}}},
}

var couchbase = []AmbiguousPort{{"Couchbase", []string{"couchbase"}}}

// SensitiveProtocol returns what a port speaks according to its name or its
// appProtocol: "redis", "tcp-postgresql", "mongo-shard", "kubernetes.io/ldap".
// The protocol is the first word, as in Istio's convention; "tcp", "tls" and
// "udp" may precede it.
// https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
func SensitiveProtocol(name string) (what string, ok bool) {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	for range 2 {
		word, rest, more := strings.Cut(name, "-")
		if len(word) > longestProtocol {
			return "", false
		}
		if what, ok = sensitiveProtocols[strings.ToLower(word)]; ok {
			return what, true
		}
		if !more || !carrier(word) {
			return "", false
		}
		name = rest
	}
	return "", false
}

func carrier(word string) bool {
	return strings.EqualFold(word, "tcp") || strings.EqualFold(word, "tls") || strings.EqualFold(word, "udp")
}

// longestProtocol bounds the words that are looked up: "elasticsearch".
const longestProtocol = 13

// sensitiveProtocols are names that tools and charts give to ports.
var sensitiveProtocols = map[string]string{
	"amqp": "AMQP (RabbitMQ)", "amqps": "AMQP (RabbitMQ)", "cassandra": "Cassandra", "clickhouse": "ClickHouse", "cql": "Cassandra",
	"debug": "a debugger", "delve": "Delve debugger", "dlv": "Delve debugger", "docker": "Docker API", "elasticsearch": "Elasticsearch",
	"epmd": "Erlang port mapper", "etcd": "etcd", "ftp": "FTP", "jdwp": "Java debugger (JDWP)", "jmx": "Java JMX", "kafka": "Kafka",
	"kubelet": "kubelet", "ldap": "LDAP", "ldaps": "LDAP", "memcache": "Memcached", "memcached": "Memcached", "mongo": "MongoDB",
	"mongodb": "MongoDB", "mqtt": "MQTT", "mssql": "Microsoft SQL Server", "mysql": "MySQL", "mysqlx": "MySQL", "mariadb": "MySQL",
	"nfs": "NFS", "oracle": "Oracle Database", "pgbouncer": "PgBouncer", "pgsql": "PostgreSQL", "postgres": "PostgreSQL",
	"postgresql": "PostgreSQL", "pprof": "Go pprof", "rdp": "RDP", "redis": "Redis", "rsync": "rsync", "sftp": "SSH", "smb": "SMB",
	"snmp": "SNMP", "ssh": "SSH", "telnet": "Telnet", "tiller": "Tiller", "vault": "Vault", "vnc": "VNC", "winrm": "WinRM",
	"zookeeper": "ZooKeeper",
}
