package version

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"strings"
)

// release and commit are set by the linker
// (-X github.com/hachi-serve/hachi/internal/version.release=v0.1.0) where the build sees
// no repository, as that of the image.
var release, commit string

// Line names the build. Two binaries with one line hold the same code: compare the
// lines when fingerprints differ.
func Line() string {
	r, c := release, commit
	if info, ok := debug.ReadBuildInfo(); ok {
		r = cmp.Or(r, info.Main.Version)
		c = cmp.Or(c, revision(info))
	}
	return "hachi " + cmp.Or(r, "(unreleased)") + " commit " + cmp.Or(c, "unknown") + " " + runtime.Version()
}

// shortCommit is how many digits of a commit Short has.
const shortCommit = 12

// Short is the release of the build, or else its commit; "" if neither is known.
func Short() string {
	info, _ := debug.ReadBuildInfo()
	return short(release, commit, info)
}

func short(release, commit string, info *debug.BuildInfo) string {
	if release != "" {
		return release
	}
	of := ""
	if info != nil {
		commit, of = cmp.Or(commit, revision(info)), info.Main.Version
	}
	if len(commit) > shortCommit {
		digits, dirty, changed := strings.Cut(commit, "-")
		if commit = digits[:min(len(digits), shortCommit)]; changed {
			commit += "-" + dirty
		}
	}
	return cmp.Or(commit, of)
}

// revision is the commit of a build from a repository, with -dirty after it
// when the work tree had changes.
func revision(info *debug.BuildInfo) string {
	var rev, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if rev == "" {
		return ""
	}
	return rev + dirty
}
