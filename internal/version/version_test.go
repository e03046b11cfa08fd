package version

import (
	"runtime/debug"
	"testing"
)

// TestShort: what the linker sets comes before what Go has stamped.
func TestShort(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	stamped := func(modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "f" + commit}, {Key: "vcs.modified", Value: modified}}}
	}
	for name, tt := range map[string]struct {
		release, commit string
		info            *debug.BuildInfo
		want            string
	}{
		"a release":                 {"v0.1.0", commit, stamped("false"), "v0.1.0"},
		"a commit":                  {"", commit, &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "0123456789ab"},
		"a commit and no stamp":     {"", commit, nil, "0123456789ab"},
		"a repository":              {"", "", stamped("false"), "f0123456789a"},
		"a repository with changes": {"", "", stamped("true"), "f0123456789a-dirty"},
		"go install":                {"", "", &debug.BuildInfo{Main: debug.Module{Version: "v0.2.0"}}, "v0.2.0"},
		"nothing":                   {"", "", nil, ""},
	} {
		if got := short(tt.release, tt.commit, tt.info); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
