package failure

import "regexp"

// address matches what a message says of the inside of a cluster: URLs, IP addresses,
// hosts with ports, and paths of files and sockets.
var address = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s"',;]+` + // a URL
	`|\[[0-9a-f:.%a-z]*:[0-9a-f:.%a-z]*\](?::\d+)?` + // [::1]:80
	`|\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?` + // 10.0.0.1:80
	`|\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:%\w+)?` + // fe80::1%eth0
	`|\b[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?:\d{1,5}\b` + // host:80
	`|\blookup [^\s:]+` + // of DNS
	`|(?:unix:)?@?/[\w.@+~-]+(?:/[\w.@+~-]+)+`) // /run/hachi/x

// withoutAddresses leaves out where things are: a client can do nothing with it, and
// an attacker can. The log has it, under the id of the request.
func withoutAddresses(message string) string { return address.ReplaceAllString(message, "(address)") }
