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
	// MaxMessages is the maximum number of turns of a conversation.
	MaxMessages = 1 << 12
	// MaxTools is the maximum number of functions.
	MaxTools = 1 << 9
	// MaxToolBytes is the maximum length of their descriptions and schemas, together.
	MaxToolBytes = 1 << 20
	// MaxArgBytes is the maximum length of the variables for a chat template.
	MaxArgBytes = 1 << 16
	// MaxStopBytes is the maximum length of a stop text.
	MaxStopBytes = 1 << 10
	// MaxPromptAlternatives is the maximum number of log probabilities of the tokens
	// of prompts in an answer: about 64 bytes each.
	MaxPromptAlternatives = 1 << 18
)
