package tool

import "strings"

// Format is how a model writes calls:
//
//	Begin name Between arguments (Next name Between arguments)* End
//
// In these four marks a blank is a gap. A reader takes nothing, a blank, or a line end
// and up to MaxIndent blanks; an answer that a grammar constrains has fewer blanks.
// Arguments are a JSON object.
type Format struct {
	Begin, Between, Next, End string
	// Marker is the part of Begin from which on a text is a call. It has no gap if
	// Anywhere. "" is Begin, a name, Between and a bracket.
	Marker string
	// Anywhere says that calls may follow text. Otherwise an answer is a text or
	// calls.
	Anywhere bool
	// Many says that the format has several calls in one answer.
	Many bool
}

const (
	// MaxIndent is the maximum number of blanks after the line end of a gap.
	MaxIndent = 16
	// MaxLead is the maximum number of blanks and line ends before calls that begin
	// an answer, and before reasoning.
	MaxLead = 4
)

// Generic is the format for models whose template has none of its own: one JSON
// object, and nothing else.
var Generic = Format{
	Begin: `{ "tool_calls": [ { "name": "`, Between: `", "arguments": `, Next: ` }, { "name": "`, End: ` } ] }`,
	Marker: `{ "tool_calls"`, Many: true,
}

// Write writes calls in the format, each gap as a blank where it follows a comma or
// a colon, and as nothing elsewhere.
func (f Format) Write(calls []Call) string {
	var out strings.Builder
	for i, c := range calls {
		if i == 0 {
			out.WriteString(tidy(f.Begin))
		} else {
			out.WriteString(tidy(f.Next))
		}
		arguments := strings.TrimSpace(c.Arguments)
		if arguments == "" {
			arguments = "{}"
		}
		out.WriteString(c.Name + tidy(f.Between) + arguments)
	}
	out.WriteString(tidy(f.End))
	return out.String()
}

// tidy settles the gaps of a mark.
func tidy(mark string) string {
	var out strings.Builder
	for i := range len(mark) {
		if mark[i] != ' ' || i > 0 && (mark[i-1] == ',' || mark[i-1] == ':') {
			out.WriteByte(mark[i])
		}
	}
	return out.String()
}
