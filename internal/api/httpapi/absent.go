package httpapi

import (
	"maps"
	"slices"
	"strings"
)

// absent says why endpoints of other servers are none of hachi's, and what hachi
// has instead, by the parts of their paths.
var absent = []struct {
	parts []string
	why   string
}{
	{[]string{"embeddings", "embed", "embedding", "rerank", "score", "pooling", "classify"},
		"the models that hachi serves generate text and make no embeddings or scores; run a server of an embedding model beside hachi. POST /v1/completions with echo, logprobs and max_tokens 0 gives the log probabilities of a text"},
	{[]string{"audio", "images", "videos", "realtime"},
		"the models that hachi serves read and write text only; POST /v1/chat/completions answers text"},
	{[]string{"moderations"}, "hachi has no moderation model; POST /v1/chat/completions with response_format can make a model classify a text"},
	{[]string{"batches", "files", "uploads", "vector_stores"}, "hachi stores nothing; send requests to POST /v1/chat/completions or POST /v1/completions, which queue and batch them"},
	{[]string{"assistants", "threads", "conversations", "chatkit"}, "hachi stores no conversations; send the whole conversation to POST /v1/chat/completions"},
	{[]string{"fine_tuning", "fine-tunes", "evals", "load_lora_adapter", "unload_lora_adapter"}, "hachi serves models and trains none; hachi model prepares a checkpoint"},
	{[]string{"generate", "generate_stream", "completion", "infill", "invocations"}, "POST /v1/completions continues a prompt"},
	{[]string{"api"}, "this is no Ollama server; clients of OpenAI's API take the base URL /v1, with POST /v1/chat/completions and GET /v1/models"},
	{[]string{"health", "ping", "live", "livez", "ready", "health_generate"}, "GET /healthz says that the process runs, GET /readyz that it accepts requests"},
	{[]string{"version", "props", "slots", "server_info", "info"}, "GET /v1/models describes the model, GET /metrics the router"},
}

// wayOut is the end of a message about an unknown path: the route that was
// probably meant, or why there is none.
func (t table) wayOut(path string) string {
	path = strings.TrimRight(slashes.ReplaceAllString(path, "/"), "/")
	for _, known := range slices.Sorted(maps.Keys(t)) {
		end := strings.TrimPrefix(known, "/v1")
		if strings.Count(end, "/") > 0 && !strings.HasSuffix(end, "/") && strings.HasSuffix(path, end) {
			return ": did you mean " + known + "?"
		}
	}
	parts := strings.Split(strings.TrimPrefix(strings.TrimPrefix(path, "/"), "v1/"), "/")
	for _, a := range absent {
		if slices.Contains(a.parts, parts[0]) {
			return ": " + a.why
		}
	}
	return ""
}
