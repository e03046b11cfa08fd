package jinja

import (
	"fmt"
	"strings"
	"time"
)

// Clock is the function strftime_now of transformers, at a time: a value for a
// variable of Render.
func Clock(now time.Time) any {
	return function(func(_ *state, c values) any {
		format := c.bind("strftime_now", "format!")[0]
		return own(strftime(c.line, now, str(*format).String()))
	})
}

// layouts are the directives of strftime that package time has.
var layouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'd': "02", 'e': "_2", 'm': "01", 'y': "06", 'Y': "2006", 'j': "002",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'z': "-0700", 'Z': "MST",
	'D': "01/02/06", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05",
}

// strftime writes a time as C's strftime does in the C locale, with the sign - for
// numbers without leading zeros or blanks.
func strftime(line int, now time.Time, format string) string {
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			out.WriteByte(format[i])
			continue
		}
		i++
		short := i < len(format) && format[i] == '-'
		if short {
			i++
		}
		if i == len(format) {
			fail(line, "the format %q ends within a directive", format)
		}
		text := directive(line, now, format[i])
		if short {
			if text = strings.TrimLeft(text, "0 "); text == "" {
				text = "0"
			}
		}
		out.WriteString(text)
	}
	return out.String()
}

func directive(line int, now time.Time, d byte) string {
	switch d {
	case '%':
		return "%"
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 's':
		return fmt.Sprint(now.Unix())
	case 'w':
		return fmt.Sprint(int(now.Weekday()))
	case 'u':
		return fmt.Sprint((int(now.Weekday())+6)%7 + 1)
	case 'f':
		return fmt.Sprintf("%06d", now.Nanosecond()/1000)
	}
	layout, ok := layouts[d]
	if !ok {
		fail(line, "the directive %%%c is not supported", d)
	}
	return now.Format(layout)
}
