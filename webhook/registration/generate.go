// SPDX-License-Identifier: Apache-2.0

package registration

//go:generate go run ../../hack/manifests ../../manifests
