package tokenizer

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds far above any model of the family. They keep the work of reading a
// damaged or hostile file small: splits of a piece are quadratic in its length.
const (
	maxPieces     = 1 << 20
	maxPieceBytes = 256
	maxModelBytes = 16 << 20
	maxJSONBytes  = 128 << 20
)

// kind is the use of a piece. The numbers are those of SentencePiece.
type kind uint8

const (
	normal      kind = 1
	unknown     kind = 2
	control     kind = 3 // never found in text, never part of decoded text
	userDefined kind = 4 // found in text before anything else
	byteValue   kind = 6 // "<0x41>": one byte of a character without a piece
)

type piece struct {
	text string
	kind kind
}

// vocabulary is the list of pieces by id.
type vocabulary struct {
	pieces []piece
	ids    map[string]int32
	bytes  [256]int32
	// longest is the maximum length of the text of a piece that is found in texts,
	// bytes.
	longest int
}

// newVocabulary checks what every file format must hold: distinct, valid
// texts, one unknown piece and all 256 bytes.
func newVocabulary(pieces []piece) (*vocabulary, error) {
	v := &vocabulary{ids: make(map[string]int32, len(pieces)), longest: 1}
	for _, p := range pieces {
		if err := v.add(p); err != nil {
			return nil, err
		}
	}
	unknowns, bytes := 0, 0
	for id, p := range v.pieces {
		switch p.kind {
		case unknown:
			unknowns++
		case byteValue:
			b, ok := parseByte(p.text)
			if !ok {
				return nil, fmt.Errorf("piece %d: %q is a byte piece, expected the form <0x41>", id, p.text)
			}
			v.bytes[b] = int32(id)
			bytes++
		}
	}
	if unknowns != 1 {
		return nil, fmt.Errorf("%d unknown pieces, expected 1", unknowns)
	}
	if bytes != len(v.bytes) {
		return nil, fmt.Errorf("%d byte pieces, expected 256: only vocabularies with byte fallback are read", bytes)
	}
	return v, nil
}

// add appends a piece; its id is the number of those before it.
func (v *vocabulary) add(p piece) error {
	id := len(v.pieces)
	switch other, taken := v.ids[p.text]; {
	case id == maxPieces:
		return fmt.Errorf("more than %d pieces", maxPieces)
	case p.text == "" || len(p.text) > maxPieceBytes:
		return fmt.Errorf("piece %d has %d bytes, expected 1 to %d", id, len(p.text), maxPieceBytes)
	case !utf8.ValidString(p.text):
		return fmt.Errorf("piece %d: %q is not UTF-8", id, p.text)
	case taken:
		return fmt.Errorf("piece %d: %q is piece %d already", id, p.text, other)
	}
	if p.kind == normal || p.kind == userDefined {
		v.longest = max(v.longest, len(strings.ReplaceAll(p.text, meta, " ")))
	}
	v.ids[p.text] = int32(id)
	v.pieces = append(v.pieces, p)
	return nil
}

// parseByte reads "<0x41>".
func parseByte(text string) (byte, bool) {
	if len(text) != 6 || text[:3] != "<0x" || text[5] != '>' {
		return 0, false
	}
	n, err := strconv.ParseUint(text[3:5], 16, 8)
	return byte(n), err == nil && text == fmt.Sprintf("<0x%02X>", n)
}
