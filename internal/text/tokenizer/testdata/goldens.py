"""Makes goldens.json from two independent implementations.

    python -m venv v && v/bin/pip install sentencepiece==0.2.0 tokenizers==0.22.2 transformers==4.57.1 protobuf==7.36.2
    v/bin/python goldens.py

sentencepiece reads ../mistral-v1.model as it is. tokenizers reads what transformers' own converter makes of it, in the
forms its versions have written: a normalizer that prepends a mark to every run of text ("legacy"), and the pre-tokenizer
Metaspace with its three schemes. Special tokens in text are not parsed there either (encode_special_tokens), except
where the golden is about a template's text.
"""

import copy
import hashlib
import importlib.metadata
import json
import random

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import Tokenizer
from transformers.convert_slow_tokenizer import LlamaConverter
from transformers import LlamaTokenizer

MODEL = "../mistral-v1.model"
MARK = "\u2581"

PLAIN = """
Hello world|hello|The quick brown fox jumps over the lazy dog.|it's|don't stop|a|A|I|x y z|foo_bar(baz)[0] += 1;
def f(x): return x ** 2|{"key": [1, 2.5, null, true]}|https://example.org/a/b?c=d&e=%20#f|3.14159265358979|1234567890
The year 2024, the 1st of May.|C++ & Rust <3|SELECT * FROM t WHERE a = 'b';|~!@#$%^&*()_+`-={}|[]\\:";'<>?,./
naïve café résumé|Zürich Straße groß|ÀÉÎÕÜ àéîõü|Ελληνικά|Русский язык|עברית|العربية مرحبا|हिन्दी नमस्ते|ไทย สวัสดี|한국어 안녕하세요
Tiếng Việt|Türkçe İıŞşĞğ|Polski: zażółć gęślą jaźń|ǅ ǈ ﬁ ﬂ ß ſ
こんにちは、世界。|吾輩は猫である。名前はまだ無い。|東京都千代田区永田町一丁目|八つの専門家が並ぶ|カラクリLMはオープンな言語モデルです。
日本語とEnglishが混ざったtextです。|「引用」『二重』（括弧）【隅付き】|ひらがな カタカナ 漢字 ﾊﾝｶｸ ＺＥＮＫＡＫＵ １２３|〜ー―…‥、。・！？
昨日は雨だったが、今日は晴れている。明日はどうだろう?|人工知能（じんこうちのう、英: artificial intelligence）|株式会社㈱㍿№℡㎏㎡
𠮷野家|𩸽の開き|鷗外と鴎外|髙島屋 山﨑|塡補 剝離 頰 𠮟る|龘龘龘 齉 爨 麤|𪚥𠔻𡈽|辻󠄀 葛󠄁城 邉󠄂|囍 乜 冇 咗|彁 墸 妛
か\u3099き\u3099く\u3099は\u309a|がぎぐぱ|ゔ う\u3099|ﾊﾞﾋﾞﾌﾟ ﾊ\uff9e|e\u0301 é|\u1112\u1161\u11ab\u1100\u116e\u11a8|A\u030a Å Å|o\u0308\u0304
👍|👩‍👩‍👧‍👦|👨🏽‍💻 👩🏿‍🚀|🏳️‍🌈|🇯🇵🇺🇸|1️⃣ #️⃣|❤️ ❤ ❤︎|😀😃😄😁|☺️|👁️‍🗨️|🧑‍🤝‍🧑|🫠🫡🪿|⌛⏳™️©️|🤷🏻‍♀️|a👍b👍|🈁㊗️㊙️
<s>|</s>|<unk>|<s>hello</s>|[INST] hi [/INST]|<<SYS>>\nsys\n<</SYS>>|<0x0A>|<0x00><0xFF>|<0xE3><0x81><0x82>|<pad>|<|im_start|>user|[ATTR] helpfulness: 4 [/ATTR]
</s><s>|< s >|<S>|text<s>text|text</s> text|▁|▁▁|a▁b|▁hello|hello▁world|▁ ▁|\u2581\u2581\u2581a
"""

SPACES = [
    "", " ", "  ", "   ", "     ", " " * 16, " " * 17, " " * 100, " a", "  a", "   a", "a ", "a  ", " a ", "  a  ", "a b", "a  b", "a   b", "a    b    c",
    "\t", "\t\t", "\ta", "a\t", "a\tb", "\t a", " \ta", "\n", "\n\n", "\n\n\n", "\na", "a\n", "a\nb", "a\n\nb", "\r", "\r\n", "a\r\nb", "\n a", " \n", "\n \n",
    "\u3000", "a\u3000b", "\u3000あ", "\u00a0", "a\u00a0b", "\u2003", "\u200b", "a\u200bb", "\ufeff", "\ufeffa", "\u2028", "\u2029", "\u0085", "\x0b\x0c",
    "def f():\n    if x:\n        return 1\n\n    return 2\n", "\tif (x) {\n\t\ty();\n\t}\n", "| a | b |\n|---|---|\n| 1 | 2 |", "- a\n  - b\n    - c\n", "1. a\n2. b\n\n\n3. c",
]

