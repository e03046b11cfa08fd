package strictjson

import (
	"errors"
	"fmt"
	"strings"
)

// maxNesting is the maximum number of objects and lists inside one another.
const maxNesting = 1000

// errOpen is an end of data within a value.
var errOpen = errors.New("not closed: the data ends within a value")

// Valid reports why data is not one JSON value and nothing else. It allocates
// nothing, and is several times as fast as json.Valid: the
// senders of large bodies decide how often it runs.
func Valid(data []byte) error {
	i := blanks(data, 0)
	if i == len(data) {
		return errors.New("not JSON: empty")
	}
	end, err := check(data, i, 0)
	if err != nil {
		return err
	}
	if end = blanks(data, end); end < len(data) {
		return fmt.Errorf("data after the end of the value at byte %d", end)
	}
	return nil
}

// check returns where the value that begins at i ends.
func check(data []byte, i, depth int) (int, error) {
	if i >= len(data) {
		return i, errOpen
	}
	switch c := data[i]; c {
	case '"':
		return checkString(data, i)
	case '{', '[':
		if depth == maxNesting {
			return i, fmt.Errorf("the depth is more than %d objects and lists at byte %d", maxNesting, i)
		}
		return checkParts(data, i, depth)
	case 't', 'f', 'n':
		for _, word := range []string{"true", "false", "null"} {
			if end := i + len(word); end <= len(data) && string(data[i:end]) == word {
				return end, nil
			}
		}
		return i, unexpected(data, i)
	}
	return checkNumber(data, i)
}

// checkParts is check of an object or a list.
func checkParts(data []byte, i, depth int) (int, error) {
	object, closing := data[i] == '{', data[i]+2
	if i = blanks(data, i+1); i < len(data) && data[i] == closing {
		return i + 1, nil
	}
	for {
		var err error
		if object {
			if i >= len(data) || data[i] != '"' {
				return i, unexpected(data, i)
			}
			if i, err = checkString(data, i); err != nil {
				return i, err
			}
			if i = blanks(data, i); i >= len(data) || data[i] != ':' {
				return i, unexpected(data, i)
			}
			i = blanks(data, i+1)
		}
		if i, err = check(data, i, depth+1); err != nil {
			return i, err
		}
		switch i = blanks(data, i); {
		case i < len(data) && data[i] == closing:
			return i + 1, nil
		case i >= len(data) || data[i] != ',':
			return i, unexpected(data, i)
		}
		i = blanks(data, i+1)
	}
}

// checkString is check of a string.
func checkString(data []byte, i int) (int, error) {
	for i++; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			return i + 1, nil
		case c < ' ':
			return i, unexpected(data, i)
		case c != '\\':
			continue
		}
		if i++; i >= len(data) {
			return i, errOpen
		}
		if data[i] != 'u' {
			if strings.IndexByte(`"\/bfnrt`, data[i]) < 0 {
				return i, unexpected(data, i)
			}
			continue
		}
		for range 4 {
			if i++; i >= len(data) || !isHex(data[i]) {
				return i, unexpected(data, i)
			}
		}
	}
	return i, errOpen
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// checkNumber is check of a number.
func checkNumber(data []byte, i int) (int, error) {
	var ok bool
	if data[i] == '-' {
		i++
	}
	if i < len(data) && data[i] == '0' {
		i++
	} else if i, ok = digits(data, i); !ok {
		return i, unexpected(data, i)
	}
	if i < len(data) && data[i] == '.' {
		if i, ok = digits(data, i+1); !ok {
			return i, unexpected(data, i)
		}
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		if i++; i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if i, ok = digits(data, i); !ok {
			return i, unexpected(data, i)
		}
	}
	return i, nil
}

// digits returns where digits from i on end, and whether there is one.
func digits(data []byte, i int) (end int, ok bool) {
	for end = i; end < len(data) && isDigit(data[end]); end++ {
	}
	return end, end > i
}

// unexpected names the character at i.
func unexpected(data []byte, i int) error {
	if i >= len(data) {
		return errOpen
	}
	return fmt.Errorf("unexpected character %q at byte %d", data[i], i)
}
