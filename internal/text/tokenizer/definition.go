package tokenizer

import (
	"errors"
	"fmt"
)

// definition is the content of either file format, before build.
type definition struct {
	pieces     []piece
	scores     []float32   // by piece: merges by score, as SentencePiece
	merges     [][2]string // by rank: exactly these, as Hugging Face
	prefix     prefix
	stripSpace bool // one space at the start of a decoded text
	added      []addedToken
}

// addedToken is a token that fine-tuning added to a vocabulary, or more about one
// of its pieces.
type addedToken struct {
	id         int32
	content    string
	special    bool // control: never found in text
	normalized bool // found in the normalized text
	from       string
}

// build makes a tokenizer of a definition and the files beside it.
func build(d definition, c config) (*Tokenizer, error) {
	pieces, added, err := mergeAdded(d.pieces, append(d.added, c.added...))
	if err != nil {
		return nil, err
	}
	if err := c.markSpecial(pieces); err != nil {
		return nil, err
	}
	vocab, err := newVocabulary(pieces)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{vocab: vocab, bpe: newBPE(vocab), prefix: d.prefix, stripSpace: d.stripSpace, added: added,
		addBOS: c.addBOS, addEOS: c.addEOS, specials: c.specials}
	if d.scores != nil {
		t.bpe.mergeByScore(d.scores)
	} else if err := t.bpe.mergeByRank(d.merges); err != nil {
		return nil, err
	}
	if t.bos, err = t.special("bos_token"); err != nil {
		return nil, err
	}
	if t.eos, err = t.special("eos_token"); err != nil {
		return nil, err
	}
	t.fillMatchers(func(string) bool { return false })
	return t, nil
}

// mergeAdded puts added tokens into the list of pieces: those past its end are
// appended and must leave no hole, those inside must be the piece they name.
// The first entry for a token counts; later ones must have the same text.
func mergeAdded(base []piece, added []addedToken) ([]piece, map[int32]addedToken, error) {
	byID := map[int32]addedToken{}
	for _, a := range added {
		if known, ok := byID[a.id]; ok {
			if known.content != a.content {
				return nil, nil, fmt.Errorf("added token %d is %q in %s and %q in %s", a.id, known.content, known.from, a.content, a.from)
			}
			continue
		}
		if a.id < 0 || a.id >= maxPieces {
			return nil, nil, fmt.Errorf("%s: added token %q has the id %d, expected 0 to %d", a.from, a.content, a.id, maxPieces-1)
		}
		byID[a.id] = a
	}
	pieces := append([]piece(nil), base...)
	for id := int32(0); int(id) < len(base); id++ {
		a, ok := byID[id]
		if !ok {
			continue
		}
		if a.content != pieces[id].text {
			return nil, nil, fmt.Errorf("%s: added token %d is %q, the vocabulary has %q there", a.from, id, a.content, pieces[id].text)
		}
		pieces[id].kind = a.kind(pieces[id].kind)
	}
	past := 0
	for id := range byID {
		if int(id) >= len(base) {
			past++
		}
	}
	for range past {
		id := int32(len(pieces))
		a, ok := byID[id]
		if !ok {
			return nil, nil, fmt.Errorf("added tokens go past %d, but none has this id", id)
		}
		pieces = append(pieces, piece{a.content, a.kind(normal)})
	}
	return pieces, byID, nil
}

// kind is the kind of a piece that is also an added token. A piece that text could
// not produce before stays so, even if the entry omits special.
func (a addedToken) kind(base kind) kind {
	switch {
	case base == unknown || base == byteValue || base == control:
		return base
	case a.special:
		return control
	}
	return userDefined
}

// fillMatchers decides where each piece that is found whole is looked for.
// SentencePiece finds its own user-defined pieces in normalized text; an added
// token of Hugging Face says itself, and its text is normalized too then.
func (t *Tokenizer) fillMatchers(reserve func(token string) bool) {
	t.control, t.inRaw, t.inNormal = matcher{}, matcher{}, matcher{}
	for i, p := range t.vocab.pieces {
		id := int32(i)
		a, isAdded := t.added[id]
		switch {
		case p.kind == control || p.kind == unknown || p.kind == userDefined && reserve(p.text):
			t.control.add(p.text, id)
		case p.kind != userDefined:
		case !isAdded:
			t.inNormal.add(p.text, id)
		case a.normalized && t.prefix.normalizer:
			t.inNormal.add(t.prefix.apply(p.text, true), id)
		default:
			t.inRaw.add(p.text, id)
		}
	}
}

// special is the id of the piece that the configuration calls by name.
func (t *Tokenizer) special(name string) (int32, error) {
	text, ok := t.specials[name]
	if !ok {
		return 0, errors.New(name + " is null, expected the text of a token")
	}
	id, ok := t.vocab.ids[text]
	if !ok {
		return 0, fmt.Errorf("%s is %q, which is not in the vocabulary", name, text)
	}
	return id, nil
}
