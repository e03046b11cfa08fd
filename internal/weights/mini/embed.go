//go:build !nomini

package mini

import "embed"

//go:embed model
var embedded embed.FS
