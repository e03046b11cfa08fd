package scenario

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// lines are those of the fields of a file, by their paths.
type lines map[string]int

func linesOf(raw []byte) lines {
	out := lines{"": 1}
	var doc yaml.Node
	if yaml.Unmarshal(raw, &doc) == nil {
		out.walk(&doc, "")
	}
	return out
}

func (l lines) walk(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.DocumentNode:
		for _, child := range n.Content {
			l.walk(child, path)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			field := strings.TrimPrefix(path+"."+n.Content[i].Value, ".")
			l[field] = n.Content[i].Line
			l.walk(n.Content[i+1], field)
		}
	case yaml.SequenceNode:
		for i, child := range n.Content {
			field := path + "[" + strconv.Itoa(i) + "]"
			l[field] = child.Line
			l.walk(child, field)
		}
	}
}

// of is the line of a field, or of the section that lacks it.
func (l lines) of(field string) int {
	for {
		if line, ok := l[field]; ok {
			return line
		}
		cut := strings.LastIndexAny(field, ".[")
		field = field[:max(0, cut)]
	}
}
