package transcript

import (
	"reflect"
	"testing"

	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

func TestItemsBecomeTurns(t *testing.T) {
	f, g := tool.Call{ID: "a", Name: "f", Arguments: "{}"}, tool.Call{ID: "b", Name: "g", Arguments: "{}"}
	for _, tt := range []struct {
		name  string
		write func(*Transcript)
		want  []chat.Message
	}{
		{"nothing", func(*Transcript) {}, nil},
		{"a text of no role", func(t *Transcript) { t.Say("", "x", nil) }, []chat.Message{{Content: "x"}}},
		{"instructions and a system message", func(t *Transcript) {
			t.Say(System, "Be brief.", nil)
			t.Say(System, "Be kind.", nil)
			t.Say(User, "x", nil)
		}, []chat.Message{{Role: System, Content: "Be brief.\n\nBe kind."}, {Role: User, Content: "x"}}},
		{"two texts of the user, with attributes", func(t *Transcript) {
			t.Say(User, "", chat.Attributes{"humor": 1, "quality": 2})
			t.Say(User, "x", chat.Attributes{"humor": 3})
			t.Say(User, "y", nil)
		}, []chat.Message{{Role: User, Content: "x\n\ny", Attributes: chat.Attributes{"humor": 3, "quality": 2}}}},
		{"a call with reasoning and text, its result, another call", func(t *Transcript) {
			t.Say(User, "x", nil)
			t.Think("Hm.")
			t.Say(Assistant, "I ask.", nil)
			t.Call(f)
			t.Call(g)
			t.Result("b", "two")
			t.Result("a", "one")
			t.Call(f)
			t.Result("c", "of no call")
			t.Say(User, "y", nil)
		}, []chat.Message{
			{Role: User, Content: "x"}, {Role: Assistant, Content: "I ask.", Reasoning: "Hm.", ToolCalls: []tool.Call{f, g}},
			{Role: Tool, ToolCallID: "b", Name: "g", Content: "two"}, {Role: Tool, ToolCallID: "a", Name: "f", Content: "one"},
			{Role: Assistant, ToolCalls: []tool.Call{f}}, {Role: Tool, ToolCallID: "c", Content: "of no call"}, {Role: User, Content: "y"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got Transcript
			tt.write(&got)
			if !reflect.DeepEqual(got.Messages(), tt.want) {
				t.Errorf("got %+v, want %+v", got.Messages(), tt.want)
			}
		})
	}
}
