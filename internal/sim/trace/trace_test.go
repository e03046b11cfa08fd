package trace

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

const azure = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109\r\n2023-11-16 18:15:50.9951690,1,1"

const mooncake = `{"timestamp": 0, "input_length": 600, "output_length": 52, "hash_ids": [46, 47]}
{"timestamp": 3000, "input_length": 512, "output_length": 1, "hash_ids": [46]}
`

func TestTracesAreReadByTheirFormat(t *testing.T) {
	got, err := Read(strings.NewReader(azure))
	want := []Request{{0, 374, 44, nil}, {4314579 * time.Microsecond, 396, 109, nil}, {4314579 * time.Microsecond, 1, 1, nil}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("azure: %v, %v, want %v", got, err, want)
	}
	got, err = Read(strings.NewReader(mooncake))
	want = []Request{{0, 600, 52, []uint64{46, 47}}, {3 * time.Second, 512, 1, []uint64{46}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("mooncake: %v, %v, want %v", got, err, want)
	}
}

// TestBadLinesAreNamed: the error has the number of the line and the field, and every
// fault of a file is in it.
func TestBadLinesAreNamed(t *testing.T) {
	const header = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", []string{"empty"}},
		{"a header only", header, []string{"no request"}},
		{"a sign", header + "2023-11-16 18:15:46,+1,2\n", []string{`line 2: ContextTokens: "+1": want a whole number`}},
		{"a power", header + "2023-11-16 18:15:46,1e3,2\n", []string{`line 2: ContextTokens: "1e3": want a whole number`}},
		{"no such day", header + "2023-02-30 18:15:46,1,2\n", []string{"line 2: TIMESTAMP: "}},
		{"a zero byte", header + "2023-11-16 18:15:46,1,2\x00\n", []string{`line 2: GeneratedTokens: "2\x00"`}},
		{"a long line", header + strings.Repeat("a", maxLine+1), []string{"line 2: longer than 4194304 bytes"}},
		{"a key twice", `{"timestamp": 0, "timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": [1]}`, []string{`line 1: key "timestamp" appears twice`}},
		{"a time beyond numbers", `{"timestamp": 1e400, "input_length": 1, "output_length": 1, "hash_ids": [1]}`, []string{"line 1: timestamp: 1e400: want milliseconds"}},
		{"a list", mooncake + "[]\n", []string{"line 3: expected a JSON object, found an array"}},
		{"another header", "TIMESTAMP,ContextTokens,Generated\n", []string{`line 1: GeneratedTokens: the column is called "Generated"`}},
		{"a field too many", header + "2023-11-16 18:15:46,1,2,3\n", []string{"line 2: 4 fields: want 3"}},
		{"no number", header + "2023-11-16 18:15:46,x,2\n", []string{`line 2: ContextTokens: "x": want a whole number`}},
		{"two faults", header + "2023-11-16 18:15:46,0,2\n2023-11-16,4,-1\n", []string{"line 2: ContextTokens: 0 tokens", "line 3: GeneratedTokens: -1 tokens", `line 3: TIMESTAMP: "2023-11-16": want a time`}},
		{"back in time", header + "2023-11-16 18:15:46,1,2\n2023-11-16 18:15:45,1,2\n", []string{"line 3: TIMESTAMP: earlier"}},
		{"an empty line", header + "2023-11-16 18:15:46,1,2\n\n", []string{"line 3: the line is empty"}},
		{"no JSON", "{\n", []string{"line 1: "}},
		{"an unknown field", `{"timestamp": 0, "input_length": 1, "output_length": 1, "hash_ids": [1], "model": 2}`, []string{"line 1: model: unknown field"}},
		{"missing fields", `{"timestamp": 0, "hash_ids": [1]}`, []string{"line 1: input_length: missing", "line 1: output_length: missing"}},
		{"a fraction of a token", `{"timestamp": 0, "input_length": 1.5, "output_length": 1, "hash_ids": [1]}`, []string{"line 1: input_length: 1.5: want a whole number"}},
		{"too few blocks", mooncake + `{"timestamp": 3000, "input_length": 513, "output_length": 1, "hash_ids": [1]}`, []string{"line 3: hash_ids: 1 blocks for a prompt of 513 tokens: want 2"}},
		{"blocks of another kind", `{"timestamp": 0, "input_length": 1, "output_length": 1, "hash_ids": null}`, []string{"line 1: hash_ids: want a list"}},
		{"Mooncake back in time", mooncake + `{"timestamp": 2999, "input_length": 1, "output_length": 1, "hash_ids": [1]}`, []string{"line 3: timestamp: earlier"}},
		{"a year and more", `{"timestamp": 0, "input_length": 1, "output_length": 1, "hash_ids": [1]}` + "\n" + `{"timestamp": 1e12, "input_length": 1, "output_length": 1, "hash_ids": [1]}`, []string{"line 2: timestamp: ", "after the first request"}},
	}
	for _, tt := range tests {
		got, err := Read(strings.NewReader(tt.text))
		if err == nil || got != nil {
			t.Errorf("%s: %v, no error", tt.name, got)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", tt.name, err, want)
			}
		}
	}
	_, err := Read(strings.NewReader(header + strings.Repeat("?\n", 1000)))
	if n := strings.Count(err.Error(), "\n") + 1; n != maxFaults {
		t.Errorf("an error of %d lines for a file of faults, want %d", n, maxFaults)
	}
	var fault *LineError
	if !errors.As(err, &fault) || fault.Line != 2 {
		t.Errorf("%v is no LineError of line 2", err)
	}
}

