// SPDX-License-Identifier: Apache-2.0

package power

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// What follows are the custom resources of programs that many clusters run. Each
// cites the type or the page that says what it makes its program do.

// runPods are custom resources that run Pods with an image, a template or a
// ServiceAccount of the writer's choice. A name is no limit, as in RBAC-031.
var runPods = unlimited(
	// https://argo-workflows.readthedocs.io/en/latest/service-accounts/
	on(group("argoproj.io"), write, "workflows", "cronworkflows", "workflowtemplates", "rollouts"),
	on(group("argoproj.io"), write, "clusterworkflowtemplates").clusterOnly(),
	// https://github.com/argoproj/argo-events/blob/master/pkg/apis/events/v1alpha1/sensor_types.go
	on(group("argoproj.io"), write, "sensors", "eventsources"),
	// https://tekton.dev/docs/pipelines/taskruns/#specifying-serviceaccount-credentials
	on(group("tekton.dev"), write, "taskruns", "pipelineruns", "tasks", "pipelines"),
	// https://github.com/tektoncd/triggers/blob/main/pkg/apis/triggers/v1beta1/event_listener_types.go
	on(group("triggers.tekton.dev"), write, "eventlisteners", "triggertemplates"),
	// https://github.com/knative/serving/blob/main/pkg/apis/serving/v1/revision_types.go
	on(group("serving.knative.dev"), write, "services", "configurations"),
	// https://github.com/knative/eventing/blob/main/pkg/apis/sources/v1/container_types.go
	on(group("sources.knative.dev"), write, "containersources"),
	// https://github.com/kubevirt/kubevirt/blob/main/staging/src/kubevirt.io/api/core/v1/schema.go, ServiceAccountVolumeSource
	on(group("kubevirt.io"), write, "virtualmachines", "virtualmachineinstances", "virtualmachineinstancereplicasets"),
	on(group("pool.kubevirt.io"), write, "virtualmachinepools"),
	on(group("ray.io"), write, "rayclusters", "rayjobs", "rayservices"),
	on(group("sparkoperator.k8s.io"), write, "sparkapplications", "scheduledsparkapplications"),
	on(group("kubeflow.org"), write, "pytorchjobs", "tfjobs", "mpijobs", "xgboostjobs", "notebooks"),
	on(group("batch.volcano.sh"), write, "jobs"),
	on(group("jobset.x-k8s.io"), write, "jobsets"),
	on(group("leaderworkerset.x-k8s.io"), write, "leaderworkersets"),
	// https://github.com/prometheus-operator/prometheus-operator/blob/main/pkg/apis/monitoring/v1/prometheus_types.go:
	// containers and serviceAccountName; alertmanager_types.go and thanos_types.go beside it.
	on(group("monitoring.coreos.com"), write, "prometheuses", "prometheusagents", "alertmanagers", "thanosrulers"),
	// https://github.com/openshift/api/blob/master/apps/v1/types.go
	on(group("apps.openshift.io"), write, "deploymentconfigs"),
	// https://github.com/openshift/api/blob/master/build/v1/types.go, CommonSpec.ServiceAccount
	on(group("build.openshift.io"), write, "buildconfigs", "builds"),
	// https://github.com/kedacore/keda/blob/main/apis/keda/v1alpha1/scaledjob_types.go
	on(group("keda.sh"), write, "scaledjobs"),
	// https://github.com/openkruise/kruise/tree/master/config/crd/bases; a SidecarSet adds containers to Pods of others.
	on(group("apps.kruise.io"), write, "clonesets", "statefulsets", "daemonsets", "uniteddeployments", "advancedcronjobs", "broadcastjobs", "ephemeraljobs"),
	on(group("apps.kruise.io"), write, "sidecarsets").clusterOnly(),
	// https://github.com/actions/actions-runner-controller/tree/master/config/crd/bases
	on(group("actions.github.com"), write, "autoscalingrunnersets", "ephemeralrunnersets", "ephemeralrunners"),
	on(group("actions.summerwind.dev"), write, "runnerdeployments", "runnerreplicasets", "runnersets", "runners"),
	// https://github.com/open-telemetry/opentelemetry-operator/blob/main/apis/v1beta1/common.go; an
	// Instrumentation chooses the image of a container in Pods of others.
	on(group("opentelemetry.io"), write, "opentelemetrycollectors", "targetallocators", "instrumentations"),
	// https://github.com/elastic/cloud-on-k8s/blob/main/pkg/apis/elasticsearch/v1/elasticsearch_types.go, NodeSet.PodTemplate
	on(group("elasticsearch.k8s.elastic.co"), write, "elasticsearches"),
	// https://github.com/strimzi/strimzi-kafka-operator/blob/main/api/src/main/java/io/strimzi/api/kafka/model/common/template/AdditionalVolume.java:
	// the account is Strimzi's, but the image and the Secrets that it mounts are chosen.
	on(group("kafka.strimzi.io"), write, "kafkas", "kafkaconnects", "kafkabridges", "kafkamirrormaker2s"),
	// https://github.com/cloudnative-pg/cloudnative-pg/blob/main/api/v1/cluster_types.go, imageName and projectedVolumeTemplate
	on(group("postgresql.cnpg.io"), write, "clusters"),
	// https://github.com/kserve/kserve/blob/master/pkg/apis/serving/v1beta1/podspec.go
	on(group("serving.kserve.io"), write, "inferenceservices", "servingruntimes"),
	on(group("serving.kserve.io"), write, "clusterservingruntimes").clusterOnly(),
	// https://github.com/apache/flink-kubernetes-operator/blob/main/flink-kubernetes-operator-api/src/main/java/org/apache/flink/kubernetes/operator/api/spec/FlinkDeploymentSpec.java
	on(group("flink.apache.org"), write, "flinkdeployments"),
)

