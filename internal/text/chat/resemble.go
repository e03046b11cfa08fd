package chat

import "strings"

// ResembledAttribute returns the attribute that a name is, or is probably a misspelling
// of; "" is none.
func ResembledAttribute(name string) string {
	for _, attribute := range attributeNames {
		if Resembles(name, attribute) {
			return attribute
		}
	}
	return ""
}

// Resembles reports whether a name is a word or probably a misspelling of it. Case, blanks
// and punctuation do not count. A short word may differ by one edit, a longer one by
// two.
func Resembles(name, word string) bool {
	const short = 7
	allowed := 2
	if len(word) <= short {
		allowed = 1
	}
	letters := strings.Map(func(c rune) rune {
		if strings.ContainsRune("_-. ", c) {
			return -1
		}
		return c
	}, strings.ToLower(name))
	return edits([]rune(letters), []rune(word)) <= allowed
}

// edits counts the insertions, deletions, substitutions and swaps of neighbors
// that make b of a: the optimal string alignment distance.
func edits(a, b []rune) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
