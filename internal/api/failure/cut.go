package failure

import "strings"

// maxMessage is the maximum length of an error's message, bytes.
const maxMessage = 2 << 10

// Cut bounds the message of an error: a text of the request may be in it.
func Cut(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "..."
}