// steering are custom resources that a program with more rights acts upon with its
// own.
var steering = []Pattern{
	on(group("argoproj.io"), write, "applications", "applicationsets", "appprojects"),
	// https://github.com/argoproj-labs/argocd-operator/blob/master/api/v1beta1/argocd_types.go
	on(group("argoproj.io"), write, "argocds"),
	on(group("kustomize.toolkit.fluxcd.io"), write, "kustomizations"),
	on(group("helm.toolkit.fluxcd.io"), write, "helmreleases"),
	// What Flux applies comes from these: https://github.com/fluxcd/source-controller/blob/main/api/v1/gitrepository_types.go
	on(group("source.toolkit.fluxcd.io"), write, "gitrepositories", "ocirepositories", "buckets", "helmrepositories", "helmcharts"),
	// https://github.com/controlplaneio-fluxcd/flux-operator/blob/main/api/v1/resourceset_types.go
	on(group("fluxcd.controlplane.io"), write, "resourcesets", "resourcesetinputproviders", "fluxinstances"),
	on(group("external-secrets.io"), write, "externalsecrets", "clusterexternalsecrets", "pushsecrets", "clusterpushsecrets", "secretstores", "clustersecretstores"),
	on(group("generators.external-secrets.io"), write, "webhooks", "clustergenerators", "vaultdynamicsecrets"),
	// A Secret of any type, tokens of ServiceAccounts included, is written for it.
	// https://github.com/bitnami-labs/sealed-secrets/blob/main/pkg/apis/sealedsecrets/v1alpha1/types.go
	on(group("bitnami.com"), write, "sealedsecrets"),
	// https://github.com/hashicorp/vault-secrets-operator/blob/main/api/v1beta1/vaultstaticsecret_types.go
	on(group("secrets.hashicorp.com"), write, "vaultstaticsecrets", "vaultdynamicsecrets", "vaultpkisecrets", "vaultauths", "vaultauthglobals", "vaultconnections"),
	on(group("cert-manager.io"), write, "certificates", "certificaterequests", "issuers", "clusterissuers"),
	// The approval of CertificateRequests:
	// https://github.com/cert-manager/cert-manager/blob/master/deploy/charts/cert-manager/templates/rbac.yaml
	on(group("cert-manager.io"), []string{"approve"}, "signers").clusterOnly(),
	on(group("cert-manager.io"), change, "certificaterequests/status"),
	on(group("apiextensions.crossplane.io"), write, "compositions", "compositeresourcedefinitions"),
	// https://github.com/crossplane/crossplane/blob/main/apis/pkg/v1beta1/deployment_runtime_config_types.go: the
	// template and the account of the Deployments that packages run as.
	on(group("pkg.crossplane.io"), write, "providers", "configurations", "functions", "deploymentruntimeconfigs", "controllerconfigs", "imageconfigs"),
	on(group("pkg.crossplane.io"), write, "providerrevisions", "configurationrevisions", "functionrevisions"),
	// https://github.com/crossplane/crossplane/tree/main/cluster/crds, ops.crossplane.io
	on(group("ops.crossplane.io"), write, "operations", "cronoperations", "watchoperations"),
	// https://github.com/crossplane-contrib/provider-kubernetes/tree/main/package/crds
	on(group("kubernetes.crossplane.io", "kubernetes.m.crossplane.io"), write, "objects", "providerconfigs", "clusterproviderconfigs"),
	// https://github.com/crossplane-contrib/provider-helm/tree/main/package/crds
	on(group("helm.crossplane.io", "helm.m.crossplane.io"), write, "releases", "providerconfigs", "clusterproviderconfigs"),
	// https://github.com/FairwindsOps/rbac-manager/blob/master/pkg/apis/rbacmanager/v1beta1/rbacdefinition_types.go
	on(group("rbacmanager.reactiveops.io"), write, "rbacdefinitions").clusterOnly().named("*"),
	on(group("capsule.clastix.io"), write, "tenants"),
	on(group("hnc.x-k8s.io"), write, "hierarchyconfigurations", "subnamespaceanchors", "hncconfigurations"),
	on(group("kyverno.io"), write, "policies", "policyexceptions"),
	// https://github.com/kyverno/kyverno/tree/main/config/crds/policies.kyverno.io
	on(group("policies.kyverno.io"), write, "namespacedvalidatingpolicies", "namespacedmutatingpolicies", "namespacedgeneratingpolicies",
		"namespaceddeletingpolicies", "namespacedimagevalidatingpolicies", "policyexceptions"),
	// https://github.com/kubewarden/kubewarden-controller/tree/main/config/crd/bases
	on(group("policies.kubewarden.io"), write, "admissionpolicies", "admissionpolicygroups"),
	on(group("operators.coreos.com"), write, "subscriptions", "installplans", "clusterserviceversions"),
	// https://github.com/operator-framework/api/blob/master/pkg/operators/v1alpha1/catalogsource_types.go
	on(group("operators.coreos.com"), write, "catalogsources", "operatorgroups"),
	// https://github.com/operator-framework/operator-controller/blob/main/api/v1/clusterextension_types.go
	on(group("olm.operatorframework.io"), write, "clusterextensions", "clustercatalogs").clusterOnly(),
	on(group("velero.io"), write, "restores", "backups", "schedules"),
	on(group("infra.contrib.fluxcd.io"), write, "terraforms"),
	on(group("app.terraform.io"), write, "workspaces", "modules"),
	on(group("iam.services.k8s.aws"), write, "roles", "policies", "users"),
	// https://github.com/GoogleCloudPlatform/k8s-config-connector/blob/master/pkg/clients/generated/apis/iam/v1beta1/iampolicymember_types.go
	on(group("iam.cnrm.cloud.google.com"), write, "iampolicies", "iampolicymembers", "iampartialpolicies", "iamserviceaccountkeys"),
	// k3s and RKE2 install the chart as an administrator:
	// https://github.com/k3s-io/helm-controller/blob/master/pkg/apis/helm.cattle.io/v1/types.go
	on(group("helm.cattle.io"), write, "helmcharts", "helmchartconfigs"),
	// https://github.com/rancher/fleet/blob/main/pkg/apis/fleet.cattle.io/v1alpha1/gitrepo_types.go
	on(group("fleet.cattle.io"), write, "gitrepos", "bundles", "bundledeployments"),
	// https://github.com/rancher/system-upgrade-controller/blob/master/pkg/apis/upgrade.cattle.io/v1/types.go: privileged Jobs on nodes
	on(group("upgrade.cattle.io"), write, "plans"),
	// https://github.com/open-cluster-management-io/api/blob/main/work/v1/types.go
	on(group("work.open-cluster-management.io"), write, "manifestworks"),
	// https://github.com/open-cluster-management-io/config-policy-controller/blob/main/api/v1/configurationpolicy_types.go
	on(group("policy.open-cluster-management.io"), write, "policies", "configurationpolicies"),
	// Machines, and what they run as root when they start:
	// https://github.com/kubernetes-sigs/cluster-api/blob/main/bootstrap/kubeadm/api/v1beta1/kubeadmconfig_types.go
	on(group("cluster.x-k8s.io"), write, "clusters", "clusterclasses", "machinedeployments", "machinesets", "machinepools", "machines"),
	on(group("bootstrap.cluster.x-k8s.io"), write, "kubeadmconfigs", "kubeadmconfigtemplates"),
	on(group("controlplane.cluster.x-k8s.io"), write, "kubeadmcontrolplanes", "kubeadmcontrolplanetemplates"),
	// https://github.com/kubernetes-sigs/cluster-api/blob/main/exp/addons/api/v1beta1/clusterresourceset_types.go and
	// https://github.com/kubernetes-sigs/cluster-api-addon-provider-helm/blob/main/api/v1alpha1/helmchartproxy_types.go
	on(group("addons.cluster.x-k8s.io"), write, "clusterresourcesets", "helmchartproxies"),
	// https://github.com/openshift/api/blob/master/machine/v1beta1/types_machineset.go
	on(group("machine.openshift.io"), write, "machinesets", "machines"),
	// https://github.com/openshift/api/blob/master/machineconfiguration/v1/types.go: files and units of every node
	on(group("machineconfiguration.openshift.io"), write, "machineconfigs", "kubeletconfigs", "containerruntimeconfigs").clusterOnly(),
	// https://github.com/aws/karpenter-provider-aws/blob/main/pkg/apis/v1/ec2nodeclass.go, userData and role
	on(group("karpenter.k8s.aws"), write, "ec2nodeclasses").clusterOnly(),
}

