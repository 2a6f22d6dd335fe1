// SPDX-License-Identifier: Apache-2.0

// Package provision says which objects a Gateway of its own data plane has: values in,
// values out. Package kube applies them.
package provision
