//go:build !nomini

package mini

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/hachi-serve/hachi/client"
)

// check finds the fault of an answer; "" is none.
type check func(answer string) (fault string)

// judge applies the checks of a prompt. Every answer has to end by itself.
func judge(c client.Choice, checks []check) error {
	var faults []error
	if c.Finish != "stop" {
		faults = append(faults, fmt.Errorf("it ended by %q, not by itself", c.Finish))
	}
	for _, check := range checks {
		if fault := check(strings.TrimSpace(c.Text)); fault != "" {
			faults = append(faults, errors.New(fault))
		}
	}
	return errors.Join(faults...)
}

// says wants one of the texts, whatever their case.
func says(texts ...string) check {
	return func(answer string) string {
		for _, text := range texts {
			if strings.Contains(strings.ToLower(answer), strings.ToLower(text)) {
				return ""
			}
		}
		return fmt.Sprintf("it says none of %q", texts)
	}
}

// lacks wants none of the texts.
func lacks(texts ...string) check {
	return func(answer string) string {
		for _, text := range texts {
			if strings.Contains(strings.ToLower(answer), strings.ToLower(text)) {
				return fmt.Sprintf("it says %q", text)
			}
		}
		return ""
	}
}

// begins wants one of the texts first.
func begins(texts ...string) check {
	return func(answer string) string {
		for _, text := range texts {
			if strings.HasPrefix(answer, text) {
				return ""
			}
		}
		return fmt.Sprintf("it begins with none of %q", texts)
	}
}

// beginsOtherwise wants another beginning than that of an answer without an effect.
func beginsOtherwise(than string) check {
	return func(answer string) string {
		if strings.HasPrefix(answer, than) {
			return fmt.Sprintf("it begins with %q", than)
		}
		return ""
	}
}

// endsOtherwise wants another end than that of an answer without an effect.
func endsOtherwise(than string) check {
	return func(answer string) string {
		if strings.HasSuffix(answer, than) {
			return fmt.Sprintf("it ends with %q", than)
		}
		return ""
	}
}

// spans bounds the characters of an answer.
func spans(from, to int) check {
	return func(answer string) string {
		if n := len([]rune(answer)); n < from || n > to {
			return fmt.Sprintf("it has %d characters, want %d to %d", n, from, to)
		}
		return ""
	}
}

// lines wants that number of lines.
func lines(want int) check {
	return func(answer string) string {
		if n := strings.Count(answer, "\n") + 1; n != want {
			return fmt.Sprintf("it has %d lines, want %d", n, want)
		}
		return ""
	}
}

func isJapanese(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) }

// english wants no character of Japanese.
func english(answer string) string {
	if strings.ContainsFunc(answer, isJapanese) {
		return "it is not in English"
	}
	return ""
}

// japanese wants more characters of Japanese than letters of English.
func japanese(answer string) string {
	letters, ja := 0, 0
	for _, r := range answer {
		if isJapanese(r) {
			ja++
		} else if r < unicode.MaxASCII && unicode.IsLetter(r) {
			letters++
		}
	}
	if ja <= letters {
		return "it is not in Japanese"
	}
	return ""
}
