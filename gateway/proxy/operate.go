// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
)

// rescue ends a request that failed by a fault of ours, and tells who runs the
// gateway where it is. It is deferred; what was begun is cut off, so that nobody
// takes it for whole.
func (p *Proxy) rescue(x *Exchange) {
	v := recover()
	if v == nil {
		return
	}
	if v != http.ErrAbortHandler { //nolint:errorlint // it is never wrapped
		p.Log.Error(fmt.Errorf("panic: %v", v), "a fault of the gateway", "request", x.answer.record.ID, "stack", string(debug.Stack()))
		if x.answer.record.Status == 0 {
			x.W.Header()["Connection"] = closing
			refuse(x.W, http.StatusInternalServerError, "fault")
			return
		}
		x.answer.record.Reason = "fault"
	}
	panic(http.ErrAbortHandler) //nolint:forbidigo // the only way that net/http has
}

// fetched says what became of a fetch of keys. What goes well is only counted.
func (p *Proxy) fetched(keySet string, s jwks.Status) {
	if p.telemetry != nil {
		p.telemetry.KeySet(keySet, s.Keys, s.Err)
	}
	if s.Err != nil {
		p.Log.Info("keys could not be fetched", "keySet", keySet, "keysInUse", s.Keys, "reason", s.Err.Error())
	}
	for _, fault := range s.Faults {
		p.Log.V(1).Info("a key is not used", "keySet", keySet, "reason", fault.Error())
	}
}

// found says that a store answers, or why it was lost.
func (p *Proxy) found(store string, lost error) {
	if p.telemetry != nil {
		p.telemetry.Store(store, lost)
	}
	if lost == nil {
		p.Log.Info("store found", "store", store)
	} else {
		p.Log.Info("store lost", "store", store, "reason", lost.Error())
	}
}
