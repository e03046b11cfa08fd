package source

import (
	"context"
	"fmt"
	"io"
)

// Files are the files of a model somewhere. Errors are of type *Error; what is not
// permanent is tried again by the caller.
type Files interface {
	// String names the place, without a credential.
	String() string
	// Stat describes a file.
	Stat(ctx context.Context, name string) (Info, error)
	// Open streams n bytes of a file from an offset on. The file must be as described.
	Open(ctx context.Context, name string, as Info, at, n int64) (io.ReadCloser, error)
}

// Info describes a version of a file.
type Info struct {
	Size int64 // bytes
	// Version differs between versions of a file; "" if the source has no such thing.
	Version string
}

func (i Info) String() string {
	if i.Version == "" {
		return fmt.Sprintf("%d bytes", i.Size)
	}
	return fmt.Sprintf("%d bytes, version %.80s", i.Size, i.Version)
}
