// SPDX-License-Identifier: Apache-2.0

package kube

import "time"

// mostUnanswered is how long data planes go on with what they serve for Secrets and
// ConfigMaps of which the API server has said nothing: in 2 min 6,500 of them are asked for
// (readsAtOnce, readsPerSecond), by a process that has just taken over. What has no answer
// then counts as not there, since nobody is to hold back what others have changed or revoked.
const mostUnanswered = 2 * time.Minute

// awaits is for how many answers a Gateway waits: what its data planes serve is cut by no
// change of leader. One that nothing serves yet waits for none, and neither does one for which
// this process has offered something: it has asked for what that needs, and who refers to more
// all the time is to hold back nobody. While its class is not there nothing is asked for.
func (r *Remote) awaits(s *Served, g *remote) int {
	if s.Classless {
		g.offered, g.since = false, time.Time{} // what is asked for when it is there again is new
		return 0
	}
	if s.Unanswered == 0 {
		g.since = time.Time{}
		return 0
	}
	if g.offered || g.sum == "" && s.Service == nil {
		return 0
	}
	if g.since.IsZero() {
		g.since = time.Now()
		time.AfterFunc(mostUnanswered, r.change)
		r.options.Log.Info("the API server has not said yet whether what a Gateway refers to is there, its data planes go on with what they serve", "gateway", s.Gateway.String(), "unanswered", s.Unanswered, "atMost", mostUnanswered.String())
	}
	if time.Since(g.since) < mostUnanswered {
		return s.Unanswered
	}
	return 0
}
