// SPDX-License-Identifier: Apache-2.0

// Package bounded reads what may be larger than it should be.
package bounded

import (
	"fmt"
	"io"
	"os"
)

// ReadFile reads a whole file of at most so many bytes.
func ReadFile(file string, most int64) ([]byte, error) {
	f, err := os.Open(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s: it has more than %d bytes", file, most)
	}
	return data, err
}
