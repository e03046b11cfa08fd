// Package console is a web page for the operators of a cluster, which routers and
// gateways serve at their admin listeners, under /console.
//
// What it owns: the pages, their files, the sessions of signed-in people, and what
// each of them may do. What the pages show comes from package status, whose model of a
// cluster hachi status prints too. What operators ask for goes to the process that
// decides about it, with the operator's own key.
//
//	console.go       the console and its routes
//	person.go        who asks, and what they may do
//	session.go       the keys of those who are signed in
//	asset.go         embedded files, by the hash of their content
//	render.go        templates
//	live.go          server-sent events: parts of pages that have changed
//	heatmap.go       the grid of experts
//	overview.go, experts.go, nodes.go, hops.go, requests.go, placement.go, events.go,
//	chat.go          one page each
//	action.go        what operators do: drain, cancel
//
// Invariants: every route says who may call it, and one that does not is for operators.
// No page has a script or a style in it, and none loads a file from elsewhere; the
// Content-Security-Policy forbids both. Everything works by keyboard, and nothing is
// said by color only. Names of nodes and requests are texts of peers: templates
// escape them.
//
// Concurrency: a Console may be used from any goroutine.
//
// References: WCAG 2.2, CSP Level 3, RFC 6265bis (cookies), HTML (server-sent events).
package console
