package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

// chatURL is the base of the router to talk to: the given one, or the only one
// that `hachi up` runs on this machine, or the default.
func chatURL(given string) (string, error) {
	if given != "" {
		return baseURL(given)
	}
	run, err := theOnly("--url", func(local.RunFile) bool { return true }, func(r local.RunFile) string { return r.URL })
	if errors.Is(err, errNoneRuns) {
		return defaultURL, nil // perhaps a router that was started by hand
	}
	return run.URL, err
}

// baseURL makes a base of what people give as the address of a server: HOST:PORT,
// a port, a base URL with or without /v1, or the URL of an endpoint.
func baseURL(given string) (string, error) {
	text := strings.TrimSpace(given)
	fault := func() (string, error) {
		return "", &role.ConfigError{Err: fmt.Errorf("--url %q: want HOST:PORT or http://HOST:PORT", given)}
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "http", text
	}
	if !found && isPort(rest) {
		rest = ":" + rest
	}
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.ContainsAny(u.Host, " @") {
		return fault()
	}
	host, port := u.Hostname(), u.Port()
	switch {
	case host == "" && port == "":
		return fault()
	case host == "" || host == "0.0.0.0" || host == "::": // where a server listens on every interface
		u.Host = net.JoinHostPort("127.0.0.1", port)
	case port == "" && !found:
		u.Host = net.JoinHostPort(host, "8080")
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	for before := ""; path != before; {
		before = path
		for _, end := range []string{"/chat/completions", "/completions", "/v1"} {
			path = strings.TrimRight(strings.TrimSuffix(path, end), "/")
		}
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String() + path, nil
}

func isPort(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}
