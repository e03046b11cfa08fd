//go:build nomini

package mini

import "embed"

// embedded has no files.
var embedded embed.FS
