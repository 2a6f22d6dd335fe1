// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/handover"
)

// leeway is how far the clocks of the API server and of this process may be apart.
const leeway = time.Minute

// claimed is handover.Options.Claimed: the ServiceAccount of which a token speaks that
// holds for Audience at a time. Who signed it nobody has looked at.
func claimed(token string, now time.Time) (account string, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", fmt.Errorf("%w: it is no JWT", handover.ErrUnknown)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", fmt.Errorf("%w: it is no JWT", handover.ErrUnknown)
	}
	var says struct {
		Sub string   `json:"sub"`
		Aud audience `json:"aud"`
		Exp float64  `json:"exp"` // seconds (RFC 7519, section 2, NumericDate)
	}
	if err := json.Unmarshal(text, &says); err != nil {
		return "", fmt.Errorf("%w: it is no JWT", handover.ErrUnknown)
	}
	switch {
	case !slices.Contains(says.Aud, Audience):
		return "", fmt.Errorf("%w: it does not hold for %s", handover.ErrUnknown, Audience)
	case says.Exp < float64(now.Add(-leeway).Unix()):
		return "", fmt.Errorf("%w: it has ended", handover.ErrUnknown)
	}
	return accountOf(says.Sub)
}

// audience is a list of names, or one (RFC 7519, section 4.1.3).
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if err := json.Unmarshal(text, &one); err == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// accountOf is the namespace and the name of a ServiceAccount, as the API server calls it.
func accountOf(user string) (string, error) {
	account, is := strings.CutPrefix(user, "system:serviceaccount:")
	namespace, name, two := strings.Cut(account, ":")
	if !is || !two || namespace == "" || name == "" {
		return "", fmt.Errorf("%w: %.300q is no ServiceAccount", handover.ErrUnknown, user)
	}
	return namespace + "/" + name, nil
}