CONTROLS = ["\0", "\0\0", "a\0b"] + [chr(c) for c in range(1, 32)] + ["\x7f", "\x80", "\x9f", "a\x01b\x02", "\x1b[31mred\x1b[0m",
    "\u200d", "\u200c", "\u200e\u200f", "\u202a\u202b\u202c\u202d\u202e", "\u2066\u2067\u2068\u2069", "\u00ad", "\ufe0e\ufe0f", "\ufffc", "\ufffd", "\ufffe",
    "\uffff", "\ufdd0", "\ue000", "\uf8ff", "\U000e0001", "\U000e0041", "\U000f0000", "\U0010fffd", "\U0010ffff", "\ud7ff", "\ue001", "\u0300", "\u20dd"]

RUNS = [c * n for c in ["a", "=", "-", "#", "あ", "亜", "龘", "\n", "ab", "!", "0", "的", "😀", "\t", "_", "*"] for n in (2, 3, 5, 8, 31, 64)]


def random_texts(rng):
    planes = [(0x20, 0x7e), (0xa0, 0x24f), (0x370, 0x52f), (0x3040, 0x30ff), (0x4e00, 0x9fff), (0xac00, 0xd7a3), (0xff00, 0xffef), (0x1f300, 0x1faff),
              (0x20000, 0x2a6df), (0, 0x10ffff)]
    out = []
    for i in range(120):
        chars = []
        for _ in range(rng.randint(1, 24)):
            low, high = rng.choice(planes if i % 2 else planes[:6])
            c = rng.randint(low, high)
            if 0xd800 <= c <= 0xdfff:
                c = 0x20
            chars.append(chr(c))
            if rng.random() < 0.15:
                chars.append(" " * rng.randint(1, 3))
        out.append("".join(chars))
    words = [w for line in PLAIN.strip().split("\n") for w in line.split("|") if w]
    for _ in range(40):
        out.append(rng.choice(["", " ", "\n"]).join(rng.choice(words) for _ in range(rng.randint(2, 4))))
    return out


def texts(rng):
    plain = [w.replace("\\n", "\n") for line in PLAIN.strip("\n").split("\n") for w in line.split("|")]
    seen, out = set(), []
    for t in plain + SPACES + CONTROLS + RUNS + random_texts(rng):
        if t not in seen:
            seen.add(t)
            out.append(t)
    return out


def convert():
    slow = LlamaTokenizer(MODEL, legacy=True, add_prefix_space=True)
    j = json.loads(LlamaConverter(slow).converted().to_str())
    # The converter leaves this to the tokenizer class; every published file has all three.
    j["added_tokens"] = [{"id": i, "content": c, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
                         for i, c in enumerate(["<unk>", "<s>", "</s>"])]
    return j


def form(base, name):
    """The same vocabulary in one of the forms of a tokenizer.json."""
    j = copy.deepcopy(base)
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": MARK}
    strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    decoders = [{"type": "Replace", "pattern": {"String": MARK}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]
    if name == "legacy":
        j["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": MARK}, replace]}
        j["pre_tokenizer"] = None
    else:
        j["normalizer"] = None
        j["pre_tokenizer"] = {"type": "Metaspace", "replacement": MARK, "prepend_scheme": name, "split": False}
    j["decoder"] = {"type": "Sequence", "decoders": decoders + ([] if name == "never" else [strip])}
    return j


FORMS = ["legacy", "first", "always", "never"]

ADDED = [("<|im_end|>", True, False), ("<|im_start|>", True, False), ("東京都庁", False, False), ("<think>", False, True), ("<thinking>", False, False)]

ADDED_TEXTS = ["<think>", "a<think>b", "a <think> b", "<think> a", "<think><think>", "x<thinking>y", "<thinking", "<think", "ここは東京都庁です", "東京都庁", "東京都",
    "東京都庁東京都庁", " 東京都庁 ", "東京都庁 a", "<|im_start|>user\nhi<|im_end|>", "<|im_start|>", "a <think>東京都庁<thinking> b", "\n<think>\n", "▁<think>", "a▁<think>b"]

TEMPLATES = ["<s>[INST] a [/INST]b</s>[INST] c [/INST]", "<s> [INST] a [/INST] b</s> [INST] c [/INST]", "<s>", "<s></s>", "</s>a", "a</s>", " <s> a", "<s>  a  </s>  b",
    "<s>[INST] <<SYS>>\nあなたは親切です。\n<</SYS>>\n\n八つの専門家とは？ [/INST]答え</s>[INST] 𠮷 [/INST]", "<s>\n", "<unk>a", "<s><s>a", "plain", " spaced"]


def with_added(j, tokens):
    j = copy.deepcopy(j)
    for i, (content, special, normalized) in enumerate(tokens):
        j["added_tokens"].append({"id": 32000 + i, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
                                  "normalized": normalized, "special": special})
    return j


