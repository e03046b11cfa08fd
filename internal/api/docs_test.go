package api

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/failure"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// docs is docs/api.md.
func docs(t *testing.T) string {
	raw, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// section is the text of a page below a heading, to the next heading.
func section(t *testing.T, page, heading string) string {
	_, text, ok := strings.Cut(page, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/api.md has no %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n#")
	return text
}

var quoted = regexp.MustCompile("`([^`]+)`")

// harmlessValues are the values of unsupported parameters that docs/api.md calls
// harmless, as JSON.
func harmlessValues(t *testing.T) map[string][]string {
	values := map[string][]string{}
	for line := range strings.SplitSeq(section(t, docs(t), "### Not supported"), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		for _, name := range quoted.FindAllStringSubmatch(cells[1], -1) {
			for _, value := range strings.Split(cells[2], ",") {
				if value = strings.Trim(value, " `"); json.Valid([]byte(value)) {
					values[name[1]] = append(values[name[1]], value)
				}
			}
		}
	}
	return values
}

// TestDocsNameEveryRouteAndKey that the APIs have, every type of an error, and every header of
// hachi's own.
func TestDocsNameEveryRouteAndKey(t *testing.T) {
	page := docs(t)
	_, _, routes := guardedServer(t)
	for route := range routes {
		method, path, _ := strings.Cut(route, " ")
		path = strings.TrimSuffix(path, "/")
		if !strings.HasPrefix(path, "/page") && !strings.Contains(page, "`"+method+" "+path) && !strings.Contains(page, "`"+path) {
			t.Errorf("docs/api.md does not name %s", route)
		}
	}
	for _, r := range allRequests(t) {
		objects, _ := take("", any(r.body))
		for _, o := range objects {
			for key := range o.members {
				if _, err := strconv.Atoi(key); err != nil && !regexp.MustCompile("[`\".]"+key+"[`\".= ]").MatchString(page) {
					t.Errorf("docs/api.md does not name %s of %s", member(o.path, key), r.path)
				}
			}
		}
	}
	for _, name := range []string{
		failure.TypeInvalid, failure.TypeRate, failure.TypeTimeout, failure.TypeServer, failure.TypeCanceled,
		httpapi.IgnoredHeader, httpapi.IDHeader, "Retry-After", "X-Should-Retry", "Request-Id",
	} {
		if !strings.Contains(page, "`"+name) {
			t.Errorf("docs/api.md does not name %s", name)
		}
	}
}
