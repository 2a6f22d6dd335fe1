// SPDX-License-Identifier: Apache-2.0

// Package notation reads ends of connections and ports as people write them: on a
// command line, in an annotation, in a template. It reads words and asks nothing
// but whether a workload exists; what becomes of an end is decided by
// generator.Build. Nothing that cannot be read becomes something wider.
package notation
