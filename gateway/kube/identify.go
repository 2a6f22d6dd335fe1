// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/gatehouse-sh/gatehouse/gateway/handover"
)

// Audience is whom the tokens of data planes are for. With it they open nothing of the API
// server itself, which takes tokens for its own audience only.
const Audience = "gatehouse.sh/gateway"

// identifier says whose a token is. It asks the API server, and remembers the answer for
// a while. Safe for concurrent use.
type identifier struct {
	client *client
	limit  flowcontrol.RateLimiter

	mu    sync.Mutex
	known map[[sha256.Size]byte]known
}

type known struct {
	who   handover.Identity
	until time.Time
}

const (
	// remembered is how long a token that was taken back still holds at most. Followers ask
	// once in 25 s, and at once when there is something new.
	remembered = 30 * time.Second
	// maxKnown is 4096 tokens of some 200 bytes here: one for each data plane.
	maxKnown = 4096
	// What is asked of the API server at most, so that nobody has it asked for nothing.
	reviewsPerSecond, reviewsAtOnce = 20, 200
)

func newIdentifier(c *client) *identifier {
	return &identifier{client: c, limit: flowcontrol.NewTokenBucketRateLimiter(reviewsPerSecond, reviewsAtOnce), known: map[[sha256.Size]byte]known{}}
}

// identify is handover.Options.Identify: the account is the namespace and the name of a
// ServiceAccount, and the replica the UID of the Pod to which the token is bound.
func (i *identifier) identify(ctx context.Context, token string) (handover.Identity, error) {
	sum, now := sha256.Sum256([]byte(token)), time.Now()
	i.mu.Lock()
	k, is := i.known[sum]
	i.mu.Unlock()
	if is && now.Before(k.until) {
		return k.who, nil
	}
	if !i.limit.TryAccept() {
		return handover.Identity{}, errors.New("review a token: too many are reviewed")
	}
	who, err := i.review(ctx, token)
	if err != nil {
		return handover.Identity{}, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.known) >= maxKnown {
		for s, k := range i.known {
			if !now.Before(k.until) {
				delete(i.known, s)
			}
		}
		if len(i.known) >= maxKnown {
			clear(i.known)
		}
	}
	i.known[sum] = known{who: who, until: now.Add(remembered)}
	return who, nil
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
	account, is := strings.CutPrefix(s.User.Username, "system:serviceaccount:")
	namespace, name, two := strings.Cut(account, ":")
	if !is || !two || namespace == "" || name == "" {
		return handover.Identity{}, fmt.Errorf("%w: %.300q is no ServiceAccount", handover.ErrUnknown, s.User.Username)
	}
	pod := s.User.Extra["authentication.kubernetes.io/pod-uid"]
	if len(pod) != 1 || pod[0] == "" {
		return handover.Identity{}, fmt.Errorf("%w: it is bound to no Pod", handover.ErrUnknown)
	}
	return handover.Identity{Account: namespace + "/" + name, Replica: pod[0]}, nil
}
