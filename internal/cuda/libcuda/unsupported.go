//go:build !linux || (!amd64 && !arm64)

package libcuda

import (
	"fmt"
	"runtime"

	"github.com/hachi-serve/hachi/internal/cuda"
)

// Open refuses: hachi knows the driver of Linux on amd64 and arm64 only.
func Open() (cuda.Library, error) { return OpenFile("libcuda.so.1") }

// OpenFile refuses as Open does.
func OpenFile(string) (cuda.Library, error) {
	return nil, fmt.Errorf("backend cuda needs Linux on amd64 or arm64, and this is %s on %s", runtime.GOOS, runtime.GOARCH)
}
