// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

func (r *reader) hsts(v string) error {
	yes, err := truth(v)
	if err != nil || !yes {
		return errors.Join(err, r.holds("it asks for nothing"))
	}
	age := 2592000
	if a := r.get("hsts-max-age"); a != "" {
		if age, err = number(a, 0, 1<<31-1); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("max-age=%d", age)
	if s := r.get("hsts-include-subdomains"); s != "" {
		sub, err := truth(s)
		if err != nil {
			return err
		}
		if sub {
			text += "; includeSubDomains"
		}
	}
	return r.set(&r.response, "Strict-Transport-Security", text)
}

func (r *reader) basicSecret(v string) error {
	ref, err := reference(v, r.ingress.Namespace)
	if err != nil {
		return err
	}
	r.note("its lines are under htpasswd there: put them under auth, with bcrypt")
	return r.password(&v1alpha1.Basic{SecretRefs: []v1alpha1.PolicyReference{ref}, Realm: r.get("basic-auth-realm")})
}

var rateForm = regexp.MustCompile(`^([0-9]{1,8})r/([sm])$`)

// limitReq reads a rate: so many for each address, evenly, and a burst beyond it.
func (r *reader) limitReq(v string) error {
	parts := rateForm.FindStringSubmatch(v)
	if parts == nil {
		return fmt.Errorf("%.30q is no rate, such as 10r/s", v)
	}
	n, err := number(parts[1], 1, 10_000_000)
	if err != nil {
		return err
	}
	if key := r.get("limit-req-key"); key != "" && key != "${binary_remote_addr}" && key != "${remote_addr}" {
		return fmt.Errorf("limit-req-key %.40q is no address: give the TrafficPolicy a key", key)
	}
	burst := 0
	if b := r.get("limit-req-burst"); b != "" {
		if burst, err = number(b, 0, 10_000_000); err != nil {
			return fmt.Errorf("limit-req-burst: %w", err)
		}
	}
	if dry := r.get("limit-req-dry-run"); dry != "" {
		yes, err := truth(dry)
		if err != nil {
			return fmt.Errorf("limit-req-dry-run: %w", err)
		}
		if yes {
			return r.holds("it is only logged")
		}
	}
	r.rate("requests", n, map[string]time.Duration{"s": time.Second, "m": time.Minute}[parts[2]], burst+1)
	r.note("what is beyond the burst is answered 429 and does not wait")
	return nil
}
