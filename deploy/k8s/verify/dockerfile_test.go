package verify

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const (
	root       = "../../.."
	dockerfile = root + "/deploy/docker/Dockerfile"
	// cudaDockerfile is that of nodes with a GPU, neuronDockerfile that of nodes with
	// Trainium chips.
	cudaDockerfile   = dockerfile + ".cuda"
	neuronDockerfile = dockerfile + ".neuron"
)

// image is what the Dockerfile's last stage would hold.
type image struct {
	entrypoint []string
	user       string
	files      map[string]string // path in the image: path on this machine
}

// program is the file that the entry point runs.
func (i image) program() string { return i.files[i.entrypoint[0]] }

// images are the Dockerfiles that are followed once for all tests.
var images = map[string]func() (image, error){dockerfile: builder(dockerfile), cudaDockerfile: builder(cudaDockerfile)}

// builder follows a Dockerfile when it is first called.
func builder(dockerfile string) func() (image, error) {
	return sync.OnceValues(func() (image, error) {
		dir := filepath.Join(imageRoot, filepath.Base(dockerfile))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return image{}, err
		}
		return follow(dockerfile, dir)
	})
}

// follow follows the Dockerfile without an engine: the context is copied through the
// ignore file into a folder that stands for the build stage's root, and RUN lines
// run there.
func follow(dockerfile, root string) (image, error) {
	stages, err := parseDockerfile(dockerfile)
	if err != nil {
		return image{}, err
	}
	b := build{dockerfile: dockerfile, root: root, env: os.Environ(), image: image{files: map[string]string{}}}
	for i, stage := range stages {
		for _, command := range stage.Commands {
			if err := b.do(command, i == len(stages)-1); err != nil {
				return image{}, fmt.Errorf("%v: %w", command, err)
			}
		}
	}
	return b.image, nil
}

// imageRoot is where builders build. TestMain makes and removes it.
var imageRoot string

// builtImage is the image of processes that compute with their cores.
func builtImage(t *testing.T) image {
	t.Helper()
	return built(t, dockerfile)
}

// built is the image of a Dockerfile.
func built(t *testing.T, dockerfile string) image {
	t.Helper()
	i, err := images[dockerfile]()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func parseDockerfile(dockerfile string) ([]instructions.Stage, error) {
	f, err := os.Open(dockerfile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	parsed, err := parser.Parse(f)
	if err != nil {
		return nil, err
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	return stages, err
}

// build is an image in the making.
type build struct {
	dockerfile string
	root       string // stands for / of the build stage
	work       string // WORKDIR
	env        []string
	image      image
}

// The release and the commit with which tests build the image.
const testRelease, testCommit = "v0.0.0-test", "0123456789abcdef"

// do carries out one instruction. One that it does not know is an error: then
// the test would not build what the Dockerfile builds.
func (b *build) do(command instructions.Command, last bool) error {
	switch c := command.(type) {
	case *instructions.ArgCommand:
		for _, arg := range c.Args {
			value, ok := map[string]string{"TARGETOS": runtime.GOOS, "TARGETARCH": runtime.GOARCH, "RELEASE": testRelease, "COMMIT": testCommit, "TOOLCHAIN": "local"}[arg.Key]
			if !ok {
				return fmt.Errorf("no builder sets %s", arg.Key)
			}
			b.env = append(b.env, arg.Key+"="+value)
		}
	case *instructions.EnvCommand:
		for _, e := range c.Env {
			b.env = append(b.env, e.Key+"="+e.Value)
		}
	case *instructions.WorkdirCommand:
		b.work = b.root + c.Path
		return os.MkdirAll(b.work, 0o755)
	case *instructions.CopyCommand:
		return b.copy(c, last)
	case *instructions.RunCommand:
		return b.run(c)
	case *instructions.UserCommand:
		b.image.user = c.User
	case *instructions.EntrypointCommand:
		b.image.entrypoint = c.CmdLine
	default:
		return fmt.Errorf("this test does not know %s", command.Name())
	}
	return nil
}

func (b *build) copy(c *instructions.CopyCommand, last bool) error {
	if last {
		if c.From != "build" || len(c.SourcePaths) != 1 {
			return fmt.Errorf("want one file from the build stage")
		}
		b.image.files[c.DestPath] = b.root + c.SourcePaths[0]
		return nil
	}
	if slices.Equal(c.SourcePaths, []string{"."}) {
		return copyContext(b.dockerfile, b.work)
	}
	for _, source := range c.SourcePaths {
		raw, err := os.ReadFile(filepath.Join(root, source))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.work, source), raw, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (b *build) run(c *instructions.RunCommand) error {
	line := strings.ReplaceAll(strings.Join(c.CmdLine, " "), " /out/", " "+b.root+"/out/") // also of $(ldd /out/hachi)
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir, cmd.Env = b.work, b.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// copyContext copies what the ignore file leaves of the tree.
func copyContext(dockerfile, to string) error {
	f, err := os.Open(dockerfile + ".dockerignore")
	if err != nil {
		return err
	}
	defer f.Close()
	patterns, err := ignorefile.ReadAll(f)
	if err != nil {
		return err
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		return err
	}
	return filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		skip, err := ignored.MatchesOrParentMatches(filepath.ToSlash(rel))
		switch {
		case err != nil:
			return err
		case skip && d.IsDir():
			return filepath.SkipDir
		case skip:
			return nil
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), raw, 0o644)
	})
}
