package status

import (
	"net/http"

	"github.com/hachi-serve/hachi/internal/identity"
)

// Web is how the HTTP API of a coordinator is asked: the base of its URLs, and the
// client that shows a certificate; nil is plaintext.
func Web(addr string, by *identity.Source) (base string, client *http.Client) {
	if by == nil {
		return "http://" + addr, http.DefaultClient
	}
	return "https://" + addr, &http.Client{Transport: &http.Transport{TLSClientConfig: by.ClientTLS(identity.Coordinator, ""), ForceAttemptHTTP2: true}}
}
