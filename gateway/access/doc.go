// SPDX-License-Identifier: Apache-2.0

// Package access judges requests by access policies: who asks, and whether he may.
// What was not decided is refused: a policy without rules lets nobody in, keys that
// are missing are no reason to let somebody in, and a credential that does not hold
// is never taken for none.
package access
