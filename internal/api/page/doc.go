// Package page is the chat page of a router: what a browser shows at /.
//
// What it owns: the HTML, CSS and JavaScript under assets, which are embedded
// and served as they are written, without a build step; their caching, and the
// policy that keeps the text of a model from running as code.
//
//	assets/index.html       the only document
//	assets/app.js           joins the modules below
//	assets/sse.js, api.js   read the API: streams, models, readiness, errors
//	assets/key.js           keeps the API key while the tab is open
//	assets/conversation.js  turns of a conversation, without any DOM
//	assets/markdown.js,     Markdown into DOM nodes, never through HTML text
//	assets/inline.js
//	assets/turn.js          shows one turn
//	assets/settings.js      sliders, sampling, system message
//	assets/connection.js    follows whether the server is ready
//
// Invariants: a page needs nothing but its own router: it loads no file, font
// or script from elsewhere, and the Content-Security-Policy forbids it. Only "/"
// and paths below "/page/" belong to the page. A path below /page/ has the hash
// of all assets in it, so its content never changes.
//
// Concurrency: handlers share read-only memory.
//
// References: RFC 9110 (conditional requests), RFC 8246 (immutable), CSP Level
// 3, Trusted Types.
package page
