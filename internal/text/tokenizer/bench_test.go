package tokenizer

import (
	"strings"
	"testing"
)

// benchTexts are 100 KB each. The time per byte of a run of one character is
// that of prose: encoding is not quadratic.
var benchTexts = map[string]string{
	"english":  strings.Repeat("The year 2024 was, by all accounts, an unusual one for the experts of the cluster. ", 1220)[:100_000],
	"japanese": strings.Repeat("昨日は雨だったが、今日は晴れている。吾輩は猫である。名前はまだ無い。", 1000)[:99_999],
	"run":      strings.Repeat("a", 100_000),
	"spaces":   strings.Repeat(" ", 100_000),
	"unknown":  strings.Repeat("龘", 33_333),
}

func BenchmarkEncode(b *testing.B) {
	tok := mistral(b)
	for name, text := range benchTexts {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				tok.Encode(text)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	tok := mistral(b)
	ids := tok.Encode(benchTexts["japanese"])
	b.SetBytes(int64(len(benchTexts["japanese"])))
	for b.Loop() {
		tok.Decode(ids)
	}
}

func BenchmarkLoad(b *testing.B) {
	base := convert()
	for name, files := range map[string]map[string]string{
		"model": {modelFile: string(MistralV1())}, "json": {jsonFile: base.file(b, "legacy", nil)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				mustOpen(b, files)
			}
		})
	}
}
