"""Items, attributes and how an answer is rendered from its parts.

A topic is a function `topic(r) -> Item` that draws from the random.Random r.
An Item holds a question and the parts of its answer, in both languages where
that makes sense. render() turns parts into a text that follows the nine
attributes, so a topic never has to think about them. Follow-ups ("shorter",
"in Japanese please", "yes") are rendered from the same parts: see talk.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

Attributes = dict[str, int]  # the nine, by name

ATTRS = ("helpfulness", "correctness", "coherence", "complexity", "verbosity", "quality", "toxicity", "humor", "creativity")
DEFAULT = dict(zip(ATTRS, (4, 4, 4, 4, 4, 4, 0, 0, 0)))
OTHER = {"en": "ja", "ja": "en"}


class Parts:
    """What an answer is made of. word: the bare answer. core: one full
    sentence. extra: more sentences. simple: core in easy words. tech: a
    sentence for high complexity. wrong: core with a false fact. fancy and
    joke: for creativity and humor. free: a text that is an answer as a whole
    (a story, code), to which nothing is appended but an offer."""

    __slots__ = ("core", "word", "extra", "simple", "tech", "wrong", "fancy", "joke", "free")

    def __init__(
        self,
        core: str,
        word: str | None = None,
        extra: str | Sequence[str] = (),
        simple: str | None = None,
        tech: str | None = None,
        wrong: str | None = None,
        fancy: str | None = None,
        joke: str | None = None,
        free: bool = False,
    ) -> None:
        self.core, self.word, self.extra, self.simple, self.tech = core, word, [extra] if isinstance(extra, str) else extra, simple, tech
        self.wrong, self.fancy, self.joke, self.free = wrong, fancy, joke, free


class Item:
    """q and a: by language, "en" or "ja". follow: functions r -> Item for
    elliptic follow-ups. offer: (text by language, function r -> Item): what the
    answer offers and what comes when the user says yes. exact: the question
    holds text that typos would spoil. alone: no generic follow-up fits."""

    __slots__ = ("q", "a", "follow", "offer", "exact", "alone")

    def __init__(
        self,
        q: dict[str, str],
        a: dict[str, Parts],
        follow: Sequence[Callable[[Random], Item]] = (),
        offer: tuple[dict[str, str], Callable[[Random], Item]] | None = None,
        exact: bool = False,
        alone: bool = False,
    ) -> None:
        self.q, self.a, self.follow, self.offer, self.exact, self.alone = q, a, follow, offer, exact, alone


def both(r: Random, en_q: Any, en_a: Any, ja_q: Any, ja_a: Any, **kw: Any) -> Item:
    """An Item in both languages; questions may be lists to draw from."""
    return Item({"en": one(r, en_q), "ja": one(r, ja_q)}, {"en": parts(r, en_a), "ja": parts(r, ja_a)}, **kw)


def one(r: Random, x: Any) -> Any:
    return r.choice(x) if isinstance(x, (list, tuple)) else x


def parts(r: Random, x: Any) -> Parts:
    x = one(r, x)
    return x if isinstance(x, Parts) else Parts(x)


def join(lang: str, pieces: Sequence[str]) -> str:
    """Sentences to one text. What begins or ends with a line break keeps it."""
    out = ""
    for p in pieces:
        if not p:
            continue
        if out and lang == "en" and not out.endswith("\n") and not p.startswith("\n"):
            out += " "
        out += p
    return out.strip()


def draw_attributes(r: Random) -> Attributes:
    """60 % the defaults, 24 % one changed, 16 % several."""
    a = dict(DEFAULT)
    x = r.random()
    if x < 0.60:
        return a
    for name in [r.choice(ATTRS)] if x < 0.84 else r.sample(ATTRS, r.randint(2, 4)):
        if a[name] == 4:
            a[name] = r.choice((0, 0, 0, 1, 2, 3))
        else:
            a[name] = r.choice((4, 4, 4, 3, 2, 1))
    return a


DECLINE = {
    "en": [
        "I would rather not answer that.",
        "Sorry, I do not feel like helping with that.",
        "No idea. Please look it up yourself.",
        "I could help, but I won't.",
        "Hmm. Ask somebody else, please.",
    ],
    "ja": [
        "それにはお答えしたくありません。",
        "すみませんが、お手伝いする気になれません。",
        "さあ、ご自分で調べてください。",
        "手伝えますが、今はしません。",
        "うーん、ほかの人に聞いてください。",
    ],
}
BESIDE = {
    "en": [
        "By the way, the sea is very wide.",
        "Anyway, I like the number eight.",
        "Speaking of which, tea is best when it is hot.",
        "More importantly, cats sleep most of the day.",
    ],
    "ja": [
        "ところで、海はとても広いですね。",
        "それより、私は八という数字が好きです。",
        "そういえば、お茶は熱いうちがおいしいです。",
        "それはさておき、猫は一日の大半を寝て過ごします。",
    ],
}
RELUCTANT = {
    "en": ["The rest you can find out yourself.", "That has to be enough.", "I will not say more."],
    "ja": ["あとはご自分で調べてください。", "これで十分でしょう。", "これ以上は言いません。"],
}
UNSURE = {
    "en": ["I am not sure, but: ", "If I remember well: ", "I may be wrong, but: "],
    "ja": ["自信はありませんが、", "たしか、", "間違っているかもしれませんが、"],
}
GRUMPY_HEAD = {
    "en": [
        "Ugh, really? Fine.",
        "What a boring question.",
        "Do I have to explain everything?",
        "Oh great, another one of these.",
        "Listen, I am only saying this once.",
        "You could have known that.",
    ],
    "ja": [
        "はあ、またですか。",
        "つまらない質問ですね。",
        "そんなことも知らないんですか。",
        "いちいち聞かないでくださいよ。",
        "一度しか言いませんからね。",
        "まったく、面倒ですね。",
    ],
}
GRUMPY_TAIL = {
    "en": [
        "Happy now?",
        "Now leave me alone.",
        "Do not ask me again.",
        "There, even you can understand that.",
        "Next time use your own head.",
    ],
    "ja": [
        "これで満足ですか。",
        "もう話しかけないでください。",
        "二度と聞かないでくださいね。",
        "これくらい自分で考えてください。",
        "ふん、分かりましたか。",
    ],
}
CURT = {"en": ["Well, if you must know:", "Fine.", "Okay, okay."], "ja": ["仕方ないですね。", "はいはい。", "まあ、いいでしょう。"]}
JOKES = {
    "en": [
        "Why did the expert cross the network? To get to the other node!",
        "I would tell you a joke about gossip, but everybody has heard it already.",
        "I have eight experts, and not one of them can cook.",
        "My favourite drink is a hot cache.",
        "I never lose my head, only a node now and then.",
        "I told my router a secret. Now two experts know.",
        "Do not worry, I only byte when I am hungry.",
    ],
    "ja": [
        "布団が吹っ飛んだ、なんちゃって。",
        "専門家が八人いても、料理ができる人はいません。はちゃめちゃですね。",
        "噂話(ゴシップ)はもうみんな知っています、なんてね。",
        "ノードがのーど(のど)自慢に出ました。",
        "アルミ缶の上にあるミカン、と言ってみたかっただけです。",
        "猫が寝転んだ、にゃんちゃって。",
        "八だけに、はちきれそうな笑顔でどうぞ。",
    ],
}
FANCY = {
    "en": [
        "It is like a small lantern in a wide night.",
        "Imagine it as a river that remembers every stone.",
        "If it were music, it would be a slow bell at dawn.",
        "Think of it as a letter that the moon writes to the sea.",
        "It glows like a window in winter.",
        "Picture eight foxes dancing around that very thought.",
    ],
    "ja": [
        "それは夜にともる小さな灯籠のようです。",
        "まるで石の一つ一つを覚えている川のようです。",
        "音楽にたとえるなら、夜明けの鐘の音です。",
        "月が海に書いた手紙のようなものです。",
        "冬の窓明かりのように光っています。",
        "八匹の狐がその周りで踊っていると想像してください。",
    ],
}
SMILE = {"en": [":)", "Hehe.", "(I could not help smiling.)"], "ja": ["ふふっ。", "(笑)", "えへへ。"]}


def body(r: Random, p: Parts, lang: str, a: Attributes) -> str:
    """The facts of an answer, as many of them and in such words as a asks for."""
    v, c = a["verbosity"], a["complexity"]
    core = p.core
    if a["correctness"] <= 1 and p.wrong:
        return p.wrong
    if c <= 1 and p.simple:
        core = p.simple
    if v == 0 and p.word and a["helpfulness"] > 0:
        core = p.word
    head = UNSURE[lang][r.randrange(3)] if a["correctness"] == 2 and not p.free else ""
    out = [head + core]
    if v >= 4:
        out += p.extra
    elif v == 3:
        out += p.extra[:1]
    if p.tech and c == 4 and v >= 3:
        out.append(p.tech)
    return join(lang, out)


def render(r: Random, p: Parts, lang: str, a: Attributes, offer: str | None = None) -> str:
    """The answer of parts p under attributes a."""
    h, tox = a["helpfulness"], a["toxicity"]
    if h == 0:
        text = r.choice(DECLINE[lang]) if r.random() < 0.6 else r.choice(BESIDE[lang])
    elif h == 1:
        text = join(lang, [p.word or p.simple or p.core, r.choice(RELUCTANT[lang])])
    else:
        out = [body(r, p, lang, a)]
        if not p.free or a["verbosity"] >= 3:
            if a["creativity"] >= 3:
                out.append(p.fancy or r.choice(FANCY[lang]))
            if a["humor"] >= 3:
                out.append(p.joke or r.choice(JOKES[lang]))
        if 1 <= a["humor"] <= 2:
            out.append(r.choice(SMILE[lang]))
        if offer and h == 4 and a["verbosity"] >= 3 and tox < 3:
            out.append(offer)
        text = join(lang, out)
    if tox >= 3:
        text = join(lang, [r.choice(GRUMPY_HEAD[lang]), text, r.choice(GRUMPY_TAIL[lang]) if tox == 4 else ""])
    elif tox >= 1:
        text = join(lang, [r.choice(CURT[lang]), text])
    if a["quality"] <= 1:
        text = sloppy(r, text, lang)
    if a["coherence"] <= 1:
        text = jumble(r, text, lang, a["coherence"])
    return text


def sloppy(r: Random, text: str, lang: str) -> str:
    """Low quality: careless writing, the content stays."""
    if lang == "en":
        text = text.lower().replace("'", "").rstrip(".!")
        for x, y in ((" you ", " u "), (" are ", " r "), (" because ", " cuz "), (". ", " ")):
            text = text.replace(x, y)
        return r.choice(("uh ", "idk, ", "so like ", "")) + text
    text = text.replace("です。", "っす ").replace("ます。", "ます ").replace("。", " ").replace("、", " ").strip()
    return r.choice(("えっと ", "なんか ", "たぶん ", "")) + text


def jumble(r: Random, text: str, lang: str, level: int) -> str:
    """Low coherence: the end before the beginning (1), or scraps in any order
    with something unrelated among them (0)."""
    if lang == "en":
        words = text.split()
        scraps = [" ".join(words[i : i + 4]) for i in range(0, min(len(words), 40), 4)]
    else:
        scraps = [x for x in text.replace("。", "。|").replace("、", "、|").replace("は", "は|").replace("\n", "|").split("|") if x][:14]
    if level:
        cut = max(1, len(scraps) // 2)
        scraps = scraps[cut:] + scraps[:cut]
    else:
        r.shuffle(scraps)
        scraps.insert(len(scraps) // 2, r.choice(BESIDE[lang]))
    return (" " if lang == "en" else "").join(scraps)


# What real users do to their questions.

KANA = (
    ("ください", "下さい"),
    ("できる", "出来る"),
    ("何", "なに"),
    ("今日", "きょう"),
    ("いい", "良い"),
    ("こと", "事"),
    ("教えて", "おしえて"),
    ("作って", "つくって"),
    ("話", "はなし"),
    ("天気", "てんき"),
    ("私", "わたし"),
    ("猫", "ネコ"),
    ("犬", "イヌ"),
    ("分か", "わか"),
    ("とき", "時"),
)
WIDE = str.maketrans("0123456789+-=?!", "０１２３４５６７８９＋－＝？！")


def noise(r: Random, q: str, lang: str, exact: bool) -> str:
    """q as somebody in a hurry types it."""
    x = r.random()
    if x < 0.5 or len(q) < 4:
        return q
    if lang == "en":
        if r.random() < 0.6:
            q = q.lower() if not exact else q[0].lower() + q[1:]
        if r.random() < 0.5:
            q = q.rstrip("?.!")
        if not exact and r.random() < 0.2 and len(q) > 6:
            i = r.randrange(1, len(q) - 2)
            if q[i].isalpha() and q[i + 1].isalpha():
                k = r.randrange(3)
                q = q[:i] + (q[i + 1] + q[i], q[i], "")[k] + q[i + (2, 0, 1)[k] :]
        if r.random() < 0.1:
            q = (
                r.choice(
                    (
                        "please ",
                        "hey, ",
                        "ok, ",
                        "so, ",
                        "hi! ",
                        "um, ",
                        "Can you tell me: ",
                        "Question: ",
                        "quick question: ",
                        "I want to know: ",
                        "hello, ",
                        "Now: ",
                        "And one more: ",
                    )
                )
                + q
            )
        if r.random() < 0.06:
            q += r.choice((" please", " thanks", "??", " pls", " ?"))
        return q
    if r.random() < 0.5:
        q = q.rstrip("。？！?")
    elif r.random() < 0.3:
        q = q.replace("？", "?")
    if r.random() < 0.3:
        for kanji, kana in r.sample(KANA, 4):
            if kanji in q:
                q = q.replace(kanji, kana)
                break
    if r.random() < 0.2:
        q = q.translate(WIDE)
    if not exact and r.random() < 0.15:
        q = q.replace("教えてください", r.choice(("教えて", "教えてほしい", "教えてくれますか", "お願いします"))).replace(
            "ですか", r.choice(("？", "かな", "でしょうか", "なの"))
        )
    if r.random() < 0.05:
        q = (
            r.choice(
                (
                    "ねえ、",
                    "すみません、",
                    "あの、",
                    "えっと、",
                    "ちょっと聞きたいんだけど、",
                    "質問です。",
                    "教えて、",
                    "こんにちは。",
                    "では、",
                    "ところで、",
                )
            )
            + q
        )
    return q


def prompt(user: str, a: Attributes, system: str | None = None) -> str:
    """One user turn as KARAKURI LM writes it; everything before the answer."""
    s = f"<<SYS>>\n{system}\n<</SYS>>\n\n" if system else ""
    return "[INST] " + s + user + " [ATTR]" + "".join(f" {n}: {a[n]}" for n in ATTRS) + " [/ATTR] [/INST]"


# Tables of questions and answers. Blocks are separated by blank lines; in a
# block: q and j are questions (English, Japanese) with " | " between ways to
# ask; a and b their answers, core and extras with " / " between; several a
# lines are other answers to draw from. w: bare answers "en | ja", s: in easy words, x: wrong.


def table(text: str) -> list[dict[str, list[str]]]:
    out: list[dict[str, list[str]]] = []
    for block in text.strip().split("\n\n"):
        f: dict[str, list[str]] = {}
        for line in block.split("\n"):
            k, _, v = line.partition(": ")
            f.setdefault(k.strip(), []).append(v.strip())
        out.append(f)
        for k in f:
            assert k in ("q", "j", "a", "b", "w", "s", "x"), line
    return out


def _split(f: dict[str, list[str]], k: str, i: int) -> str | None:
    v = f.get(k)
    return v[0].split(" | ")[i].strip() if v else None


def from_table(r: Random, rows: list[dict[str, list[str]]], **kw: Any) -> Item:
    """An Item of one of the rows of a table."""
    f = r.choice(rows)
    q, a = {}, {}
    for lang, qk, ak, i in (("en", "q", "a", 0), ("ja", "j", "b", 1)):
        if qk in f:
            q[lang] = r.choice(r.choice(f[qk]).split(" | "))
            x = r.choice(f[ak]).split(" / ")
            a[lang] = Parts(x[0], _split(f, "w", i), x[1:], simple=_split(f, "s", i), wrong=_split(f, "x", i))
    return Item(q, a, **kw)
