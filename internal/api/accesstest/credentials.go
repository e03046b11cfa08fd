package accesstest

import (
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/keys"
)

// Keys that Clients and Admins have, or had.
const (
	ClientKey  = "CLIENT"
	AdminKey   = "ADMIN"
	OldKey     = "OLD"
	expiredKey = "EXPIRED"
)

// Clients are the entries of the file of clients' keys, before a rotation and after it:
// the client named "client" and one whose keys have expired.
func Clients() (before, after []keys.Entry) {
	expired := entry("expired", expiredKey)
	expired.Expires = time.Now().Add(-time.Minute)
	return []keys.Entry{entry("client", OldKey), expired}, []keys.Entry{entry("client", ClientKey), expired}
}

// Admins are the entries of the file of admins' keys.
func Admins() []keys.Entry { return []keys.Entry{entry("admin", AdminKey)} }

func entry(name, key string) keys.Entry {
	return keys.Entry{Name: name, SHA256: keys.Hashes{keys.HashOf(key)}}
}

// Gate asks for the keys of Clients after their rotation, and of Admins.
func Gate() *keys.Gate {
	before, after := Clients()
	clients := keys.NewGuard(before)
	clients.Replace(after)
	return &keys.Gate{Clients: clients, Admins: keys.NewGuard(Admins())}
}

// Accesses of callers who may call no route that needs a key.
const (
	nothing httpapi.Access = -1
	// NoAnswer is that of callers whom the server answers on no route at all.
	NoAnswer httpapi.Access = -2
)

// Credential is what a request carries in a header, and the access that it gives.
type Credential struct {
	Name, Header, Value string
	Gives               httpapi.Access
}

// Credentials are all.
func Credentials() []Credential {
	return []Credential{
		{"none", "", "", nothing},
		{"wrong", "Authorization", "Bearer hachi_WRONG", nothing},
		{"rotated away", "Authorization", "Bearer " + OldKey, nothing},
		{"expired", "X-Api-Key", expiredKey, nothing},
		{"of another scheme", "Authorization", "Basic Q0xJRU5U", nothing},
		{"in a cookie", "Cookie", "authorization=CLIENT; x-api-key=CLIENT", nothing},
		{"in binary metadata", "X-Api-Key-Bin", "Q0xJRU5U", nothing},
		{"two", "Authorization", "Bearer CLIENT, Bearer CLIENT", nothing},
		{"the hash", "Authorization", "Bearer " + keys.HashOf(ClientKey).String(), nothing},
		Right(),
		{"right, as Anthropic's", "X-Api-Key", ClientKey, httpapi.ClientAccess},
		{"an admin's", "Authorization", "Bearer " + AdminKey, httpapi.AdminAccess},
	}
}

// Right is the credential of a client.
func Right() Credential {
	return Credential{"right", "Authorization", "Bearer " + ClientKey, httpapi.ClientAccess}
}

// Some are the credentials with some names.
func Some(names ...string) []Credential {
	return slices.DeleteFunc(Credentials(), func(c Credential) bool { return !slices.Contains(names, c.Name) })
}
