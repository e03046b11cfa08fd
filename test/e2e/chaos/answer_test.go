package chaos

import (
	"strings"
	"testing"
)

func TestHowAStreamIsCutDoesNotMatter(t *testing.T) {
	whole, err := join([][]byte{[]byte(`{"choices":[{"index":0,"delta":{"content":"one two"},"logprobs":{"content":[{"token":"one"},{"token":" two"}]},"finish_reason":"stop"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	cut, err := join([][]byte{
		[]byte(`{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`),
		[]byte(`{"choices":[{"index":0,"delta":{"content":"one"},"logprobs":{"content":[{"token":"one"}]}}]}`),
		[]byte(`{"choices":[{"index":0,"delta":{"content":" two"},"logprobs":{"content":[{"token":" two"}]},"finish_reason":"stop"}]}`),
	})
	if err != nil || cut != whole {
		t.Errorf("%v\n%s\n%s", err, cut, whole)
	}
	for _, other := range []string{
		`{"choices":[{"index":0,"message":{"content":"one twp"},"finish_reason":"stop"}]}`,
		`{"choices":[{"index":0,"message":{"content":"one two"},"finish_reason":"length"}]}`,
		`{"choices":[{"index":1,"message":{"content":"one two"},"finish_reason":"stop"}]}`,
	} {
		if got, err := join([][]byte{[]byte(other)}); err != nil || got == whole {
			t.Errorf("%v: %s is the same answer", err, other)
		}
	}
}

func TestAnErrorInAStreamIsAFailure(t *testing.T) {
	_, err := join([][]byte{[]byte(`{"choices":[]}`), []byte(`{"error":{"message":"an expert has no replica"}}`)})
	if err == nil || !strings.Contains(err.Error(), "no replica") {
		t.Error(err)
	}
}
