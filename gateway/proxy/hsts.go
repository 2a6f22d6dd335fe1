// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"strconv"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

const hstsName = "Strict-Transport-Security"

// hstsOf is the value of the header (RFC 6797, section 6.1), nil without one.
func hstsOf(h *config.HSTS) []string {
	if h == nil {
		return nil
	}
	value := "max-age=" + strconv.FormatInt(int64(time.Duration(h.MaxAge)/time.Second), 10)
	if h.SubDomains {
		value += "; includeSubDomains"
	}
	if h.Preload {
		value += "; preload"
	}
	return []string{value}
}
