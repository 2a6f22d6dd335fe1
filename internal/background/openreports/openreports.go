// SPDX-License-Identifier: Apache-2.0

// Package openreports holds the wire form of the OpenReports API as far as
// Gatehouse writes it. It has no dependency but the encoder's; whoever writes
// the objects brings the client.
//
// https://github.com/openreports/reports-api/blob/main/docs/api-docs.md
package openreports

// Group and Version of the API.
const (
	Group   = "openreports.io"
	Version = "v1alpha1"
)

// The kinds. A Report is namespaced, a ClusterReport is not; they have the same
// shape.
const (
	ReportKind        = "Report"
	ClusterReportKind = "ClusterReport"
)

// The names of the CustomResourceDefinitions.
const (
	ReportDefinition        = "reports." + Group
	ClusterReportDefinition = "clusterreports." + Group
)

// Outcome is what became of one rule on one object.
type Outcome string

// The outcomes that are written.
const (
	Fail  Outcome = "fail"  // the rule is broken
	Warn  Outcome = "warn"  // it is broken, and not counted as a failure
	Error Outcome = "error" // it could not be evaluated
	Skip  Outcome = "skip"  // it was left out
)

// Report is a Report or a ClusterReport. It has no status: everything is written
// by one owner.
type Report struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata"`
	Source     string   `json:"source"`
	Summary    Summary  `json:"summary"`
	Results    []Result `json:"results"`
}

// Metadata is the part of an object's metadata that is applied.
type Metadata struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
}

// Summary counts results by outcome. Absent numbers are 0.
type Summary struct {
	Fail  int `json:"fail,omitempty"`
	Warn  int `json:"warn,omitempty"`
	Error int `json:"error,omitempty"`
	Skip  int `json:"skip,omitempty"`
}

// Result is the outcome of one check on one object.
type Result struct {
	Policy     string            `json:"policy"`         // id of the check: "EXP-001"
	Rule       string            `json:"rule,omitempty"` // its name: "node-port"
	Severity   string            `json:"severity,omitempty"`
	Result     Outcome           `json:"result"`
	Message    string            `json:"message,omitempty"`
	Resources  []Reference       `json:"resources,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// Reference names an object.
type Reference struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
}
