// SPDX-License-Identifier: Apache-2.0

package authority

import (
	"slices"
	"time"
)

// Config bounds the lives of certificates.
type Config struct {
	// Subject is the common name of the serving certificate, with which those of authorities
	// begin, too.
	Subject string

	// Names are the DNS names and IP addresses by which the server is called.
	Names []string

	// AuthorityLife and LeafLife are how long certificates are valid. An
	// authority is replaced when a third of its life is left, a serving
	// certificate likewise.
	AuthorityLife time.Duration
	LeafLife      time.Duration

	// Overlap is how long a new authority is trusted before it is used, and an
	// old one after it was used last. It must exceed the time in which every
	// caller sees a changed bundle and every replica a changed Secret.
	Overlap time.Duration
}

// DefaultConfig suits a cluster: a year and thirty days, with ten minutes of
// overlap, some sixty times the interval in which replicas look.
func DefaultConfig(subject string, names ...string) Config {
	return Config{Subject: subject, Names: names, AuthorityLife: 365 * 24 * time.Hour, LeafLife: 30 * 24 * time.Hour, Overlap: 10 * time.Minute}
}

// State is everything that is stored about certificates.
type State struct {
	Authority Pair // signs serving certificates
	Next      Pair // trusted already, signs nothing yet
	Previous  Pair // signs nothing any more, still trusted; has no key
	Leaf      Pair // what is served

	AuthoritySince time.Time // when Authority was made
	NextSince      time.Time // when Next was made
	Promoted       time.Time // when Authority took over from Previous
}

// Bundle is the PEM bundle that callers are to trust.
func (s State) Bundle() []byte {
	return slices.Concat(s.Authority.Cert, s.Next.Cert, s.Previous.Cert)
}

// Advance returns the state that should follow, and whether it differs.
//
// published is the bundle that every caller is known to have: a new
// authority is not used before it is in there. rotateBefore asks for a new
// authority if the present one was made before that time; the zero time asks
// for nothing.
func (s State) Advance(now time.Time, c Config, published []byte, rotateBefore time.Time) (State, bool, error) {
	switch {
	case !usable(s.Authority, now, 0):
		return fresh(now, c)
	case !s.Next.Empty() && !usable(s.Next, now, 0):
		s.Next, s.NextSince = Pair{}, time.Time{} // made by a clock that was ahead, if it is none that has ended
		return s, true, nil
	case !s.Previous.Empty() && s.Promoted.After(now.Add(skew)):
		s.Promoted = now // as before; the old authority would be trusted until that clock is right
		return s, true, nil
	case !s.Next.Empty() && now.Sub(s.NextSince) >= c.Overlap && contains(published, s.Next.Cert):
		return s.promote(now, c)
	case s.Next.Empty() && (!usable(s.Authority, now, c.AuthorityLife/3) || s.AuthoritySince.Before(rotateBefore)) && s.Previous.Empty():
		next, err := newAuthority(now, c)
		if err != nil {
			return s, false, err
		}
		s.Next, s.NextSince = next, now
		return s, true, nil
	case !s.Previous.Empty() && now.Sub(s.Promoted) >= c.Overlap:
		s.Previous = Pair{}
		return s, true, nil
	case !serves(s, now, c):
		leaf, err := newLeaf(s.Authority, now, c)
		if err != nil {
			return s, false, err
		}
		s.Leaf = leaf
		return s, true, nil
	}
	return s, false, nil
}

// fresh starts over: there is no authority that could still sign.
func fresh(now time.Time, c Config) (State, bool, error) {
	authority, err := newAuthority(now, c)
	if err != nil {
		return State{}, false, err
	}
	leaf, err := newLeaf(authority, now, c)
	if err != nil {
		return State{}, false, err
	}
	return State{Authority: authority, Leaf: leaf, AuthoritySince: now}, true, nil
}

// promote lets Next take over; the old authority stays trusted while replicas
// may still serve what it signed.
func (s State) promote(now time.Time, c Config) (State, bool, error) {
	leaf, err := newLeaf(s.Next, now, c)
	if err != nil {
		return s, false, err
	}
	return State{
		Authority: s.Next, AuthoritySince: s.NextSince,
		Previous: Pair{Cert: s.Authority.Cert}, Promoted: now, Leaf: leaf,
	}, true, nil
}

// usable reports whether the pair parses, is valid and stays so for at least margin. One
// whose time has not come was made by a clock that is ahead, and nobody else trusts it.
func usable(p Pair, now time.Time, margin time.Duration) bool {
	cert, _, err := p.parse()
	return err == nil && !now.Before(cert.NotBefore) && now.Add(margin).Before(cert.NotAfter)
}

// serves reports whether the leaf is signed by the authority, covers every name
// and has a third of its life left.
func serves(s State, now time.Time, c Config) bool {
	if !usable(s.Leaf, now, c.LeafLife/3) && !shortened(s, now) {
		return false
	}
	leaf, err := s.Leaf.certificate()
	if err != nil {
		return false
	}
	if Verify(leaf, s.Authority.Cert, "", now) != nil {
		return false
	}
	return !slices.ContainsFunc(c.Names, func(name string) bool { return leaf.VerifyHostname(name) != nil })
}

// shortened reports whether the leaf is valid and ends with its authority: it
// cannot be made longer, so renewing it would change nothing.
func shortened(s State, now time.Time) bool {
	ca, err := s.Authority.certificate()
	if err != nil {
		return false
	}
	leaf, err := s.Leaf.certificate()
	return err == nil && leaf.NotAfter.Equal(ca.NotAfter) && now.Before(leaf.NotAfter)
}
