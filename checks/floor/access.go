// SPDX-License-Identifier: Apache-2.0

package floor

// access compares what two AccessPolicies say but their targets and modes.
func (d *weakening) access(before, after map[string]any) {
	was, is := named(child(before, "authentication")["anyOf"]), named(child(after, "authentication")["anyOf"])
	d.others("spec.authentication", child(before, "authentication"), child(after, "authentication"), "anyOf")
	for _, name := range union(was, is) {
		at := "spec.authentication.anyOf[" + name + "]"
		switch {
		case is[name] == nil:
		case was[name] == nil:
			d.add(at, "adds the authenticator "+quotedName(name)+", another way to be let in")
		default:
			d.authenticator(at, was[name], is[name])
		}
	}
	d.others("spec.authorization", child(before, "authorization"), child(after, "authorization"), "rules")
	rules, now := named(child(before, "authorization")["rules"]), named(child(after, "authorization")["rules"])
	for _, name := range union(rules, now) {
		at := "spec.authorization.rules[" + name + "]"
		d.others(at, rules[name], now[name], "name", "allow", "deny")
		d.allowing(at+".allow", rules[name]["allow"], now[name]["allow"])
		d.denying(at+".deny", rules[name]["deny"], now[name]["deny"])
	}
	d.forward(child(before, "forward"), child(after, "forward"))
	switch {
	case before["externalAuth"] != nil:
		d.same("spec.externalAuth", before["externalAuth"], after["externalAuth"], "changes or drops the service that has to agree")
	case after["externalAuth"] != nil: // it is given credentials, and may tell backends what the floor vouches for
		d.add("spec.externalAuth", "hands what clients send to a service that it did not ask")
	}
}

// authenticator allows audiences and algorithms of tokens to become fewer, and nothing
// else to change.
func (d *weakening) authenticator(at string, before, after map[string]any) {
	d.others(at, before, after, "jwt")
	was, is := child(before, "jwt"), child(after, "jwt")
	if (was == nil) != (is == nil) {
		d.add(at+".jwt", "changes jwt")
		return
	}
	d.others(at+".jwt", was, is, "audiences", "algorithms")
	for _, key := range []string{"audiences", "algorithms"} {
		old, now := texts(was[key]), texts(is[key])
		// Without any the gateway has a choice of its own.
		if len(old) == 0 && len(now) == 0 || len(now) > 0 && within(now, old) {
			continue
		}
		d.add(at+".jwt."+key, "takes other "+key+" of tokens")
	}
}

// anyOfFields are the fields of a condition of whose values a request has one; without values
// it has any. conditions are all fields.
var (
	anyOfFields = []string{"methods", "paths", "principals", "sourceRanges"}
	conditions  = []string{"methods", "paths", "principals", "sourceRanges", "scopes", "claims", "when"}
)

// allowing reports that a rule allows more than before.
func (d *weakening) allowing(at string, before, after any) {
	switch {
	case after == nil:
	case before == nil:
		d.add(at, "allows more")
	case !narrower(object(before), object(after)):
		d.add(at, "allows what it did not, or what cannot be compared")
	}
}

// denying reports that a rule denies less than before.
func (d *weakening) denying(at string, before, after any) {
	switch {
	case before == nil:
	case after == nil:
		d.add(at, "no longer denies anything by this rule")
	case !narrower(object(after), object(before)):
		d.add(at, "does not deny what it did, or cannot be compared")
	}
}

// narrower reports whether a condition fits nothing but what another one fits; false
// where that cannot be told.
func narrower(wide, narrow map[string]any) bool {
	rest := &weakening{}
	if rest.others("", wide, narrow, conditions...); len(rest.found) > 0 {
		return false
	}
	for _, key := range anyOfFields {
		if !fewer(texts(wide[key]), texts(narrow[key])) {
			return false
		}
	}
	if !within(texts(wide["scopes"]), texts(narrow["scopes"])) {
		return false
	}
	claims := child(narrow, "claims")
	for name, values := range child(wide, "claims") {
		if claims[name] == nil || !fewer(texts(values), texts(claims[name])) {
			return false
		}
	}
	when, _ := wide["when"].(string)
	return when == "" || when == narrow["when"]
}

// fewer reports whether one of the narrow values is always one of the wide ones; no
// values are all that there are.
func fewer(wide, narrow []string) bool {
	return len(wide) == 0 || len(narrow) > 0 && within(narrow, wide)
}

// forward allows backends to be told more claims, and to be given no credentials.
func (d *weakening) forward(before, after map[string]any) {
	d.others("spec.forward", before, after, "claimsToHeaders", "credentials")
	now := child(after, "claimsToHeaders")
	was := child(before, "claimsToHeaders")
	for _, claim := range union(was, map[string]any{}) {
		d.same("spec.forward.claimsToHeaders["+claim+"]", was[claim], now[claim], "no longer tells backends the claim "+quotedName(claim)+" as before")
	}
	if kept, _ := after["credentials"].(string); kept != "" && kept != "Strip" && kept != before["credentials"] {
		d.add("spec.forward.credentials", "gives backends the credentials of clients")
	}
}
