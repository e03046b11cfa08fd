package protocol

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// parse decodes the body of a frame and encodes it again.
func parse(f Frame) (again []byte, value any, err error) {
	switch f.Kind {
	case KindHello:
		v, err := ParseHello(f.Body)
		return v.Body(), v, err
	case KindConfigure:
		v, err := ParseConfigure(f.Body)
		return v.Body(), v, err
	case KindLoad:
		v, err := ParseLoad(f.Body)
		return v.Body(), v, err
	case KindUnload:
		v, err := ParseUnload(f.Body)
		return v.Body(), v, err
	case KindRun:
		v, err := ParseRun(f.Body)
		return v.Body(), v, err
	case KindFailed:
		v, err := ParseFailed(f.Body)
		return v.Body(), v, err
	}
	return f.Body, nil, nil
}

var (
	id      = moe.ExpertID{Layer: 3, Expert: 7}
	samples = []struct {
		kind  Kind
		value interface{ Body() []byte }
	}{
		{KindHello, Hello{TileRows: 128, Memory: 32 << 30, Family: "xla-cpu-1.2_3+4", Device: "a device, 日本"}},
		{KindConfigure, Configure{Hidden: 4096, FFN: 14336, Wire: tensor.BF16, Inner: tensor.F32, Slots: 8}},
		{KindLoad, Load{Expert: id, DType: tensor.BF16}},
		{KindUnload, Unload{id}},
		{KindRun, Run{Expert: id, Slot: 7, Rows: 128}},
		{KindFailed, Failed{"the device is gone"}},
	}
)

func TestFramesAndBodiesComeBack(t *testing.T) {
	var stream []byte
	for i, s := range samples {
		stream = Frame{s.kind, uint64(i) << 40, s.value.Body()}.Append(stream)
	}
	stream = Frame{Kind: KindDone, ID: 9}.Append(stream)
	r := bytes.NewReader(stream)
	for i, s := range samples {
		f, err := Read(r)
		if err != nil {
			t.Fatal(err)
		}
		_, value, err := parse(f)
		if err != nil || f.Kind != s.kind || f.ID != uint64(i)<<40 || !reflect.DeepEqual(value, s.value) {
			t.Errorf("%v: %+v, %v, want %+v", f.Kind, value, err, s.value)
		}
	}
	if f, err := Read(r); err != nil || f.Kind != KindDone || f.ID != 9 || len(f.Body) > 0 {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := Read(r); err != io.EOF {
		t.Errorf("at the end: %v, want EOF", err)
	}
}

func TestBrokenFramesAreRefused(t *testing.T) {
	good := Frame{KindDone, 1, []byte{1, 2, 3}}.Append(nil)
	with := func(at int, b byte) []byte {
		out := bytes.Clone(good)
		out[at] = b
		return out
	}
	for want, raw := range map[string][]byte{
		"header of a frame":  good[:HeaderBytes-1],
		"begins with":        with(0, 'X'),
		"different releases": with(2, Version+1),
		"unknown kind 0":     with(3, 0),
		"unknown kind 8":     with(3, 8),
		"the limit is 4096":  with(6, 1),
		"body of done":       good[:len(good)-1],
	} {
		if _, err := Read(bytes.NewReader(raw)); err == nil || err == io.EOF || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", raw, err, want)
		}
	}
}

func TestBrokenBodiesAreRefused(t *testing.T) {
	hello := func(h Hello) []byte { return h.Body() }
	for _, tt := range []struct {
		want string
		kind Kind
		body []byte
	}{
		{"rows of a tile is 0", KindHello, hello(Hello{Family: "a"})},
		{"memory is", KindHello, hello(Hello{TileRows: 1, Memory: -1, Family: "a"})},
		{"numerics family", KindHello, hello(Hello{TileRows: 1, Family: "two words"})},
		{"no UTF-8", KindHello, hello(Hello{TileRows: 1, Family: "a", Device: "\xff"})},
		{"hidden is 0", KindConfigure, Configure{FFN: 1, Slots: 1}.Body()},
		{"slots is 1025", KindConfigure, Configure{Hidden: 1, FFN: 1, Slots: 1025}.Body()},
		{"rows is 0", KindRun, Run{}.Body()},
		{"layer is", KindUnload, Unload{moe.ExpertID{Layer: -1}}.Body()},
		{"matrices is 3", KindLoad, appendNumbers(nil, 0, 0, 3)},
	} {
		if _, _, err := parse(Frame{Kind: tt.kind, Body: tt.body}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want an error with %q", tt.kind, err, tt.want)
		}
	}
	for _, s := range samples {
		body := s.value.Body()
		for n := range body {
			if _, _, err := parse(Frame{Kind: s.kind, Body: body[:n]}); err == nil {
				t.Errorf("%v: %d of %d bytes are accepted", s.kind, n, len(body))
			}
		}
		if _, _, err := parse(Frame{Kind: s.kind, Body: append(body, 0)}); err == nil {
			t.Errorf("%v: a byte too many is accepted", s.kind)
		}
	}
}

func TestALongReasonIsCut(t *testing.T) {
	for _, text := range []string{strings.Repeat("八", MaxBody), "\xff"} {
		body := Failed{text}.Body()
		if f, err := ParseFailed(body); err != nil || f.Reason == "" || len(body) > MaxBody {
			t.Errorf("%d bytes: %v", len(body), err)
		}
	}
}

func TestPiecesOfMemoryAreApart(t *testing.T) {
	c := Configure{Hidden: 52, FFN: 75, Wire: tensor.F32, Inner: tensor.F32, Slots: 3}
	rows := LayOutRows(Hello{TileRows: 24}, c)
	memory := make([]byte, rows.Size())
	for slot := range c.Slots {
		fill(rows.In(memory, slot, 24), byte(2*slot+1))
		fill(rows.Out(memory, slot, 24), byte(2*slot+2))
	}
	for slot := range c.Slots {
		if in, out := rows.In(memory, slot, 24), rows.Out(memory, slot, 24); len(in) != 24*52*4 || in[0] != byte(2*slot+1) || out[len(out)-1] != byte(2*slot+2) {
			t.Errorf("slot %d overlaps another", slot)
		}
	}
	m := LayOutMatrices(c, tensor.BF16)
	memory = make([]byte, m.Size())
	for i := range 3 {
		fill(m.Matrix(memory, i), byte(i+1))
	}
	for i := range 3 {
		if got := m.Matrix(memory, i); len(got) != 52*75*2 || got[0] != byte(i+1) || got[len(got)-1] != byte(i+1) {
			t.Errorf("matrix %d overlaps another", i)
		}
	}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// FuzzRead: whatever a helper sends is a frame or an error; what is decoded encodes to
// the same bytes.
func FuzzRead(f *testing.F) {
	for _, s := range samples {
		f.Add(Frame{s.kind, 1, s.value.Body()}.Append(nil))
	}
	f.Add(Frame{Kind: KindDone, ID: 1}.Append(nil))
	f.Add([]byte("HS\x01\x01\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := bytes.NewReader(raw)
		frame, err := Read(r)
		if err != nil {
			return
		}
		if used := raw[:len(raw)-r.Len()]; !bytes.Equal(frame.Append(nil), used) {
			t.Errorf("%q is encoded as %q", used, frame.Append(nil))
		}
		if again, _, err := parse(frame); err == nil && !bytes.Equal(again, frame.Body) {
			t.Errorf("body %q of %v is encoded as %q", frame.Body, frame.Kind, again)
		}
	})
}
