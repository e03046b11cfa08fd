package verify

import (
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
)

// image is what the Dockerfile's last stage would hold.
type image struct {
	entrypoint []string
	user       string
	files      map[string]string // path in the image: path on this machine
}

// program is the file that the entry point runs.
func (i image) program() string { return i.files[i.entrypoint[0]] }

// buildImage follows the Dockerfile once for all tests.
var buildImage = sync.OnceValues(func() (image, error) {
	var err error
	if imageRoot, err = os.MkdirTemp("", "hachi-image"); err != nil {
		return image{}, err
	}
	return follow(imageRoot)
})

// follow follows the Dockerfile without an engine: the context is copied through the
// ignore file into a folder that stands for the build stage's root, and RUN lines
// run there.
func follow(root string) (image, error) {
	stages, err := parseDockerfile()
	if err != nil {
		return image{}, err
	}
	b := build{root: root, env: os.Environ(), image: image{files: map[string]string{}}}
	for i, stage := range stages {
		for _, command := range stage.Commands {
			if err := b.do(command, i == len(stages)-1); err != nil {
				return image{}, fmt.Errorf("%v: %w", command, err)
			}
		}
	}
	return b.image, nil
}

// imageRoot is where buildImage builds; TestMain removes it.
var imageRoot string

// builtImage is buildImage for a test.
func builtImage(t *testing.T) image {
	t.Helper()
	i, err := buildImage()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func parseDockerfile() ([]instructions.Stage, error) {
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
	root  string // stands for / of the build stage
	work  string // WORKDIR
	env   []string
	image image
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
		return copyContext(b.work)
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
	line := strings.ReplaceAll(strings.Join(c.CmdLine, " "), " /out/", " "+b.root+"/out/")
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir, cmd.Env = b.work, b.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// copyContext copies what the ignore file leaves of the tree.
func copyContext(to string) error {
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

// TestImage: one static binary, run by a user who is not root.
func TestImage(t *testing.T) {
	i := builtImage(t)
	if len(i.files) != 1 || len(i.entrypoint) != 1 || i.program() == "" {
		t.Fatalf("the image holds %v and starts %v, want one file", i.files, i.entrypoint)
	}
	if user, group, _ := strings.Cut(i.user, ":"); user != "65532" || group != "65532" {
		t.Errorf("it runs as %q, want the number that the manifests name", i.user)
	}
	if runtime.GOOS != "linux" {
		return // the binary is no ELF file here
	}
	binary, err := elf.Open(i.program())
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	if libraries, err := binary.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("the binary needs %v", libraries)
	}
	for _, p := range binary.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary needs a dynamic linker")
		}
	}
}

// TestImageNamesItsBuild: the build sees no repository, so that the builder
// says what it builds.
func TestImageNamesItsBuild(t *testing.T) {
	out, err := exec.Command(builtImage(t).program(), "version").Output()
	if want := "hachi " + testRelease + " commit " + testCommit + " go"; err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("hachi version prints %q, %v; want %q", out, err, want)
	}
}

// TestImageIsReproducible: the same files give the same binary, wherever they are.
func TestImageIsReproducible(t *testing.T) {
	again, err := follow(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var sums [2][sha256.Size]byte
	for i, program := range []string{builtImage(t).program(), again.program()} {
		raw, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = sha256.Sum256(raw)
	}
	if sums[0] != sums[1] {
		t.Errorf("two builds give %x and %x", sums[0], sums[1])
	}
}

// TestTheImageWithoutAnEngineIsTheSame: make image takes the same binary, and puts it to
// the same place.
func TestTheImageWithoutAnEngineIsTheSame(t *testing.T) {
	i := builtImage(t)
	layout, makefile, docker := gomod(t, root+"/tools/image/layout.go"), gomod(t, root+"/Makefile"), gomod(t, dockerfile)
	for _, want := range []string{fmt.Sprintf("path = %q", strings.TrimPrefix(i.entrypoint[0], "/")), fmt.Sprintf("user = %q", i.user)} {
		if !strings.Contains(layout, want) {
			t.Errorf("tools/image has no constant %s", want)
		}
	}
	flags := regexp.MustCompile(`go build (-trimpath -buildvcs=false \S+="[^"]*")`)
	variables := regexp.MustCompile(`\$\(?(RELEASE|COMMIT)\)?`)
	var found []string
	for _, text := range []string{makefile, docker} {
		for _, match := range flags.FindAllStringSubmatch(text, -1) {
			found = append(found, variables.ReplaceAllString(match[1], "$1"))
		}
	}
	if len(found) != 2 || found[0] != found[1] {
		t.Errorf("make image and the Dockerfile build with %q", found)
	}
}

// pinned names an image by version and by content.
var pinned = regexp.MustCompile(`^[a-z./-]+:[0-9.]+@sha256:[0-9a-f]{64}$`)

// TestBaseImagesArePinned: a tag can be moved to another image.
func TestBaseImagesArePinned(t *testing.T) {
	stages, err := parseDockerfile()
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range stages {
		if stage.BaseName != "scratch" && !pinned.MatchString(stage.BaseName) {
			t.Errorf("stage %q is built from %s, want VERSION@sha256:DIGEST", stage.Name, stage.BaseName)
		}
	}
	for _, moving := range []string{"golang:1.26.8", "golang@sha256:" + strings.Repeat("0", 64), "golang:1.26.8@sha256:0"} {
		if pinned.MatchString(moving) {
			t.Errorf("%s counts as pinned", moving)
		}
	}
}

// TestUsers: the pods run as the image's user.
func TestUsers(t *testing.T) {
	i := builtImage(t)
	for _, w := range render(t, "cpu").Workloads() {
		s := w.Template.Spec.SecurityContext
		if got := fmt.Sprintf("%d:%d", *s.RunAsUser, *s.RunAsGroup); got != i.user {
			t.Errorf("%s runs as %s, the image as %s", w.Name, got, i.user)
		}
	}
}