// guards are the policies of other guards, cluster-wide. What one that changes or
// makes objects may do is no matter of its name: it may be rewritten to match all,
// and to give every Pod another account. The others are changed as oneself.
var guards = slices.Concat(
	unlimited(
		// https://github.com/open-policy-agent/gatekeeper/tree/master/config/crd/bases
		on(group("mutations.gatekeeper.sh"), write, "assign", "modifyset", "assignimage"),
		// https://github.com/kyverno/kyverno/blob/main/api/kyverno/v1/clusterpolicy_types.go: mutate and generate
		on(group("kyverno.io"), write, "clusterpolicies"),
		on(group("policies.kyverno.io"), write, "mutatingpolicies", "generatingpolicies"),
		// https://github.com/kubewarden/kubewarden-controller/blob/main/api/policies/v1/clusteradmissionpolicy_types.go
		on(group("policies.kubewarden.io"), write, "clusteradmissionpolicies", "clusteradmissionpolicygroups"),
	),
	// A constraint lists the users and groups that it is for: https://github.com/openshift/api/blob/master/security/v1/types.go
	alone(unlimited(on(group("security.openshift.io"), change, "securitycontextconstraints"))...),
	alone(
		on(group("mutations.gatekeeper.sh"), modify, "assign", "modifyset", "assignimage", "assignmetadata"),
		on(group("templates.gatekeeper.sh"), modify, "constrainttemplates"),
		on(group("constraints.gatekeeper.sh"), modify, "*"),
		on(group("expansion.gatekeeper.sh"), modify, "expansiontemplate"),
		on(group("externaldata.gatekeeper.sh"), modify, "providers"),
		on(group("config.gatekeeper.sh"), modify, "configs"),
		on(group("kyverno.io"), modify, "clusterpolicies"),
		on(group("policies.kyverno.io"), modify, "validatingpolicies", "mutatingpolicies", "generatingpolicies", "deletingpolicies", "imagevalidatingpolicies"),
		on(group("policies.kubewarden.io"), modify, "clusteradmissionpolicies", "clusteradmissionpolicygroups", "policyservers"),
		on(group("security.openshift.io"), modify, "securitycontextconstraints"),
	),
)

