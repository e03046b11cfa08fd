package schema

import "strings"

// formats maps the supported formats to expressions for whole texts. Each
// accepts only what every reader of the format does; some leave out rare forms:
// years before 1000, leap seconds, IPv6 with a dotted tail or a zone, long
// names, quoted mailboxes, URIs that are not http or https.
func formats() map[string]string {
	const (
		day = `(?:[1-9]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))` +
			`|(?:[1-9]\d(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-02-29)`
		hours = `(?:[01]\d|2[0-3]):[0-5]\d`
		time  = hours + `:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]` + hours + `)`
		clock = `(?:\d{1,6}H(?:\d{1,6}M(?:\d{1,6}S)?)?|\d{1,6}M(?:\d{1,6}S)?|\d{1,6}S)`
		date  = `(?:\d{1,4}Y(?:\d{1,4}M(?:\d{1,4}D)?)?|\d{1,4}M(?:\d{1,4}D)?|\d{1,4}D)`
		octet = `(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
		label = `[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?`
		host  = `(?:` + label + `\.){0,3}[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?`
		word  = `[a-zA-Z0-9_~-]`
		char  = `(?:[a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})`
	)
	return map[string]string{
		"date":      day,
		"time":      time,
		"date-time": day + "T" + time,
		"uuid":      `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`,
		"ipv4":      octet + `(?:\.` + octet + `){3}`,
		"ipv6":      ipv6(),
		"hostname":  host,
		"duration":  `P(?:` + date + `(?:T` + clock + `)?|T` + clock + `|\d{1,4}W)`,
		"email":     word + `(?:[.+]?` + word + `){0,30}@` + host,
		"uri":       `https?://` + host + `(?::[1-9]\d{0,3})?(?:/` + char + `*)*(?:\?(?:` + char + `|[/?])*)?(?:#(?:` + char + `|[/?])*)?`,
	}
}

// ipv6 is all eight groups, or fewer with :: in the place of two or more.
func ipv6() string {
	const group = `[0-9a-f]{1,4}`
	groups := func(n int) string {
		if n == 0 {
			return ""
		}
		return group + strings.Repeat(":"+group, n-1)
	}
	forms := []string{groups(8)}
	for before := range 7 {
		for after := range 7 - before {
			forms = append(forms, groups(before)+"::"+groups(after))
		}
	}
	return "(?:" + strings.Join(forms, "|") + ")"
}
