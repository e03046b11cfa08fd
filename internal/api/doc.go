// Package api is the HTTP interface of a router: it joins the APIs that the router
// serves.
//
// What it owns: the list of the APIs and their configuration. What they share is
// package httpapi's.
//
// Invariants: every path belongs to one API.
//
// Concurrency: handlers run on the server's goroutines and share nothing.
package api
