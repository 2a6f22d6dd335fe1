// SPDX-License-Identifier: Apache-2.0

// Package failure breaks what the programs of Gatehouse stand on, one thing after the
// other, where no node is needed for it: the store that limits are counted in, the disk,
// the watches of the API server, the clocks of others. While it is broken customers ask
// and a writer writes all the time; what must hold is what `make e2e` holds a node to
// (test/e2e), which breaks the rest.
package failure