def load(j, parse_special=False):
    t = Tokenizer.from_str(json.dumps(j))
    t.encode_special_tokens = not parse_special
    return t


def encode(t, text):
    return t.encode(text, add_special_tokens=False).ids


def decodes(rng, spm, hf):
    """Ids to decode: of texts, at random, with special and unknown ids between, and bytes in every state of disorder."""
    ids = [[], [28705], [28705, 28705], [28705, 28705, 28708], [28708], [1, 28708, 2], [1, 22557, 2, 22557], [22557, 1, 22557], [22557, 2, 28705, 2, 22557],
           [0], [22557, 0, 0, 22557], [35], [35, 35, 28708], [28705, 35, 28708], [35, 22557], [13], [13, 28705, 22557], [2, 2, 2],
           [230, 132, 133], [230, 132], [230], [132], [230, 132, 28708], [230, 28708], [230, 230, 132, 133], [243, 162, 148, 144], [243, 162, 148, 22557],
           [230, 132, 133, 230, 132], [258], [258, 257], [195, 131], [3], [3, 3], [240, 163, 131, 131], [247, 3], [230, 1, 132, 133], [230, 0, 132, 133],
           [31999], [32000], [22557, 40000, 22557], [28705, 22557, 28705, 28705, 22557]]
    for _ in range(60):
        ids.append([rng.randint(3, 31999) for _ in range(rng.randint(1, 12))])
    for _ in range(60):
        ids.append([rng.randint(3, 258) if rng.random() < 0.7 else rng.randint(0, 31999) for _ in range(rng.randint(1, 10))])
    for text in ["𠮷野家で👩‍👩‍👧を見た", " a  b", "龘\n龘", "か\u3099"]:
        ids.append(spm.encode(text))
    out = []
    for i in ids:
        kept = [x for x in i if 3 <= x < 32000]
        out.append({"ids": i, "hf": hf.decode(i, skip_special_tokens=True), "spm": spm.decode(kept)})
    return out


def main():
    rng = random.Random(8)
    spm = sentencepiece.SentencePieceProcessor(MODEL)
    base = convert()
    tokenizers = {f: load(form(base, f)) for f in FORMS}
    out = {"versions": {p: importlib.metadata.version(p) for p in ("sentencepiece", "tokenizers", "transformers", "protobuf")}}
    vocab = sorted(base["model"]["vocab"], key=base["model"]["vocab"].get)
    out["vocab_sha256"] = hashlib.sha256("\n".join(vocab).encode()).hexdigest()
    out["merges_sha256"] = hashlib.sha256("\n".join(" ".join(m) for m in base["model"]["merges"]).encode()).hexdigest()
    out["texts"] = []
    for t in texts(rng):
        entry = {"text": t, "spm": spm.encode(t)}
        for f in FORMS:
            ids = encode(tokenizers[f], t)
            if ids != entry["spm"]:
                entry[f] = ids
        out["texts"].append(entry)
    out["bytes"] = [{"hex": h, "spm": spm.encode(bytes.fromhex(h))} for h in
                    ["61e38162", "ff", "fffe41", "eda080", "c080", "f4908080", "e3818261e381", "80", "f09f98", "c3", "20ff20"]]
    out["decode"] = decodes(rng, spm, tokenizers["legacy"])
    out["added_tokens"] = with_added(base, ADDED)["added_tokens"]
    out["added"] = [{"text": t, **{f: encode(load(with_added(form(base, f), ADDED)), t) for f in FORMS}} for t in ADDED_TEXTS]
    out["templates"] = [{"text": t, **{f: encode(load(form(base, f), True), t) for f in FORMS}} for t in TEMPLATES]
    m = pb.ModelProto()
    m.ParseFromString(open(MODEL, "rb").read())
    for text in ["東京都庁", "ab", "▁the", "<x>"]:
        p = next((p for p in m.pieces if p.piece == text), None) or m.pieces.add()
        p.piece, p.score, p.type = text, 0, 4
    own = sentencepiece.SentencePieceProcessor(model_proto=m.SerializeToString())
    out["user_defined"] = [{"text": t, "spm": own.encode(t)} for t in
                           ["ab", "aab", "abab", "a b", "cab the ab", " ab", "the", "other the then", "東京都庁へ", "<x>ab<x>", "the ab", "x the"]]
    with open("goldens.json", "w", encoding="utf-8") as f:
        f.write("{\n")
        f.write(",\n".join(
            json.dumps(k) + ": " + ("[\n" + ",\n".join(json.dumps(e, ensure_ascii=True, separators=(",", ":")) for e in v) + "\n]" if isinstance(v, list) else json.dumps(v))
            for k, v in out.items()))
        f.write("\n}\n")
    n = len(out["texts"])
    print(n, "texts;", sum("legacy" in e for e in out["texts"]), "differ between the two")
    for e in out["texts"]:
        if "legacy" in e:
            print(repr(e["text"][:30]), e["spm"], e["legacy"])


main()
