// SPDX-License-Identifier: Apache-2.0

// Package loadbalancer says whether a load balancer that Kubernetes is asked for will be reachable from the internet.
//
// Every cloud controller has its own annotation, its own way of reading the value and its own default, so the answer is a
// data table (Providers) plus one evaluator. The package reads values and returns values: it does no I/O, keeps no state
// and never panics. It does not decide what to do about a public load balancer; the exposure checks do.
//
// It cannot see which controllers run in a cluster. Without Config.Providers it believes every annotation that some
// controller reads, so an annotation for another cloud can make a load balancer look internal. An operator who names the
// controllers of the cluster closes that gap. Where several controllers may be meant, the most exposed reading wins.
package loadbalancer

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Scheme says who can reach a load balancer. The zero value is Unknown, which a caller must treat as Public.
type Scheme uint8

// The schemes.
const (
	Unknown  Scheme = iota // nothing that can be seen decides it
	Public                 // reachable from the internet
	Internal               // reachable from a private network only
)

// String is the lower-case name used in messages.
func (s Scheme) String() string {
	switch s {
	case Public:
		return "public"
	case Internal:
		return "internal"
	case Unknown:
	}
	return "unknown"
}

// rank orders schemes by exposure for the choice between several readings: the highest wins.
func (s Scheme) rank() int {
	switch s {
	case Public:
		return 2
	case Internal:
		return 0
	case Unknown:
	}
	return 1
}

// Case says how a user's Key compares values. The zero value is exact.
type Case uint8

// The comparisons.
const (
	CaseExact Case = iota // bytes must be equal
	CaseFold              // Unicode case folding, as strings.EqualFold
)

// Key is an annotation that the operator adds to the table. A value in Public means public, a value in Internal means
// internal, any other value means unknown. The annotation being absent says nothing.
type Key struct {
	Annotation string
	Internal   []string
	Public     []string
	Case       Case
	// Provider is the Provider.Name whose default this key replaces, or a free name for a controller that the table does
	// not have.
	Provider string
}

// Config is what an operator knows about the cluster. The zero value knows nothing. It is read only and may be shared.
type Config struct {
	// DefaultScheme is the scheme of a load balancer that nothing decides. It also replaces the default of controllers
	// whose default is a setting of the installation (Provider.DefaultIsSetting). Unknown leaves both alone.
	DefaultScheme Scheme
	// Providers names the controllers of the cluster (Provider.Name). Rows that are not named are ignored. Empty means
	// that any row may apply.
	Providers []string
	// Classes gives the scheme of loadBalancerClass values that the table does not know, or overrides it.
	Classes map[string]Scheme
	// Extra are further annotations, read before the table.
	Extra []Key
	// TrustedPools are address ranges that count as internal although they are not private by registration.
	TrustedPools []netip.Prefix
	// Pools are the cluster's address pools by name (MetalLB IPAddressPool and the like). The caller resolves them. It
	// must hold every pool or be nil: a load balancer without a pinned address may get one from any of them.
	Pools map[string][]netip.Prefix
}

// Validate reports every fault of a configuration: names that the table does not have, keys without annotation or
// values, and address ranges that are not valid.
func (c Config) Validate() error {
	var errs []error
	for _, name := range c.Providers {
		if _, ok := table.byName[name]; !ok {
			errs = append(errs, fmt.Errorf("providers: no load balancer controller is named %q", name))
		}
	}
	for i, key := range c.Extra {
		if key.Annotation == "" {
			errs = append(errs, fmt.Errorf("extra[%d]: annotation is empty", i))
		}
		if len(key.Internal)+len(key.Public) == 0 {
			errs = append(errs, fmt.Errorf("extra[%d]: neither internal nor public values are given", i))
		}
	}
	for i, prefix := range c.TrustedPools {
		if !prefix.IsValid() {
			errs = append(errs, fmt.Errorf("trustedPools[%d]: address range is not valid", i))
		}
	}
	for _, name := range sortedKeys(c.Pools) {
		for i, prefix := range c.Pools[name] {
			if !prefix.IsValid() {
				errs = append(errs, fmt.Errorf("pools[%s][%d]: address range is not valid", name, i))
			}
		}
	}
	return errors.Join(errs...)
}

// Verdict is the answer for one object.
type Verdict struct {
	Scheme Scheme
	// Provider is the Provider.Name (or Key.Provider) of the row that decided, "" if none did.
	Provider string
	// Evidence is the clause that a message uses, without a full stop. It is never empty.
	Evidence string
	// Annotation is the key that decided, "" if none did.
	Annotation string
	// PinnedAddresses are the addresses that the object asks for, in the order written, each once. IPv4-mapped IPv6
	// addresses are given as IPv4.
	PinnedAddresses []netip.Addr
	// Conflicts are clauses about keys that contradict each other for one controller, have no effect or cannot be read.
	// At most maxConflicts of them.
	Conflicts []string
	// Disputed is what each controller makes of the object when several are meant and do not agree; the verdict's own
	// reading comes first. Nil when they agree.
	Disputed []Reading
}

// Reading is what one controller makes of an object.
type Reading struct {
	Provider   string // Provider.Name, or the free name of a Key
	Title      string // Provider.Title; for a Key that names no controller of the table "operator's configuration"
	Scheme     Scheme
	Annotation string // the key that decided, "" for the class, the address or the default
}

// maxConflicts bounds the clauses of one verdict; a hostile object can hold 256 KiB of annotations
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/).
const maxConflicts = 16

// conflict records a clause once, up to maxConflicts.
func (v *Verdict) conflict(format string, args ...any) {
	if len(v.Conflicts) >= maxConflicts {
		return
	}
	clause := fmt.Sprintf(format, args...)
	if !slices.Contains(v.Conflicts, clause) {
		v.Conflicts = append(v.Conflicts, clause)
	}
}

// maxQuoted is the number of bytes of a user's value that a clause repeats.
const maxQuoted = 64

// quote repeats a user's value in a message: escaped, valid UTF-8 and short.
func quote(value string) string {
	if len(value) <= maxQuoted {
		return fmt.Sprintf("%q", value)
	}
	return fmt.Sprintf("%q...", strings.ToValidUTF8(value[:maxQuoted], ""))
}
