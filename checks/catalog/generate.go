// SPDX-License-Identifier: Apache-2.0

package catalog

//go:generate go run ../../hack/checkdocs ../exposure/testdata ../../docs/checks
