package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

const (
	maxTileRows = 4096
	maxSide     = 1 << 22 // of a matrix
	maxSlots    = 1024
	maxMemory   = 1 << 50
)

// Hello is what a helper is.
type Hello struct {
	// TileRows is the number of rows of the helper's program: the maximum of a Run.
	TileRows int
	// Memory is the memory for experts in bytes; 0 is unknown.
	Memory int64
	// Family names everything that decides the bits of a result: the kind of the
	// device, the versions of the program and of its compiler.
	Family string
	// Device describes the device for people.
	Device string
}

// families are the names that a fingerprint can hold and a flag can carry.
var families = regexp.MustCompile(`^[a-z0-9][a-z0-9._+-]{0,199}$`)

// CheckFamily refuses a name that no helper may declare.
func CheckFamily(name string) error {
	if !families.MatchString(name) {
		return fmt.Errorf("numerics family %q: want at most 200 of a-z, 0-9, '.', '_', '+' and '-', a letter or a digit first", name)
	}
	return nil
}

// Body encodes the body of a Hello.
func (h Hello) Body() []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(h.TileRows))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.Memory))
	return appendText(appendText(b, h.Family), h.Device)
}

// ParseHello decodes the body of a Hello.
func ParseHello(body []byte) (Hello, error) {
	c := cursor{left: body}
	h := Hello{TileRows: c.number("rows of a tile", 1, maxTileRows), Memory: c.long("memory", maxMemory), Family: c.text("family"), Device: c.text("device")}
	if c.err == nil {
		c.err = CheckFamily(h.Family)
	}
	return h, c.end(KindHello)
}

// Configure is the shape of the experts and of the rows. Its frame carries the file
// with the memory of the rows.
type Configure struct {
	Hidden, FFN int
	// Wire is the type of rows, Inner the type to which what w2 reads is rounded:
	// tensor.F32 or tensor.BF16.
	Wire, Inner tensor.DType
	Slots       int
}

// Body encodes the body of a Configure.
func (c Configure) Body() []byte {
	return appendNumbers(nil, c.Hidden, c.FFN, code(c.Wire), code(c.Inner), c.Slots)
}

// ParseConfigure decodes the body of a Configure.
func ParseConfigure(body []byte) (Configure, error) {
	c := cursor{left: body}
	out := Configure{
		Hidden: c.number("hidden", 1, maxSide), FFN: c.number("ffn", 1, maxSide), Wire: c.element("wire"), Inner: c.element("inner"),
		Slots: c.number("slots", 1, maxSlots),
	}
	return out, c.end(KindConfigure)
}

// Load names an expert and the type of its matrices. Its frame carries the file with
// the matrices.
type Load struct {
	Expert moe.ExpertID
	DType  tensor.DType // tensor.F32 or tensor.BF16
}

// Body encodes the body of a Load.
func (l Load) Body() []byte {
	return appendNumbers(nil, l.Expert.Layer, l.Expert.Expert, code(l.DType))
}

// ParseLoad decodes the body of a Load.
func ParseLoad(body []byte) (Load, error) {
	c := cursor{left: body}
	l := Load{Expert: c.expert(), DType: c.element("matrices")}
	return l, c.end(KindLoad)
}

// Unload names an expert to forget.
type Unload struct{ Expert moe.ExpertID }

// Body encodes the body of an Unload.
func (u Unload) Body() []byte { return appendNumbers(nil, u.Expert.Layer, u.Expert.Expert) }

// ParseUnload decodes the body of an Unload.
func ParseUnload(body []byte) (Unload, error) {
	c := cursor{left: body}
	u := Unload{c.expert()}
	return u, c.end(KindUnload)
}

// Run asks for an expert of the first Rows rows of a slot.
type Run struct {
	Expert     moe.ExpertID
	Slot, Rows int
}

// Body encodes the body of a Run.
func (r Run) Body() []byte {
	return appendNumbers(nil, r.Expert.Layer, r.Expert.Expert, r.Slot, r.Rows)
}

// ParseRun decodes the body of a Run.
func ParseRun(body []byte) (Run, error) {
	c := cursor{left: body}
	r := Run{Expert: c.expert(), Slot: c.number("slot", 0, maxSlots-1), Rows: c.number("rows", 1, maxTileRows)}
	return r, c.end(KindRun)
}

// Failed says why a frame could not be obeyed.
type Failed struct{ Reason string }

// Body encodes the body of a Failed, and cuts a reason that is too long.
func (f Failed) Body() []byte {
	reason := f.Reason
	if limit := MaxBody - 16; len(reason) > limit {
		reason = reason[:limit]
	}
	return appendText(nil, strings.ToValidUTF8(reason, "?"))
}

// ParseFailed decodes the body of a Failed.
func ParseFailed(body []byte) (Failed, error) {
	c := cursor{left: body}
	f := Failed{c.text("reason")}
	return f, c.end(KindFailed)
}

// The codes of element types.
const (
	codeF32  = 1
	codeBF16 = 2
)

func code(d tensor.DType) int {
	if d == tensor.BF16 {
		return codeBF16
	}
	return codeF32
}

func appendNumbers(to []byte, numbers ...int) []byte {
	for _, n := range numbers {
		to = binary.LittleEndian.AppendUint32(to, uint32(n))
	}
	return to
}

func appendText(to []byte, text string) []byte {
	return append(binary.LittleEndian.AppendUint16(to, uint16(len(text))), text...)
}

// cursor takes fields off a body. It keeps the first error.
type cursor struct {
	left []byte
	err  error
}

func (c *cursor) take(n int) []byte {
	if c.err != nil || len(c.left) < n {
		if c.err == nil {
			c.err = errors.New("it is too short")
		}
		return make([]byte, n)
	}
	out := c.left[:n]
	c.left = c.left[n:]
	return out
}

func (c *cursor) number(what string, from, to int) int {
	n := binary.LittleEndian.Uint32(c.take(4))
	if c.err == nil && (n > math.MaxInt32 || int(n) < from || int(n) > to) {
		c.err = fmt.Errorf("%s is %d, expected %d to %d", what, n, from, to)
	}
	return int(n)
}

func (c *cursor) long(what string, to uint64) int64 {
	n := binary.LittleEndian.Uint64(c.take(8))
	if c.err == nil && n > to {
		c.err = fmt.Errorf("%s is %d, expected at most %d", what, n, to)
	}
	return int64(n)
}

func (c *cursor) element(what string) tensor.DType {
	switch c.number(what, codeF32, codeBF16) {
	case codeF32:
		return tensor.F32
	case codeBF16:
		return tensor.BF16
	}
	return tensor.Invalid
}

func (c *cursor) expert() moe.ExpertID {
	return moe.ExpertID{Layer: c.number("layer", 0, math.MaxInt32), Expert: c.number("expert", 0, math.MaxInt32)}
}

func (c *cursor) text(what string) string {
	text := string(c.take(int(binary.LittleEndian.Uint16(c.take(2)))))
	if c.err == nil && !utf8.ValidString(text) {
		c.err = fmt.Errorf("%s is no UTF-8", what)
	}
	return text
}

// end is the error of a body of a kind, all of whose fields have been taken.
func (c *cursor) end(k Kind) error {
	if c.err == nil && len(c.left) > 0 {
		c.err = fmt.Errorf("%d bytes are left", len(c.left))
	}
	if c.err != nil {
		return fmt.Errorf("body of %v: %w", k, c.err)
	}
	return nil
}
