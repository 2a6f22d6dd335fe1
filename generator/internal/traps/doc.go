// SPDX-License-Identifier: Apache-2.0

// Package traps keeps docs/network-traps.md true: its test looks for every test
// that the page names.
package traps