// openShiftIdentities are objects in which OpenShift keeps who is in a group, who
// logs in as whom, and the hashes of tokens. Whoever writes them joins, logs in and
// has tokens as it likes.
var openShiftIdentities = []Pattern{
	// https://github.com/openshift/api/blob/master/user/v1/types.go; the name is that of the group
	on(group("user.openshift.io"), write, "groups").clusterOnly(),
	on(group("user.openshift.io"), []string{"create", "update"}, "useridentitymappings").clusterOnly().named("*"),
	// https://github.com/openshift/api/blob/master/oauth/v1/types.go
	on(group("oauth.openshift.io"), write, "oauthaccesstokens", "oauthauthorizetokens").clusterOnly().named("*"),
	// Identity providers, and that one may log in under a name that another made:
	// https://github.com/openshift/api/blob/master/config/v1/types_oauth.go, MappingMethod
	on(group("config.openshift.io"), write, "oauths").clusterOnly().named("*"),
}

// unlimited are patterns that resourceNames do not make less severe.
func unlimited(list ...Pattern) []Pattern {
	out := make([]Pattern, 0, len(list))
	for _, t := range list {
		out = append(out, t.named("*"))
	}
	return out
}

// alone are patterns that make their holder nobody else.
func alone(list ...Pattern) []Pattern {
	out := make([]Pattern, 0, len(list))
	for _, t := range list {
		out = append(out, t.most(checks.Critical))
	}
	return out
}
