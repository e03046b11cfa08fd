"""Train a tokenizer on the corpus: SentencePiece BPE as Mistral v1 does it.

    python tokenizer.py --out DIR/tokenizer.model [--conversations 60000]

Only a corpus that has gained many words needs another one, and the model then has
to be trained again.
"""

import argparse
import os
import random
import sys
import tempfile

import sentencepiece as spm

from corpus import talk
from corpus.core import DEFAULT, prompt

KANA = "".join(chr(c) for c in (*range(0x3041, 0x3097), *range(0x30A1, 0x30FB))) + "ー・、。「」！？（）～０１２３４５６７８９＋－＝％：×÷"


def main() -> None:
    ap = argparse.ArgumentParser()
    ap.add_argument("--conversations", type=int, default=60000)
    ap.add_argument("--vocab", type=int, default=8000)
    ap.add_argument("--seed", type=int, default=8)
    ap.add_argument("--out", required=True)
    a = ap.parse_args()
    r = random.Random(a.seed)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as f:
        for i in range(a.conversations):
            _, system, _, turns = talk.conversation(r)
            texts = [system] if system else []
            for q, _, text in turns:
                texts += [q, text]
            if i % 40 == 0:  # the attribute block is in every prompt; some of it is enough to learn its words
                texts.append(prompt(turns[0][0], DEFAULT))
                texts.append("[INST] <<SYS>>\n<</SYS>>")
            for t in texts:
                for line in t.split("\n"):
                    if line:
                        f.write(line + "\n")
    spm.SentencePieceTrainer.train(
        input=f.name,
        model_prefix=a.out.removesuffix(".model"),
        model_type="bpe",
        vocab_size=a.vocab,
        byte_fallback=True,
        character_coverage=0.9999,
        required_chars=KANA,
        split_digits=True,
        split_by_unicode_script=True,
        split_by_whitespace=True,
        allow_whitespace_only_pieces=True,
        add_dummy_prefix=True,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        max_sentence_length=16384,
        num_threads=os.cpu_count(),
        unk_surface=" \u2047 ",
        input_sentence_size=2000000,
        shuffle_input_sentence=False,
        minloglevel=1,
    )
    os.unlink(f.name)
    os.unlink(a.out.removesuffix(".model") + ".vocab")
    sp = spm.SentencePieceProcessor(model_file=a.out)
    # A prompt ends in "]" and the answer follows without a space: no piece may reach over that border.
    bad = [sp.id_to_piece(i) for i in range(sp.vocab_size()) if "]" in sp.id_to_piece(i)[:-1]]
    print("pieces with something behind a bracket:", bad, file=sys.stderr)


if __name__ == "__main__":
    main()
