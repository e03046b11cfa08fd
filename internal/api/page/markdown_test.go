package page_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
)

// module imports a module of the page.
func module(name string) string {
	return `(await import(new URL(` + "`" + name + "`" + `, document.querySelector("script[type=module]").src)))`
}

// render returns the HTML that the page makes of Markdown.
func render(p *tab, text string) string {
	p.t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		p.t.Fatal(err)
	}
	return eval[string](p, `(async () => {
		const { Markdown } = `+module("markdown.js")+`;
		const at = document.createElement("div");
		new Markdown(at).show(`+string(quoted)+`);
		return at.innerHTML;
	})()`)
}

func TestMarkdown(t *testing.T) {
	p := newTab(t)
	p.open(newServer(t, options{}).URL)
	const link = ` rel="noopener noreferrer nofollow" target="_blank">`
	for _, tt := range []struct{ text, want string }{
		{"a\nb\n\nc", "<p>a<br>b</p><p>c</p>"},
		{"### One\n###### Two #\n# Three\n## Four", "<h3>One</h3><h4>Two</h4><h3>Three</h3><h4>Four</h4>"},
		{"**b** *i* ***x*** ~~d~~ __b__ _i_", "<p><strong>b</strong> <em>i</em> <strong><em>x</em></strong> <del>d</del> <strong>b</strong> <em>i</em></p>"},
		{"これは**重要**です", "<p>これは<strong>重要</strong>です</p>"},
		{"snake_case_name 2*3*4 ** a **", "<p>snake_case_name 2<em>3</em>4 ** a **</p>"},
		{"**open", "<p>**open</p>"},
		{`\*a\* \<b\>`, "<p>*a* &lt;b&gt;</p>"},
		{"`a<b` ``c`d`` `open", "<p><code>a&lt;b</code> <code>c`d</code> `open</p>"},
		{"- a\n- b\n  - c\n\n1. d\n2. e", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><ol><li>d</li><li>e</li></ol>"},
		{"3) a\n4) b", `<ol start="3"><li>a</li><li>b</li></ol>`},
		{"> a\n> > b", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>"},
		{"---\n***", "<hr><hr>"},
		{"[x](https://a.example/?q=1&r=(2)) y", `<p><a href="https://a.example/?q=1&amp;r=(2)"` + link + `x</a> y</p>`},
		{"See https://a.example/b. <http://c.example>", `<p>See <a href="https://a.example/b"` + link + `https://a.example/b</a>. <a href="http://c.example/"` + link + `http://c.example</a></p>`},
		{"![alt](https://a.example/p.png)", `<p><a href="https://a.example/p.png"` + link + `alt</a></p>`},
		{"| a | b |\n|---|--:|\n| 1 | *2* |\n| 3 |", `<div class="table" tabindex="0" role="group" aria-label="Table"><table><thead><tr><th scope="col">a</th><th class="right" scope="col">b</th></tr></thead>` +
			`<tbody><tr><td>1</td><td class="right"><em>2</em></td></tr><tr><td>3</td><td class="right"></td></tr></tbody></table></div>`},
		{"a | b\nc", "<p>a | b<br>c</p>"},
	} {
		if got := render(p, tt.text); got != tt.want {
			t.Errorf("%q\n is %s\nwant %s", tt.text, got, tt.want)
		}
	}
	for _, text := range []string{"```go\na < b\n\n  c\n```\nafter", "```go\na < b\n\n  c"} { // closed, and still growing
		got := render(p, text)
		if !strings.Contains(got, "<code>a &lt; b\n\n  c</code>") || !strings.Contains(got, "<span>go</span>") || strings.Contains(text, "after") != strings.HasSuffix(got, "<p>after</p>") {
			t.Errorf("%q is %s", text, got)
		}
	}
}

// hostile are texts that try to run code, to load something, to leave the page or
// to take all time.
var hostile = []string{
	`<script>window.broken = 1</script><img src=x onerror="window.broken = 1"><iframe src="/"></iframe><style>*{display:none}</style>`,
	`<svg/onload=window.broken=1><a href="javascript:window.broken=1">x</a><form action="/x"><input name=a></form>`,
	`[a](javascript:window.broken=1) [b](JaVaScRiPt:window.broken=1) [c](data:text/html,<script>1</script>) [d](vbscript:x) [e](//evil.example) [f](file:///etc/passwd) [g](/readyz)`,
	"[a](\x01javascript:window.broken=1) [b](java\tscript:window.broken=1) [c](https:javascript:x) <javascript:window.broken=1> [d]( javascript:x )",
	"[a](https://x.example/\"onmouseover=\"window.broken=1) [b](https://x.example/'onfocus='window.broken=1)",
	"![x](https://x.example/track.png) ![y](javascript:window.broken=1)",
	"```\"><script>window.broken=1</script>\n</code></pre><script>window.broken=1</script>\n```",
	"| <img src=x onerror=window.broken=1> | b |\n|---|---|\n| </td></table><script>window.broken=1</script> | c |",
	"# <b onclick=window.broken=1>x</b>\n> <i>y</i>\n- <u>z</u>",
	"&lt;script&gt; &#x3c;script&#x3e; \x00 \u202etxt.exe\u202c",
	"[[[[a](https://x.example)](https://y.example)](https://z.example)",
	strings.Repeat("> ", 3000) + "deep",
	strings.Repeat("- ", 3000) + "deep",
	strings.Repeat("[", 20000), strings.Repeat("![](", 5000), strings.Repeat("*a ", 5000), strings.Repeat("**a*b__c_", 2000), strings.Repeat("`", 9999) + "x",
	strings.Repeat("<https://", 3000), strings.Repeat("_*~~", 5000), strings.Repeat("\\", 20000), strings.Repeat("a|", 5000) + "\n" + strings.Repeat("-|", 5000),
	strings.Repeat("| a ", 3000) + "\n" + strings.Repeat("|---", 3000) + "\n|x", strings.Repeat("- a\n", 3000), strings.Repeat("1. a\n  ", 2000),
	strings.Repeat(" ", 20000) + "|", strings.Repeat("x", 100000), strings.Repeat("#", 50) + " x", "\r\r\n\n\r",
}

// TestHostileMarkdownIsText: only elements of the renderer, only links to http and
// https, nothing that runs, and all the text still to be read.
func TestHostileMarkdownIsText(t *testing.T) {
	s := newServer(t, options{})
	p := newTab(t)
	p.open(s.URL)
	quoted, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range eval[[]string](p, `(async () => {
		const { Markdown } = `+module("markdown.js")+`;
		const tags = new Set("P BR H3 H4 H5 H6 STRONG EM DEL CODE PRE A UL OL LI BLOCKQUOTE HR FIGURE FIGCAPTION SPAN BUTTON DIV TABLE THEAD TBODY TR TH TD".split(" "));
		const names = new Set("href rel target class type tabindex role aria-label start scope".split(" "));
		const faults = [];
		for (const text of `+string(quoted)+`) {
			const at = document.createElement("div");
			document.body.append(at);
			new Markdown(at).show(text);
			for (const e of at.querySelectorAll("*")) {
				if (!tags.has(e.tagName)) { faults.push(e.outerHTML.slice(0, 200)); }
				for (const a of e.attributes) { if (!names.has(a.name)) { faults.push(a.name + " in " + text.slice(0, 80)); } }
				if (e.tagName === "A" && (!/^https?:\/\//.test(e.href) || !e.rel.includes("noopener"))) { faults.push(e.href); }
			}
			const letters = (s) => s.replace(/[^a-z0-9]/gi, "").length;
			if (letters(at.textContent + [...at.querySelectorAll("a")].map((a) => a.href)) < letters(text) / 3) { faults.push("lost " + text.slice(0, 80)); }
			at.remove();
		}
		if (window.broken) { faults.push("code ran"); }
		return faults;
	})()`) {
		t.Error(fault)
	}
}

// TestHostileAnswerIsText is the same through the page itself, as an answer, as a
// question and as the name of a node.
func TestHostileAnswerIsText(t *testing.T) {
	text := strings.Join(hostile[:10], "\n\n")
	s := newServer(t, options{script: func(s *server, r engine.Request) enginetest.Script {
		script := saying(text)(s, r)
		script.Nodes = append(script.Nodes, `<img src=x onerror="window.broken = 1">`)
		return script
	}})
	p := newTab(t)
	p.open(s.URL)
	p.say(hostile[0])
	p.answered(1, "done")
	p.WantText(".question-text", hostile[0])
	p.WantText(".nodes", "<img src=x")
	if eval[bool](p, `Boolean(window.broken) || document.querySelector("main :is(img, iframe, script, style, form, svg)") !== null`) {
		t.Error("the answer became more than text")
	}
	// The policy is the second wall: it refuses what the page itself would do.
	if got := eval[string](p, `(() => { try { document.querySelector("#notice").innerHTML = "<b>x</b>"; return "allowed"; } catch (e) { return e.name; } })()`); got != "TypeError" {
		t.Errorf("HTML of a text is %s", got)
	}
	p.Forgive("TrustedHTML")
}

// TestGrowingAnswerKeepsItsFirstBlocks: a selection or the focus in them stays.
func TestGrowingAnswerKeepsItsFirstBlocks(t *testing.T) {
	p := newTab(t)
	p.open(newServer(t, options{}).URL)
	if !eval[bool](p, `(async () => {
		const { Markdown } = `+module("markdown.js")+`;
		const at = document.createElement("div");
		const markdown = new Markdown(at);
		markdown.show("one\n\ntwo");
		const [one, two] = at.children;
		markdown.show("one\n\ntwo three");
		return at.children[0] === one && at.children[1] !== two && at.textContent === "onetwo three";
	})()`) {
		t.Error("the first block was made again, or the last one was not")
	}
}
