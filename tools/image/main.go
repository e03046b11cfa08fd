// Command image writes the container image of hachi as an OCI layout, without an engine:
// one index with an image for each architecture, which holds one static binary, and the
// list of the modules of each binary attached to its image.
//
//	go run ./tools/image -out DIR -tag TAG -commit SHA -created UNIX ARCH=BINARY[,SBOM] ...
//
// The image is the one that deploy/docker/Dockerfile makes; a test of deploy/k8s/verify
// compares them. The same binaries, tag, commit and time give the same digests, which it
// prints. `make image` builds the binaries and runs it.
//
// References: https://github.com/opencontainers/image-spec (layout, index, manifest and
// configuration, subject), https://cyclonedx.org/specification/overview/.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	out := flag.String("out", "", "directory of the layout, which must not exist")
	b := build{}
	flag.StringVar(&b.Tag, "tag", "", "name of the index in the layout, and the version of the image")
	flag.StringVar(&b.Commit, "commit", "", "commit of the sources")
	created := flag.Int64("created", 0, "time of the commit in seconds, which the image and its files have")
	flag.Parse()
	if *out == "" || b.Tag == "" || b.Commit == "" || *created == 0 || flag.NArg() == 0 {
		return fmt.Errorf("want -out, -tag, -commit, -created and ARCH=BINARY[,SBOM], got %q", os.Args[1:])
	}
	if _, err := os.Stat(*out); !os.IsNotExist(err) {
		return fmt.Errorf("%s is there, %w: remove it, what it holds would stay in the layout", *out, err)
	}
	b.Created = time.Unix(*created, 0).UTC()
	for _, arg := range flag.Args() {
		arch, files, ok := strings.Cut(arg, "=")
		binary, sbom, _ := strings.Cut(files, ",")
		if !ok {
			return fmt.Errorf("%q is not ARCH=BINARY[,SBOM]", arg)
		}
		b.Programs = append(b.Programs, program{arch, binary, sbom})
	}
	index, err := b.write(ctx, *out)
	if err != nil {
		return err
	}
	fmt.Println(index.Digest)
	return nil
}
