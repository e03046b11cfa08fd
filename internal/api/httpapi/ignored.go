package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// IgnoredHeader names, in an answer, the members of the request that were not
// read.
const IgnoredHeader = "X-Ignored-Parameters"

const (
	// maxNamed is the maximum number of paths in the header: proxies bound the
	// size of an answer's header to 4 KiB and more.
	maxNamed = 20
	// maxPath is the maximum length of a path in the header, bytes.
	maxPath = 100
)

// Unread calls f for the keys of this object that were not read, in order.
func (r *Reader) Unread(f func(name string)) {
	for i, m := range r.members {
		if !r.read[i] {
			f(m.Key)
		}
	}
}

// Ignore names a member, or an element of one such as include[0], that was read and
// has no effect.
func (r *Reader) Ignore(name string) { r.ignore = append(r.ignore, r.Path(name)) }

// ignored returns the paths of all members that were not read, of this object
// and of those inside it.
func (r *Reader) ignored() []string {
	paths := slices.Clone(r.ignore)
	r.Unread(func(name string) { paths = append(paths, r.Path(name)) })
	for _, in := range r.inner {
		paths = append(paths, in.ignored()...)
	}
	return paths
}

// element matches the number of an element in a path.
var element = regexp.MustCompile(`\[\d+\]`)

// nameIgnored adds paths to the header. Of too many paths it names the elements
// of a list together, as messages[*].id, and counts the rest.
func nameIgnored(h http.Header, paths []string) {
	if len(paths) > maxNamed {
		for i := range paths {
			paths[i] = element.ReplaceAllString(paths[i], "[*]")
		}
		slices.Sort(paths)
		paths = slices.Compact(paths)
	}
	for _, path := range paths[:min(maxNamed, len(paths))] {
		h.Add(IgnoredHeader, headerText(path))
	}
	if more := len(paths) - maxNamed; more > 0 {
		h.Add(IgnoredHeader, fmt.Sprintf("and %d more", more))
	}
}

// headerText makes a path fit for a list in a header: other characters than
// visible ASCII, commas and percent signs are escaped as in a URL.
func headerText(path string) string {
	var out strings.Builder
	for _, c := range path {
		if c <= ' ' || c >= 0x7f || c == ',' || c == '%' {
			out.WriteString(strings.ReplaceAll(url.QueryEscape(string(c)), "+", "%20"))
		} else {
			out.WriteRune(c)
		}
		if out.Len() > maxPath {
			return out.String()[:maxPath] + "..."
		}
	}
	return out.String()
}
