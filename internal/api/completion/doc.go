// Package completion turns the engine's tokens into text: it checks requests,
// decodes tokens as they come, holds back what may become a stop text, counts, and
// times.
//
// What it owns: the rules of a request, whatever API it comes by (limits.go,
// validate.go, output.go), the turn of a conversation (conversation.go, turn.go),
// the seam to the engine that draws the tokens, here or in another process
// (engine.go, language.go), and the text state of one answer. Every API translates
// a request to a Conversation, and writes the parts of a Delta in its own shape; none
// reads the text of the model.
//
// Invariants: a call of a tool that ended has arguments that satisfy its schema. The
// id of a call is a function of prompt, seed, choice and number. Stop texts are
// looked for in the text of an answer, not in reasoning and calls. Text is whole
// characters; it never contains a stop text or what
// follows one; the deltas of an answer concatenate to the answer. A token is
// delivered together with the last of its text, never before, so that tokens do
// not reveal what the text holds back. An answer that continues a prompt is
// decoded as its continuation: the space before its first word stays.
//
// Concurrency: a Reader belongs to one goroutine; a Completer is read only.
package completion
