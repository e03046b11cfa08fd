package main

import "strings"

// nearest is the candidate with the fewest edits from a word; "" if every one is
// another word, with more edits than a third of its letters.
func nearest(word string, candidates []string) string {
	best, fewest := "", len(word)
	for _, c := range candidates {
		d := edits(strings.ToLower(word), strings.ToLower(c))
		if long := strings.HasPrefix(c, word) && len(word) > 1; long {
			d = min(d, 1) // a beginning of it
		}
		if d < fewest && d <= max(2, len(c)/3) {
			best, fewest = c, d
		}
	}
	return best
}

// nearestField is the field of a configuration that resembles another path the most:
// one of the same section, or one of that name in another section.
func nearestField(path string, known []string) string {
	section, name := path[:strings.LastIndexByte(path, '.')+1], path[strings.LastIndexByte(path, '.')+1:]
	var siblings, names []string
	paths := map[string]string{} // by names
	for _, k := range known {
		rest, found := strings.CutPrefix(k, section)
		if found && !strings.Contains(rest, ".") {
			siblings = append(siblings, rest)
		}
		last := k[strings.LastIndexByte(k, '.')+1:]
		names, paths[last] = append(names, last), k
	}
	if like := nearest(name, siblings); like != "" {
		return section + like
	}
	return paths[nearest(name, names)]
}

// edits counts the insertions, deletions, replacements and swaps of neighbors that
// make b of a (optimal string alignment).
func edits(a, b string) int {
	s, t := []rune(a), []rune(b)
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range t {
		rows[0][j+1] = j + 1
	}
	for i := range s {
		for j := range t {
			replaced := rows[i][j]
			if s[i] != t[j] {
				replaced++
			}
			d := min(replaced, rows[i][j+1]+1, rows[i+1][j]+1)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				d = min(d, rows[i-1][j-1]+1)
			}
			rows[i+1][j+1] = d
		}
	}
	return rows[len(s)][len(t)]
}
