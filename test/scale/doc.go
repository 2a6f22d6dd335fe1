// SPDX-License-Identifier: Apache-2.0

// Package scale measures the webhook and the controller in a cluster of 5,000 Pods, 1,000
// Services and 500 namespaces, whose nodes are kwok's: `make scale`. The API server and
// etcd are real, and so are the two programs, each in a process of its own; Pods are
// stored and said to run, and nothing runs in them. `make scale-node` measures the same
// beside a node that runs Pods, where the two programs are containers. Neither is part of
// `make test`.
package scale
