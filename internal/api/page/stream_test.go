package page_test

import (
	"testing"
)

// TestStreamParser: every way of writing events, cut at every byte.
func TestStreamParser(t *testing.T) {
	p := newTab(t)
	p.open(newServer(t, options{}).URL)
	for _, fault := range eval[[]string](p, `(async () => {
		const { parser } = `+module("sse.js")+`;
		const cases = [
			["data: a\n\ndata: b\n\n", [["a", ""], ["b", ""]]],
			["data:a\n\n", [["a", ""]]],
			["data:  a \n\n", [[" a ", ""]]],
			["data: a\r\n\r\ndata: b\r\rdata: c\n\r\n", [["a", ""], ["b", ""], ["c", ""]]],
			["\ufeffdata: a\n\n", [["a", ""]]],
			[": heartbeat\n\ndata: a\n\n:\n", ["heartbeat", ["a", ""], ""]],
			["data: a\n: in between\ndata: b\n\n", ["in between", ["a\nb", ""]]],
			["event: x\nid: 7\nretry: 3\nunknown: y\ndata: a\n\ndata: b\n\n", [["a", "x"], ["b", ""]]],
			["event: x\n\ndata: a\n\n", [["a", ""]]],
			["data\n\n", [["", ""]]],
			["data: 八😀 é\n\n", [["八😀 é", ""]]],
			["data: a\n\ndata: cut", [["a", ""]]],
			["data: a\n\ndata: cut\n", [["a", ""]]],
			["\n\n\n", []],
		];
		const faults = [];
		for (const [text, want] of cases) {
			const bytes = new TextEncoder().encode(text);
			for (let cut = 0; cut <= bytes.length; cut++) {
				for (const parts of [[bytes.slice(0, cut), bytes.slice(cut)], Array.from(bytes, (b) => Uint8Array.of(b))]) {
					const parse = parser();
					const got = parts.flatMap((part) => parse(part)).map((item) => item.comment ?? [item.data, item.event]);
					if (JSON.stringify(got) !== JSON.stringify(want)) {
						faults.push(JSON.stringify({ text, cut, got, want }));
					}
				}
			}
		}
		return faults;
	})()`) {
		t.Error(fault)
	}
}