func TestSyntheticTracesHaveTheStatisticsOfTheirKind(t *testing.T) {
	for kind, want := range fits {
		s := Synthetic{Kind: kind, Seed: 1, Duration: 4 * time.Hour}
		requests := s.Make()
		got := Describe(requests)
		near := func(what string, got, want, share float64) {
			t.Helper()
			if got < want*(1-share) || got > want*(1+share) {
				t.Errorf("%s: %s is %.4g, want %.4g", kind, what, got, want)
			}
		}
		// A shape below 1 is a few bursts: their number decides the rate.
		rates := 0.05
		if want.shape < 1 {
			rates = 0.2
		}
		near("rate", got.Rate, want.rate, rates)
		near("gamma shape", got.Shape, want.shape, 0.35)
		for _, level := range []int{3, 5, 7, 9, 11, 12} {
			near("a quantile of prompts", got.Prompt[level], want.prompt[level], 0.1)
			near("a quantile of answers", got.Answer[level], want.answer[level], 0.1)
		}
		if kind == MooncakeConversation { // as in the real trace
			near("share of continued prompts", got.Continued, 0.387, 0.05)
			near("share of reused blocks", got.Reused, 0.366, 0.1)
		} else if got.Reused != 0 {
			t.Errorf("%s: %v of the blocks are reused", kind, got.Reused)
		}
		if again := s.Make(); !reflect.DeepEqual(requests, again) {
			t.Errorf("%s: the same seed makes other requests", kind)
		}
	}
}

func TestRateOfASyntheticTraceIsTheOneAskedFor(t *testing.T) {
	got := Describe(Synthetic{Kind: AzureConversation, Seed: 7, Duration: time.Hour, Rate: 40}.Make())
	if got.Rate < 38 || got.Rate > 42 {
		t.Errorf("%v requests a second, want 40", got.Rate)
	}
	err := Synthetic{Kind: "x", Duration: -1, Rate: -1}.Validate()
	for _, want := range []string{`trace "x"`, "duration -1ns", "rate -1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestWrittenTracesAreReadAgain(t *testing.T) {
	for _, kind := range []Kind{AzureConversation, MooncakeConversation} {
		want := Synthetic{Kind: kind, Seed: 3, Duration: 10 * time.Minute}.Make()
		unit, write := 100*time.Nanosecond, WriteAzure
		if kind == MooncakeConversation {
			unit, write = time.Millisecond, WriteMooncake
		}
		first := want[0].At.Truncate(unit)
		for i := range want {
			want[i].At = want[i].At.Truncate(unit) - first
		}
		var file bytes.Buffer
		if err := write(&file, want); err != nil {
			t.Fatal(err)
		}
		got, err := Read(&file)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d requests, %v, want %d", kind, len(got), err, len(want))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(azure))
	f.Add([]byte(mooncake))
	f.Add([]byte(`{"timestamp": -1e300, "input_length": 99999999999, "output_length": 1, "hash_ids": [-1]}`))
	f.Add([]byte("TIMESTAMP,ContextTokens,GeneratedTokens\n0001-01-01 00:00:00,1,1\n9999-12-31 23:59:59.999,1,1\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		requests, err := Read(bytes.NewReader(raw))
		if (err == nil) != (len(requests) > 0) {
			t.Fatalf("%d requests and %v", len(requests), err)
		}
		for i, r := range requests {
			if r.Prompt < 1 || r.Answer < 1 || r.At < 0 || r.At > maxSpan || (i > 0 && r.At < requests[i-1].At) || (r.Blocks != nil && len(r.Blocks) != blocksOf(r.Prompt)) {
				t.Fatalf("request %d is %+v", i, r)
			}
		}
	})
}
