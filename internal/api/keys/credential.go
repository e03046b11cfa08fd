package keys

import "strings"

// Names of what carries a key, as gRPC's metadata has them; HTTP's headers know no
// case.
const (
	authorization = "authorization"
	apiKey        = "x-api-key"
)

// maxCredential bounds what is hashed, bytes.
const maxCredential = 512

// Credential returns the key that a request carries, by the values of its headers or
// of its metadata: that of Authorization with the scheme Bearer, else that of
// x-api-key. It is "" if there is none, and if a name has several values: two servers
// could each take another one.
func Credential(values func(name string) []string) string {
	if given := values(authorization); len(given) > 1 {
		return ""
	} else if len(given) == 1 {
		if token, ok := bearer(given[0]); ok {
			return token
		}
	}
	if given := values(apiKey); len(given) == 1 && isToken(given[0]) {
		return given[0]
	}
	return ""
}

// bearer reads a value of Authorization; ok is false for another scheme.
func bearer(value string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	if token = strings.TrimLeft(token, " "); !isToken(token) {
		return "", true
	}
	return token, true
}

// isToken reports whether a text is visible ASCII of a bounded length.
func isToken(s string) bool {
	hidden := func(r rune) bool { return r <= ' ' || r >= 0x7f }
	return s != "" && len(s) <= maxCredential && strings.IndexFunc(s, hidden) < 0
}
