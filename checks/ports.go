// SPDX-License-Identifier: Apache-2.0

package checks

// DefaultSensitivePorts maps ports to the service that usually listens there.
func DefaultSensitivePorts() map[int32]string {
	return map[int32]string{2379: "etcd client"}
}
