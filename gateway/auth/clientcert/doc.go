// SPDX-License-Identifier: Apache-2.0

// Package clientcert knows clients by the certificate of their connection. Who may
// have issued it is the listener's to say: it asks for certificates and verifies
// them. This package reads the names in one that was verified.
package clientcert
