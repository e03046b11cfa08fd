package source

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Scheme is a kind of place.
type Scheme string

const (
	Directory Scheme = "" // of this machine
	Web       Scheme = "http"
	S3        Scheme = "s3"
	OCI       Scheme = "oci"
)

// Location is where a model is.
type Location struct {
	Scheme Scheme
	Path   string   // of a Directory or an OCI layout
	Tag    string   // in an OCI layout; "" is the only one
	URL    *url.URL // of Web; its path ends with a slash
	Bucket string   // of S3
	Prefix string   // in the bucket, without slashes at its ends
}

// IsRemote reports whether a name of a model, as a user writes it, is no directory.
func IsRemote(text string) bool {
	return strings.Contains(text, "://") || strings.HasPrefix(text, "oci:")
}

// Parse reads DIRECTORY, http://BASE, https://BASE, s3://BUCKET/PREFIX or oci:DIRECTORY[:TAG].
// The error does not repeat what may be a credential.
func Parse(text string) (Location, error) {
	if dir, ok := strings.CutPrefix(text, "oci:"); ok && !strings.HasPrefix(dir, "//") {
		return parseOCI(dir)
	}
	if !IsRemote(text) {
		return Location{Scheme: Directory, Path: text}, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return Location{}, errors.New("the URL of the model cannot be read: want http://, https:// or s3://, a host and a path")
	}
	switch {
	case u.User != nil:
		return Location{}, errors.New("the URL of the model has a user name or a password, which process lists and logs would show: give credentials by a file")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return Location{}, errors.New("the URL of the model has a query or a fragment, which may be a credential that process lists and logs would show: give a base URL, to which file names are appended")
	case u.Host == "":
		return Location{}, fmt.Errorf("%q: no host", text)
	}
	switch u.Scheme {
	case "http", "https":
		u.Path = strings.TrimRight(u.Path, "/") + "/"
		u.RawPath = ""
		return Location{Scheme: Web, URL: u}, nil
	case "s3":
		return Location{Scheme: S3, Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}, nil
	}
	return Location{}, fmt.Errorf("%q: unknown scheme: want a directory, http://BASE, https://BASE, s3://BUCKET/PREFIX or oci:DIRECTORY[:TAG]", text)
}

func parseOCI(text string) (Location, error) {
	l := Location{Scheme: OCI, Path: text}
	if i := strings.LastIndexByte(text, ':'); i > strings.LastIndexByte(text, '/') {
		l.Path, l.Tag = text[:i], text[i+1:]
	}
	if l.Path == "" || strings.HasSuffix(text, ":") || strings.LastIndexByte(l.Path, ':') > strings.LastIndexByte(l.Path, '/') {
		return l, fmt.Errorf("oci:%s: want oci:DIRECTORY or oci:DIRECTORY:TAG", text)
	}
	return l, nil
}

// String is the location as a user writes it.
func (l Location) String() string {
	switch l.Scheme {
	case Web:
		return l.URL.String()
	case S3:
		return strings.TrimRight("s3://"+l.Bucket+"/"+l.Prefix, "/")
	case OCI:
		if l.Tag != "" {
			return "oci:" + l.Path + ":" + l.Tag
		}
		return "oci:" + l.Path
	}
	return l.Path
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
