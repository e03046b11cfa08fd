package lint

import (
	"crypto/sha256"
	"path"
	"regexp"
	"strings"
	"testing"
)

// maxShared is the maximum number of lines that two places may share.
const maxShared = 12

var (
	imports = regexp.MustCompile(`^(import\b|([\w.]+ )?"[^"]*"$)`)
	thin    = regexp.MustCompile(`^\W*$`) // punctuation only
)

// place is a line of a file.
type place struct {
	file   string
	number int
}

// TestNoTwoPlacesShareManyLines: what stands in two places goes into one. Blank
// lines, comments, imports and lines of punctuation do not count.
func TestNoTwoPlacesShareManyLines(t *testing.T) {
	seen := map[[sha256.Size]byte]place{} // by maxShared+1 lines
	texts(t, func(name, text string) {
		if ext := path.Ext(name); ext == ".md" || ext == ".yaml" || ext == ".yml" {
			return
		}
		var lines []string
		var numbers []int
		for i, line := range strings.Split(text, "\n") {
			line = strings.TrimSpace(line)
			if !thin.MatchString(line) && !strings.HasPrefix(line, "//") && !strings.HasPrefix(line, "#") && !imports.MatchString(line) {
				lines, numbers = append(lines, line), append(numbers, i+1)
			}
		}
		for i := 0; i+maxShared < len(lines); i++ {
			key := sha256.Sum256([]byte(strings.Join(lines[i:i+maxShared+1], "\n")))
			if other, ok := seen[key]; ok {
				t.Errorf("%s:%d repeats %s:%d, %d lines and more", name, numbers[i], other.file, other.number, maxShared+1)
				return
			}
			seen[key] = place{name, numbers[i]}
		}
	})
}
