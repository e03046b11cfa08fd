package sampler

// adjust applies everything that comes before the temperature, to a copy. Early
// is before min_tokens.
func (s *Sampler) adjust(w *Workspace, logits []float32, early bool) []float32 {
	if !early && len(s.bias) == 0 && s.seen == nil && !s.Constrained() {
		return logits
	}
	w.logits = append(w.logits[:0], logits...)
	logits = w.logits
	if s.Constrained() {
		s.Prepare()
		s.grammar.apply(logits)
	}
	if early {
		for _, token := range s.stops {
			logits[token] = -inf
		}
	}
	for _, b := range s.bias {
		logits[b.token] += b.bias
	}
	s.penalise(logits)
	return logits
}

func (s *Sampler) penalise(logits []float32) {
	repetition := float32(s.p.RepetitionPenalty)
	if repetition == 0 {
		repetition = 1
	}
	frequency, presence := float32(s.p.FrequencyPenalty), float32(s.p.PresencePenalty)
	for _, c := range s.counts {
		v := &logits[c.token]
		if *v > 0 {
			*v /= repetition
		} else {
			*v *= repetition
		}
		if c.drawn > 0 {
			*v -= float32(frequency * float32(c.drawn))
			*v -= presence
		}
	}
}
