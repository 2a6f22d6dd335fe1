// SPDX-License-Identifier: Apache-2.0

package catalog

//go:generate go run ../../hack/checkdocs ../../docs/checks ../exposure/testdata ../privilege/testdata ../blast/testdata
