package failure

import "regexp"

// addresses match what a message says of the inside of a cluster: URLs, IP addresses,
// hosts, and paths of files and sockets. A group is what stands before.
var addresses = []*regexp.Regexp{
	regexp.MustCompile(`(?i)()(?:\b[a-z][a-z0-9+.-]*://[^\s"',;]+` + // a URL
		`|\bunix:@?[\w./@+~-]+` +
		`|\[[0-9a-f:.%a-z]*:[0-9a-f:.%a-z]*\](?::\d+)?` + // [::1]:80
		`|(?:[0-9a-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{0,4})(?:%\w+)?` + // fe80::1%eth0, ::ffff:10.0.0.1
		`|\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?` + // 10.0.0.1:80
		`|\b[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?:\d{1,5}\b` + // host:80
		`|\blookup [^\s:]+` + // of DNS
		`|\b(?:[a-z0-9_-]+\.)+[a-z]{2,}\b)`), // expert-3.hachi.svc
	regexp.MustCompile(`(^|[\s"'=(:,])@?/[\w.@+~-]+(?:/[\w.@+~-]*)*`), // /run/hachi/x
}

// withoutAddresses leaves out where things are: a client can do nothing with it, and
// an attacker can. The log has it, under the id of the request.
func withoutAddresses(message string) string {
	for _, a := range addresses {
		message = a.ReplaceAllString(message, "${1}(address)")
	}
	return message
}
