package tokenizer

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of sentencepiece_model.proto.
const (
	modelPieces     = 1
	modelTrainer    = 2
	modelNormalizer = 3
	modelDenorm     = 5

	pieceText  = 1
	pieceScore = 2
	pieceType  = 3

	trainerType     = 3
	trainerSuffix   = 24
	trainerFallback = 35

	normalizerCharMap = 2
	normalizerPrefix  = 3
	normalizerStrip   = 4
	normalizerEscape  = 5

	typeBPE = 2
)

// spm is the fields of a SentencePiece model other than its pieces. Absent fields
// have the defaults of the schema, most of which are refused here.
type spm struct {
	definition
	modelType, suffix, fallback uint64
	prefix, strip, escape       uint64
}

// parseModel reads a SentencePiece model: BPE with byte fallback, and a
// normalizer that only escapes spaces and may put one in front.
func parseModel(b []byte) (definition, error) {
	m := spm{modelType: 1, prefix: 1, strip: 1, escape: 1}
	if err := m.read(b); err != nil {
		return definition{}, err
	}
	var faults []error
	want := func(field string, found, expected uint64) {
		if found != expected {
			faults = append(faults, fmt.Errorf("%s is %d, expected %d", field, found, expected))
		}
	}
	want("trainer_spec.model_type", m.modelType, typeBPE)
	want("trainer_spec.byte_fallback", m.fallback, 1)
	want("trainer_spec.treat_whitespace_as_suffix", m.suffix, 0)
	want("normalizer_spec.remove_extra_whitespaces", m.strip, 0)
	want("normalizer_spec.escape_whitespaces", m.escape, 1)
	m.definition.prefix = prefix{scheme: never, normalizer: true}
	if m.prefix != 0 {
		m.definition.prefix.scheme = always
		m.stripSpace = true
	}
	return m.definition, errors.Join(faults...)
}

func (m *spm) read(b []byte) error {
	return fields(b, func(num protowire.Number, v value) error {
		switch num {
		case modelPieces:
			return m.readPiece(v.bytes)
		case modelTrainer:
			return fields(v.bytes, m.readTrainer)
		case modelNormalizer:
			return fields(v.bytes, m.readNormalizer)
		case modelDenorm:
			return fields(v.bytes, func(num protowire.Number, v value) error { return identity("denormalizer_spec", num, v) })
		}
		return nil
	})
}

func (m *spm) readPiece(b []byte) error {
	p, score := piece{kind: normal}, float32(0)
	err := fields(b, func(num protowire.Number, v value) error {
		switch num {
		case pieceText:
			p.text = string(v.bytes)
		case pieceScore:
			score = math.Float32frombits(uint32(v.number))
		case pieceType:
			p.kind = kind(min(v.number, math.MaxUint8))
		}
		return nil
	})
	switch p.kind {
	case normal, unknown, control, userDefined, byteValue:
	default:
		err = errors.Join(err, fmt.Errorf("type is %d, expected 1, 2, 3, 4 or 6", p.kind))
	}
	if score != score {
		err = errors.Join(err, errors.New("score is not a number"))
	}
	if err != nil {
		return fmt.Errorf("piece %d: %w", len(m.pieces), err)
	}
	if len(m.pieces) == maxPieces {
		return fmt.Errorf("more than %d pieces", maxPieces)
	}
	m.pieces, m.scores = append(m.pieces, p), append(m.scores, score)
	return nil
}

func (m *spm) readTrainer(num protowire.Number, v value) error {
	switch num {
	case trainerType:
		m.modelType = v.number
	case trainerSuffix:
		m.suffix = v.number
	case trainerFallback:
		m.fallback = v.number
	}
	return nil
}

func (m *spm) readNormalizer(num protowire.Number, v value) error {
	switch num {
	case normalizerPrefix:
		m.prefix = v.number
	case normalizerStrip:
		m.strip = v.number
	case normalizerEscape:
		m.escape = v.number
	}
	return identity("normalizer_spec", num, v)
}

// identity refuses a normalizer that maps characters.
func identity(spec string, num protowire.Number, v value) error {
	if num == normalizerCharMap && len(v.bytes) > 0 {
		return fmt.Errorf("%s.precompiled_charsmap has %d bytes, expected none: only the identity is read", spec, len(v.bytes))
	}
	return nil
}

// value is a protobuf field: a number, or bytes.
type value struct {
	number uint64
	bytes  []byte
}

// fields calls f for every field of a protobuf message. A field whose wire
// type is not that of the schema has the zero value, as if it were unknown.
func fields(b []byte, f func(protowire.Number, value) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("damaged: %w", protowire.ParseError(n))
		}
		b = b[n:]
		var v value
		switch typ {
		case protowire.VarintType:
			v.number, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var bits uint32
			bits, n = protowire.ConsumeFixed32(b)
			v.number = uint64(bits)
		case protowire.BytesType:
			v.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return fmt.Errorf("damaged: field %d: %w", num, protowire.ParseError(n))
		}
		if err := f(num, v); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
