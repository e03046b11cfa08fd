package tokenizer

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

const maxPieces = 1 << 20

const (
	kindNormal  = 1
	kindUnknown = 2
	kindControl = 3
	kindByte    = 6
)

type piece struct {
	text string
	kind uint64
}

func fields(b []byte, f func(protowire.Number, protowire.Type, []byte) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		m := protowire.ConsumeFieldValue(num, typ, b[n:])
		if m < 0 {
			return protowire.ParseError(m)
		}
		if err := f(num, typ, b[n:n+m]); err != nil {
			return err
		}
		b = b[n+m:]
	}
	return nil
}

// readModel lists the pieces of a SentencePiece model and returns the same model without its dummy prefix, which
// the engine refuses and Tokenizer adds itself.
func readModel(b []byte) (pieces []piece, bare []byte, err error) {
	seen := map[string]bool{}
	unknown, normalizer := 0, false
	err = fields(b, func(num protowire.Number, typ protowire.Type, v []byte) error {
		if typ != protowire.BytesType || num != 1 && num != 3 {
			return nil
		}
		body, _ := protowire.ConsumeBytes(v)
		if num == 3 {
			normalizer = true
			return checkNormalizer(body)
		}
		p, err := readPiece(body)
		switch {
		case err != nil:
			return fmt.Errorf("piece %d: %w", len(pieces), err)
		case p.text == "" || seen[p.text]:
			return fmt.Errorf("piece %d: %q is empty or already there", len(pieces), p.text)
		case len(pieces) == maxPieces:
			return fmt.Errorf("more than %d pieces", maxPieces)
		case p.kind == kindUnknown:
			unknown++
		}
		seen[p.text] = true
		pieces = append(pieces, p)
		return nil
	})
	switch {
	case err != nil:
		return nil, nil, err
	case unknown != 1:
		return nil, nil, fmt.Errorf("%d unknown pieces, expected 1", unknown)
	case !normalizer:
		return nil, nil, errors.New("no normalizer")
	}
	// A later normalizer message merges over the earlier one: add_dummy_prefix (3) and remove_extra_whitespaces (4) off.
	bare = append(append([]byte(nil), b...), 0x1a, 4, 3<<3, 0, 4<<3, 0)
	return pieces, bare, nil
}

func readPiece(b []byte) (piece, error) {
	p := piece{kind: kindNormal}
	err := fields(b, func(num protowire.Number, typ protowire.Type, v []byte) error {
		switch {
		case num == 1 && typ == protowire.BytesType:
			s, _ := protowire.ConsumeBytes(v)
			p.text = string(s)
		case num == 3 && typ == protowire.VarintType:
			p.kind, _ = protowire.ConsumeVarint(v)
		}
		return nil
	})
	return p, err
}

func checkNormalizer(b []byte) error {
	return fields(b, func(num protowire.Number, typ protowire.Type, v []byte) error {
		if typ == protowire.VarintType {
			n, _ := protowire.ConsumeVarint(v)
			if num == 3 && n == 0 || num == 4 && n != 0 || num == 5 && n == 0 {
				return fmt.Errorf("normalizer field %d is %d: only the Mistral v1 form is read", num, n)
			}
		}
		if num == 2 && len(v) > 1 {
			return errors.New("normalizer has a character map: only the identity is read")
		}
		return nil
	})
}
