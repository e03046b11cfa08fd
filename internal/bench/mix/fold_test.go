package mix

import (
	"strings"
	"testing"
)

// stream is a stream of events.
func stream(events ...string) string {
	return "data: " + strings.Join(append(events, "[DONE]"), "\n\ndata: ") + "\n\n"
}

func TestHowAStreamIsCutDoesNotMatter(t *testing.T) {
	whole, err := Fold(stream(`{"id":"a","choices":[{"index":0,"delta":{"role":"assistant","content":"one two"},"logprobs":{"content":[{"token":"one"},{"token":" two"}]},"finish_reason":"stop"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	cut, err := Fold(": waiting\n\n" + stream(
		`{"id":"b","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`,
		`{"id":"b","choices":[{"index":0,"delta":{"content":"one"},"logprobs":{"content":[{"token":"one"}]}}]}`,
		`{"id":"b","choices":[{"index":0,"delta":{"content":" two"},"logprobs":{"content":[{"token":" two"}]},"finish_reason":"stop"}]}`,
	))
	if err != nil || cut != whole {
		t.Errorf("%v\n%s\n%s", err, cut, whole)
	}
	for _, other := range []string{
		`{"choices":[{"index":0,"delta":{"role":"assistant","content":"one twp"},"logprobs":{"content":[{"token":"one"},{"token":" two"}]},"finish_reason":"stop"}]}`,
		`{"choices":[{"index":0,"delta":{"role":"assistant","content":"one two"},"logprobs":{"content":[{"token":"one"},{"token":" two"}]},"finish_reason":"length"}]}`,
		`{"choices":[{"index":1,"delta":{"role":"assistant","content":"one two"},"logprobs":{"content":[{"token":"one"},{"token":" two"}]},"finish_reason":"stop"}]}`,
	} {
		if got, err := Fold(stream(other)); err != nil || got == whole {
			t.Errorf("%v: %s is the same answer", err, other)
		}
	}
}

func TestAStreamThatFailsIsAnError(t *testing.T) {
	for answer, want := range map[string]string{
		stream(`{"choices":[]}`, `{"error":{"message":"an expert has no replica"}}`): "no replica",
		"data: {}\n\n":               "without its end",
		`{"error":{"message":"no"}}`: "the answer failed",
	} {
		if _, err := Fold(answer); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", answer, err)
		}
	}
}
