package completion

// Limits of a request, whatever API it comes by.
const (
	// MaxStops is the maximum number of stop texts.
	MaxStops = 16
	// MaxStopTokens is the maximum number of stop tokens.
	MaxStopTokens = 128
	// MaxLogprobs is the maximum number of alternatives of a token.
	MaxLogprobs = 20
	// MaxChoices is the maximum number of answers to one request.
	MaxChoices = 128
)
