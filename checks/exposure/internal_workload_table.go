// SPDX-License-Identifier: Apache-2.0

package exposure

// internalWorkload is a program that is not made to be reached by strangers.
type internalWorkload struct {
	name string // as its makers write it
	what string // what it gives to whoever reaches it

	// names are what its charts and manifests call its Service, its containers
	// and its app.kubernetes.io/name.
	names []string

	// images are the last part of its image's repository, or the last two where
	// one alone says too little.
	images []string

	// public marks programs that people outside may be meant to use but whose
	// administration shares the port; their findings are one step milder.
	public bool
}

// internalWorkloads begins with the workloads of Kubescape's control C-0021 and
// its configuration, https://github.com/kubescape/regolibrary/blob/master/default-config-inputs.json;
// names and images of the others are those of the projects' own charts.
var internalWorkloads = []internalWorkload{
	// Cluster consoles and deployment
	{"Kubernetes Dashboard", "cluster console", []string{"kubernetes-dashboard", "kubernetes-dashboard-kong-proxy", "kubernetes-dashboard-web", "kubernetes-dashboard-api"}, []string{"kubernetesui/dashboard", "dashboard-web", "dashboard-api", "dashboard-auth"}, false},
	{"Headlamp", "cluster console", []string{"headlamp"}, []string{"headlamp"}, false},
	{"Octant", "cluster console", []string{"octant"}, []string{"octant", "octant-dashboard"}, false},
	{"Lens Metrics", "cluster metrics", []string{"lens-metrics"}, []string{"lens-metrics"}, false},
	{"Rancher", "cluster console", []string{"rancher"}, []string{"rancher/rancher"}, false},
	{"Portainer", "container console", []string{"portainer", "portainer-agent"}, []string{"portainer-ce", "portainer-ee", "portainer/agent"}, false},
	{"Kubeapps", "application console", []string{"kubeapps", "kubeapps-internal-dashboard"}, []string{"kubeapps-dashboard", "kubeapps-apis"}, false},
	{"Weave Scope", "container console", []string{"weave-scope-app", "weave-scope", "weave-scope-frontend"}, []string{"weaveworks/scope"}, false},
	{"Tiller", "Helm 2's cluster-wide installer", []string{"tiller", "tiller-deploy"}, []string{"tiller"}, false},
	{"Argo CD", "deployment console", []string{"argocd-server", "argo-cd-argocd-server"}, []string{"argoproj/argocd", "argocd"}, false},
	{"Argo CD repository server", "deployment internals", []string{"argocd-repo-server"}, []string{"argoproj/argocd", "argocd"}, false},
	{"Argo CD Redis", "deployment internals", []string{"argocd-redis", "argocd-redis-ha"}, []string{"redis", "valkey"}, false},
	{"Argo Workflows", "workflow console", []string{"argo-server", "argo-workflows-server", "workflow-controller-metrics", "workflow-controller"}, []string{"argocli", "workflow-controller"}, false},
	{"Flux", "deployment internals", []string{"source-controller", "kustomize-controller", "helm-controller", "notification-controller", "webhook-receiver"}, []string{"source-controller", "kustomize-controller", "helm-controller", "notification-controller"}, false},
	{"Tekton Dashboard", "pipeline console", []string{"tekton-dashboard"}, []string{"tektoncd/dashboard", "dashboard-9623576a202fe86c8b7d1bc489905f86"}, false},
	{"Spinnaker", "deployment console", []string{"spin-deck", "spin-gate", "spinnaker"}, []string{"spinnaker/deck", "spinnaker/gate", "deck", "gate"}, false},
	{"Jenkins", "build server", []string{"jenkins", "jenkins-agent"}, []string{"jenkins", "jenkins/jenkins"}, false},
	{"Cluster API", "cluster life cycle", []string{"capi-webhook-service", "capi-controller-manager", "capi-kubeadm-bootstrap-webhook-service", "capi-kubeadm-control-plane-webhook-service"}, []string{"cluster-api-controller", "kubeadm-bootstrap-controller", "kubeadm-control-plane-controller"}, false},

	// Kubernetes' own and its add-ons
	{"etcd", "the cluster's state", []string{"etcd", "etcd-headless", "etcd-client"}, []string{"etcd"}, false},
	{"CoreDNS", "cluster DNS", []string{"coredns", "kube-dns", "kube-dns-metrics"}, []string{"coredns"}, false},
	{"kube-state-metrics", "the cluster's inventory", []string{"kube-state-metrics"}, []string{"kube-state-metrics"}, false},
	{"Metrics Server", "cluster metrics", []string{"metrics-server"}, []string{"metrics-server"}, false},
	{"node exporter", "node metrics", []string{"node-exporter", "prometheus-node-exporter"}, []string{"node-exporter"}, false},
	{"cAdvisor", "container metrics", []string{"cadvisor"}, []string{"cadvisor"}, false},
	{"cert-manager webhook", "admission webhook", []string{"cert-manager-webhook"}, []string{"cert-manager-webhook"}, false},
	{"Kyverno", "admission webhook", []string{"kyverno-svc", "kyverno", "kyverno-admission-controller"}, []string{"kyverno"}, false},
	{"Gatekeeper", "admission webhook", []string{"gatekeeper-webhook-service", "gatekeeper"}, []string{"gatekeeper"}, false},
	{"Kubewarden", "admission webhook", []string{"policy-server", "policy-server-default", "kubewarden-controller-webhook-service"}, []string{"policy-server", "kubewarden-controller"}, false},
	{"ingress-nginx admission", "admission webhook (CVE-2025-1974)", []string{"ingress-nginx-controller-admission"}, []string{"ingress-nginx/controller"}, false},
	{"Longhorn", "storage console", []string{"longhorn-frontend", "longhorn-ui", "longhorn-backend"}, []string{"longhorn-ui", "longhorn-manager"}, false},
	{"Rook Ceph dashboard", "storage console", []string{"rook-ceph-mgr-dashboard", "rook-ceph-dashboard"}, []string{"ceph/ceph", "ceph"}, false},
	{"OpenEBS", "storage control", []string{"openebs", "openebs-apiservice", "maya-apiserver"}, []string{"m-apiserver"}, false},
	{"Falcosidekick UI", "security events", []string{"falcosidekick-ui"}, []string{"falcosidekick-ui"}, false},
	{"Trivy Operator", "security reports", []string{"trivy-operator"}, []string{"trivy-operator"}, false},
	{"Wazuh", "security console", []string{"wazuh", "wazuh-dashboard", "wazuh-manager"}, []string{"wazuh-dashboard", "wazuh-manager"}, false},
	{"Chaos Mesh", "fault injection console", []string{"chaos-dashboard"}, []string{"chaos-dashboard"}, false},
	{"Litmus", "fault injection console", []string{"litmus", "litmusportal-frontend-service", "litmusportal-server-service", "chaos-litmus-frontend-service"}, []string{"litmusportal-frontend", "litmusportal-server"}, false},

	// Networks, meshes and gateways
	{"Hubble UI", "network map", []string{"hubble-ui"}, []string{"hubble-ui", "hubble-ui-backend"}, false},
	{"Kiali", "mesh console", []string{"kiali"}, []string{"kiali"}, false},
	{"istiod", "mesh control plane", []string{"istiod", "istio-pilot"}, []string{"istio/pilot", "pilot"}, false},
	{"Linkerd Viz", "mesh console", []string{"linkerd-viz", "linkerd-web"}, []string{"linkerd/web", "linkerd/metrics-api"}, false},
	{"Traefik dashboard", "proxy console", []string{"traefik-dashboard", "traefik-api"}, []string{"traefik"}, false},
	{"Envoy admin", "proxy control", []string{"envoy-admin"}, []string{"envoy", "envoyproxy/envoy"}, false},
	{"Kong admin", "proxy control", []string{"kong-admin", "kong-kong-admin", "kong-manager", "kong-kong-manager"}, []string{"kong", "kong-gateway"}, false},
	{"APISIX admin", "proxy control", []string{"apisix-admin", "apisix-dashboard"}, []string{"apisix", "apisix-dashboard"}, false},
	{"Consul", "service registry", []string{"consul", "consul-ui", "consul-server"}, []string{"consul", "consul-enterprise"}, false},

	// Secrets and identity
	{"Vault", "secret store", []string{"vault", "vault-ui", "vault-active", "vault-internal"}, []string{"vault", "vault-enterprise"}, false},
	{"OpenBao", "secret store", []string{"openbao", "openbao-ui", "openbao-active"}, []string{"openbao"}, false},
	{"Keycloak", "identity provider's console", []string{"keycloak", "keycloakx", "keycloak-http"}, []string{"keycloak"}, true},
	{"Dex", "identity provider", []string{"dex", "argocd-dex-server"}, []string{"dex"}, true},
	{"OAuth2 Proxy", "sign-in proxy and its metrics", []string{"oauth2-proxy"}, []string{"oauth2-proxy"}, true},

	// Monitoring
	{"Prometheus", "metrics of the cluster", []string{"prometheus", "prometheus-server", "prometheus-deployment", "prometheus-operated", "kube-prometheus-stack-prometheus"}, []string{"prometheus"}, false},
	{"Alertmanager", "alerts", []string{"alertmanager", "alertmanager-operated", "prometheus-alertmanager"}, []string{"alertmanager"}, false},
	{"Pushgateway", "metrics", []string{"pushgateway", "prometheus-pushgateway"}, []string{"pushgateway"}, false},
	{"Grafana", "monitoring console", []string{"grafana"}, []string{"grafana", "grafana-oss", "grafana-enterprise"}, false},
	{"Loki", "logs", []string{"loki", "loki-gateway"}, []string{"loki"}, false},
	{"Tempo", "traces", []string{"tempo", "tempo-query-frontend"}, []string{"tempo"}, false},
	{"Jaeger", "traces", []string{"jaeger", "jaeger-query", "jaeger-collector"}, []string{"jaeger", "jaeger-query", "jaeger-collector", "all-in-one"}, false},
	{"Zipkin", "traces", []string{"zipkin"}, []string{"zipkin", "zipkin-slim"}, false},
	{"Kibana", "log console", []string{"kibana", "kibana-kb-http"}, []string{"kibana"}, false},
	{"OpenSearch Dashboards", "log console", []string{"opensearch-dashboards"}, []string{"opensearch-dashboards"}, false},
	{"Elasticsearch", "search index", []string{"elasticsearch", "elasticsearch-master", "elasticsearch-es-http"}, []string{"elasticsearch"}, false},
	{"OpenSearch", "search index", []string{"opensearch", "opensearch-cluster-master"}, []string{"opensearch"}, false},
	{"elasticsearch-head", "search console", []string{"elasticsearch-head"}, []string{"elasticsearch-head"}, false},
	{"Cerebro", "search console", []string{"cerebro"}, []string{"cerebro"}, false},

	// Data stores and their consoles
	{"PostgreSQL", "database", []string{"postgres", "postgresql", "postgresql-hl", "postgres-postgresql"}, []string{"postgres", "postgresql", "postgis", "spilo"}, false},
	{"MySQL", "database", []string{"mysql", "mariadb"}, []string{"mysql", "mysql-server", "mariadb"}, false},
	{"MongoDB", "database", []string{"mongo", "mongodb"}, []string{"mongo", "mongodb", "mongodb-community-server"}, false},
	{"Redis", "database", []string{"redis", "redis-master", "valkey"}, []string{"redis", "redis-stack", "valkey"}, false},
	{"MinIO", "object store", []string{"minio", "minio-console"}, []string{"minio"}, false},
	{"Kafka UI", "queue console", []string{"kafka-ui", "kafbat-ui"}, []string{"kafka-ui"}, false},
	{"AKHQ", "queue console", []string{"akhq"}, []string{"akhq"}, false},
	{"Kafdrop", "queue console", []string{"kafdrop"}, []string{"kafdrop"}, false},
	{"Schema Registry", "queue schemas", []string{"schema-registry", "cp-schema-registry"}, []string{"cp-schema-registry", "schema-registry"}, false},
	{"RabbitMQ", "queue and its console", []string{"rabbitmq", "rabbitmq-management"}, []string{"rabbitmq"}, false},
	{"Redis Commander", "database console", []string{"redis-commander"}, []string{"redis-commander"}, false},
	{"phpMyAdmin", "database console", []string{"phpmyadmin"}, []string{"phpmyadmin"}, false},
	{"Adminer", "database console", []string{"adminer"}, []string{"adminer"}, false},
	{"pgAdmin", "database console", []string{"pgadmin", "pgadmin4"}, []string{"pgadmin4", "pgadmin"}, false},
	{"mongo-express", "database console", []string{"mongo-express"}, []string{"mongo-express"}, false},
	{"CloudBeaver", "database console", []string{"cloudbeaver", "dbeaver"}, []string{"cloudbeaver", "cloudbeaver-ee", "cloudbeaver-team"}, false},

	// Data processing
	{"NiFi", "data flow console", []string{"nifi"}, []string{"nifi"}, false},
	{"Airflow", "workflow console", []string{"airflow", "airflow-webserver", "airflow-api-server"}, []string{"airflow"}, false},
	{"Superset", "data console", []string{"superset"}, []string{"superset"}, true},
	{"Metabase", "data console", []string{"metabase"}, []string{"metabase", "metabase-enterprise"}, true},
	{"Zeppelin", "notebooks that run code", []string{"zeppelin", "zeppelin-server"}, []string{"zeppelin", "zeppelin-server"}, false},
	{"Spark", "job server that runs code", []string{"spark", "spark-master", "spark-master-svc"}, []string{"spark"}, false},
	{"Flink", "job server that runs code", []string{"flink", "flink-jobmanager", "flink-jobmanager-rest", "jobmanager"}, []string{"flink"}, false},
	{"Hadoop", "file system and job server", []string{"hadoop", "namenode", "hadoop-hdfs-nn", "hdfs-namenode"}, []string{"hadoop", "hadoop-namenode"}, false},

	// Code, artifacts
	{"Gitea", "code host with administration", []string{"gitea", "gitea-http", "forgejo"}, []string{"gitea", "forgejo"}, true},
	{"GitLab", "code host with administration", []string{"gitlab", "gitlab-webservice-default"}, []string{"gitlab-ce", "gitlab-ee", "gitlab-webservice-ee", "gitlab-webservice-ce"}, true},
	{"Harbor", "container registry with administration", []string{"harbor", "harbor-core", "harbor-portal"}, []string{"harbor-core", "harbor-portal"}, true},
	{"Nexus", "artifact store with administration", []string{"nexus", "nexus-repository-manager", "nexus3"}, []string{"nexus3"}, true},
	{"Artifactory", "artifact store with administration", []string{"artifactory", "artifactory-oss"}, []string{"artifactory-oss", "artifactory-pro", "artifactory-jcr"}, true},
	{"SonarQube", "code analysis", []string{"sonarqube", "sonarqube-sonarqube"}, []string{"sonarqube"}, true},
	{"Docker registry", "container registry without authentication", []string{"docker-registry"}, []string{"registry", "distribution"}, false},
	{"code-server", "a shell in the browser", []string{"code-server"}, []string{"code-server"}, false},
	{"Selenium Grid", "browsers on command", []string{"selenium-grid", "selenium-hub", "selenium-router"}, []string{"selenium/hub", "selenium/router", "standalone-chrome", "standalone-firefox"}, false},
	{"echo server", "a test server that shows requests", []string{"echo-server", "echoserver", "http-echo", "httpbin"}, []string{"echo-server", "echoserver", "http-echo", "httpbin", "go-httpbin"}, true},
	{"MCP server", "tools for language models", []string{"mcp-server", "mcp-inspector", "mcp-gateway"}, []string{"mcp-server", "mcp-inspector", "inspector", "mcp-gateway"}, false},

	// Machine learning
	{"Kubeflow", "notebooks and pipelines that run code", []string{"kubeflow", "centraldashboard", "ml-pipeline", "ml-pipeline-ui"}, []string{"centraldashboard", "ml-pipeline", "frontend"}, false},
	{"KServe", "model server control", []string{"kserve", "kserve-controller-manager", "kserve-webhook-server-service"}, []string{"kserve-controller"}, false},
	{"Ollama", "model server without authentication", []string{"ollama"}, []string{"ollama"}, false},
	{"vLLM", "model server without authentication", []string{"vllm", "vllm-openai"}, []string{"vllm-openai", "vllm"}, false},
	{"Triton", "model server without authentication", []string{"triton", "triton-inference-server", "tritonserver"}, []string{"tritonserver"}, false},
	{"Ray", "job server that runs code", []string{"ray", "ray-head", "ray-dashboard", "raycluster-head-svc", "ray-cluster-head-svc"}, []string{"ray", "ray-ml"}, false},
	{"MLflow", "experiment store", []string{"mlflow", "mlflow-tracking", "mlflow-server"}, []string{"mlflow"}, false},
	{"JupyterHub", "notebooks that run code", []string{"jupyterhub", "proxy-public"}, []string{"k8s-hub", "configurable-http-proxy", "jupyterhub"}, false},
	{"Jupyter", "notebooks that run code", []string{"jupyter", "jupyterlab", "jupyter-notebook"}, []string{"base-notebook", "minimal-notebook", "scipy-notebook", "datascience-notebook", "jupyterlab", "jupyter"}, false},
	{"Seldon", "model server control", []string{"seldon", "seldon-controller-manager", "seldon-core"}, []string{"seldon-core-operator", "seldon-core-executor"}, false},
	{"BentoML", "model server", []string{"bentoml", "yatai"}, []string{"yatai", "bentoml-operator"}, false},
}
