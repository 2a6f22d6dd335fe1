// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gatehouse-sh/gatehouse/gateway/handover"
	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit"
)

// Audience is whom the tokens of data planes are for. With it they open nothing of the API
// server itself, which takes tokens for its own audience only.
const Audience = "gatehouse.sh/gateway"

// identifier says whose a token is. It asks the API server, and remembers the answer for
// a while. Safe for concurrent use.
type identifier struct {
	client *client
	limits *ratelimit.Store // by address, and of all

	mu    sync.Mutex
	known map[[sha256.Size]byte]known
}

type known struct {
	who handover.Identity
	at  time.Time // when it was reviewed
}

const (
	// remembered is how long a token that was taken back still holds at most. Followers ask
	// once in 25 s, and at once when there is something new.
	remembered = 30 * time.Second
	// mostRemembered is how long it does while too many are reviewed: strangers who have that
	// so keep nothing from those who are known.
	mostRemembered = 5 * time.Minute
	// maxKnown is 4096 tokens of some 200 bytes here: two for each data plane of a Hub.
	maxKnown = 4096
)

// perAddress and ofAll are what is asked of the API server at most, so that nobody has it
// asked for nothing. 2,048 data planes are reviewed within 41 s.
var (
	perAddress = ratelimit.Limit{Requests: 2, Per: time.Second, Burst: 32}
	ofAll      = ratelimit.Limit{Requests: 50, Per: time.Second, Burst: 400}
)

// maxSources are as many addresses as are told apart: 1 MiB.
const maxSources = 1 << 16

func newIdentifier(c *client) *identifier {
	return &identifier{client: c, limits: ratelimit.NewStore(maxSources), known: map[[sha256.Size]byte]known{}}
}

// identify is handover.Options.Identify: the account is the namespace and the name of a
// ServiceAccount, and the replica the UID of the Pod to which the token is bound.
func (i *identifier) identify(ctx context.Context, from netip.Addr, token string) (handover.Identity, error) {
	return i.at(ctx, from, token, time.Now())
}

// at is identify at a time.
func (i *identifier) at(ctx context.Context, from netip.Addr, token string, now time.Time) (handover.Identity, error) {
	sum := sha256.Sum256([]byte(token))
	i.mu.Lock()
	k, is := i.known[sum]
	i.mu.Unlock()
	age := now.Sub(k.at)
	switch {
	case is && age < remembered:
		return k.who, nil
	case i.may(from, now):
	case is && age < mostRemembered:
		return k.who, nil
	default:
		return handover.Identity{}, fmt.Errorf("review a token: %w", handover.ErrBusy)
	}
	who, err := i.review(ctx, token)
	i.mu.Lock()
	defer i.mu.Unlock()
	if err != nil {
		if errors.Is(err, handover.ErrUnknown) {
			delete(i.known, sum)
		}
		return handover.Identity{}, err
	}
	i.remember(sum, known{who: who, at: now})
	return who, nil
}

// may tells whether the API server may be asked of what came from an address.
func (i *identifier) may(from netip.Addr, now time.Time) bool {
	address := from.As16()
	claims := []ratelimit.Claim{
		{Table: i.limits.Table("address"), Key: i.limits.Key(address[:]), Limit: perAddress},
		{Table: i.limits.Table("all"), Key: i.limits.Key(nil), Limit: ofAll},
	}
	return ratelimit.Take(claims, now) < 0
}

// remember notes what the API server has said.
func (i *identifier) remember(sum [sha256.Size]byte, k known) {
	if len(i.known) >= maxKnown {
		maps.DeleteFunc(i.known, func(_ [sha256.Size]byte, other known) bool { return k.at.Sub(other.at) >= mostRemembered })
	}
	for other := range i.known {
		if len(i.known) < maxKnown {
			break
		}
		delete(i.known, other) // whichever it is: he is reviewed again
	}
	i.known[sum] = k
}

// review asks the API server.
func (i *identifier) review(ctx context.Context, token string) (handover.Identity, error) {
	ask := authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{Audience}}}
	ask.APIVersion, ask.Kind = authenticationv1.SchemeGroupVersion.String(), "TokenReview"
	body, err := json.Marshal(ask)
	if err != nil {
		return handover.Identity{}, fmt.Errorf("review a token: %w", err)
	}
	var said authenticationv1.TokenReview
	if err := i.client.send(ctx, http.MethodPost, "/apis/authentication.k8s.io/v1/tokenreviews", runtime.ContentTypeJSON, body, &said); err != nil {
		return handover.Identity{}, fmt.Errorf("review a token: %w", err)
	}
	return identityOf(&said.Status)
}

// identityOf says who somebody is of whom the API server has said so much.
func identityOf(s *authenticationv1.TokenReviewStatus) (handover.Identity, error) {
	if !s.Authenticated || !slices.Contains(s.Audiences, Audience) {
		return handover.Identity{}, fmt.Errorf("%w: it does not hold for %s", handover.ErrUnknown, Audience)
	}
	account, err := accountOf(s.User.Username)
	if err != nil {
		return handover.Identity{}, err
	}
	pod := s.User.Extra["authentication.kubernetes.io/pod-uid"]
	if len(pod) != 1 || pod[0] == "" {
		return handover.Identity{}, fmt.Errorf("%w: it is bound to no Pod", handover.ErrUnknown)
	}
	return handover.Identity{Account: account, Replica: pod[0]}, nil
}
