// SPDX-License-Identifier: Apache-2.0

// Package kube serves what a cluster says: it watches the Gateway API and what it names,
// has package translate say what it means, hands the configurations to a Plane, and
// writes what became of it into the status of each object.
//
// It judges nothing itself. A Secret or a ConfigMap is read only while something that
// may do so refers to it. When the API server is away, what was served last stays.
package kube
