package sampler

// adjust applies steps 1 to 4 of the package comment to a copy of the logits.
// early says that the answer has fewer than min_tokens tokens.
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
	s.penalize(logits)
	return logits
}

// penalize applies the penalties for tokens of the prompt and the answer.
func (s *Sampler) penalize(logits []float32) {
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
