// SPDX-License-Identifier: Apache-2.0

// Package extauthz asks a service whether a request may pass. Without its yes none
// does: a service that is away, too slow, too busy or unclear is a no.
package extauthz
