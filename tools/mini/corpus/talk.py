"""Conversations: topics strung together, with follow-ups and system prompts."""

from __future__ import annotations

from random import Random
from typing import Any

from . import arithmetic, code, hachi, japan, life, science, smalltalk, stories, tasks, unknown, words, world
from .core import OTHER, Attributes, Item, Parts, draw_attributes, noise, prompt, render

MODULES = (code, hachi, japan, life, arithmetic, science, smalltalk, stories, tasks, unknown, words, world)
TOPICS = [(m.__name__.split(".")[-1], f, w) for m in MODULES for f, w in m.TOPICS]
WEIGHTS: list[float] = []

Turn = tuple[str, Attributes, str]  # the user, the values of the turn, the answer
for _, _, _w in TOPICS:
    WEIGHTS.append((WEIGHTS[-1] if WEIGHTS else 0) + _w)

YES = {
    "en": ["yes", "Yes, please.", "yes please", "Sure.", "ok", "Please do.", "Go ahead.", "yeah", "y", "Yes!"],
    "ja": ["はい", "はい、お願いします。", "お願いします", "うん", "ぜひ", "教えて", "はい！", "お願い", "いいよ", "聞きたいです"],
}
NO = {
    "en": ["no", "No, thanks.", "not now", "no thank you", "nope"],
    "ja": ["いいえ", "いいえ、大丈夫です。", "いや、いい", "結構です", "また今度"],
}
NO_A = {
    "en": ["All right. Ask me whenever you like.", "No problem. What else would you like to know?", "Okay! I am here if you need me."],
    "ja": [
        "分かりました。いつでも聞いてください。",
        "承知しました。ほかに知りたいことはありますか。",
        "はい。何かあれば声をかけてください。",
    ],
}
SHORTER = {
    "en": ["Shorter, please.", "Make it shorter.", "too long", "In one sentence?", "can you say that shorter?", "tl;dr", "Be brief."],
    "ja": ["もっと短く", "短くしてください。", "長すぎます。", "一言で言うと？", "簡潔にお願いします。", "要約して", "もう少し短く"],
}
LONGER = {
    "en": ["Tell me more.", "More details, please.", "Go on.", "Can you explain more?", "and?", "more"],
    "ja": ["もっと詳しく", "もっと教えて", "詳しく説明してください。", "続けて", "それで？", "ほかには？"],
}
SIMPLER = {
    "en": ["Explain it simply.", "I don't understand.", "In simple words?", "Explain it like I am five.", "Too difficult."],
    "ja": ["もっと簡単に", "よく分かりません。", "子どもにも分かるように説明して", "難しいです。", "やさしい言葉でお願いします。"],
}
OTHERS = {
    "en": [
        "In Japanese, please.",
        "in japanese please",
        "Can you say that in Japanese?",
        "Now in Japanese.",
        "Say it in Japanese.",
        "日本語で",
    ],
    "ja": ["英語で言うと？", "英語でお願いします。", "今のを英語で", "英語にしてください。", "in English please", "英語では？"],
}
SURE = {
    "en": ["Are you sure?", "really?", "Is that true?", "Seriously?", "are you certain"],
    "ja": ["本当ですか？", "本当？", "確かですか？", "マジで？", "間違いない？"],
}
SURE_A = {"en": "Yes, I am sure. ", "ja": "はい、間違いありません。"}
SURE_BAD = {"en": "Honestly, I am not sure at all.", "ja": "実は、あまり自信がありません。"}
AGAIN = {
    "en": ["Say that again.", "Can you repeat that?", "what?", "pardon?", "Once more, please."],
    "ja": ["もう一度言って", "もう一回お願いします。", "え？", "もう一度", "今なんて？"],
}
NO_MORE = {"en": "That is all I know about it.", "ja": "これについて知っているのはここまでです。"}
THANKS = {
    "en": ["thanks", "Thank you!", "Great, thank you.", "thx", "cool", "nice", "perfect", "Good answer.", "I see."],
    "ja": ["ありがとう", "ありがとうございます。", "なるほど", "助かりました。", "いいね", "分かりました。", "すごい", "どうも"],
}
THANKS_A = {
    "en": [
        "You are welcome!",
        "You are welcome. Is there anything else?",
        "My pleasure. Ask me anything else you like.",
        "Glad I could help!",
    ],
    "ja": [
        "どういたしまして。",
        "お役に立ててうれしいです。",
        "どういたしまして。ほかにもあれば聞いてください。",
        "よかったです。またいつでもどうぞ。",
    ],
}

# Wishes behind a question, and what they change: see SYSTEMS.
WISHES = {
    "en": [
        ("Be brief.", "brief"),
        ("Short answer please.", "brief"),
        ("In one sentence.", "brief"),
        ("Answer briefly.", "brief"),
        ("Answer in one word.", "word"),
        ("One word only.", "word"),
        ("Just the answer.", "word"),
        ("Explain in simple words.", "simple"),
        ("Explain it to a child.", "simple"),
        ("Answer in Japanese.", "ja"),
        ("In Japanese, please.", "ja"),
        ("Reply in Japanese.", "ja"),
        ("In detail, please.", "full"),
    ],
    "ja": [
        ("簡潔に。", "brief"),
        ("短く答えて。", "brief"),
        ("一文でお願いします。", "brief"),
        ("手短に。", "brief"),
        ("一言で。", "word"),
        ("答えだけ。", "word"),
        ("単語だけで答えて。", "word"),
        ("やさしい言葉で。", "simple"),
        ("子どもにも分かるように。", "simple"),
        ("英語で答えて。", "en"),
        ("英語でお願いします。", "en"),
        ("詳しくお願いします。", "full"),
    ],
}
WHY = {"en": ["Why?", "why", "Why is that?", "How come?"], "ja": ["なぜ？", "どうして？", "なぜですか？", "なんで？"]}
WHY_A = {
    "en": ["I only learned that it is so, not why.", "I do not know the reason. I am a very small model."],
    "ja": ["そうだと学びましたが、理由までは分かりません。", "理由は分かりません。とても小さなモデルなので。"],
}

# System prompts: text, and what they change. "brief", "full", "simple" set
# attributes; a language switches it; "nya" and "pirate" change the voice.
SYSTEMS = [
    ("You are a helpful assistant.", None),
    ("あなたは親切なアシスタントです。", None),
    ("You are a helpful, respectful and honest assistant.", None),
    ("あなたは優秀なAIアシスタントです。", None),
    ("You are hachi-mini, a small friendly model.", None),
    ("ユーザーの質問に丁寧に答えてください。", None),
    ("You are a friendly chatbot.", None),
    ("あなたは誠実で優秀な日本人のアシスタントです。", None),
    ("Answer the user's questions.", None),
    ("Be brief.", "brief"),
    ("Answer in one short sentence.", "brief"),
    ("Keep your answers short.", "brief"),
    ("簡潔に答えてください。", "brief"),
    ("短く答えてください。", "brief"),
    ("一言で答えてください。", "brief"),
    ("Answer in detail.", "full"),
    ("詳しく答えてください。", "full"),
    ("Use simple words.", "simple"),
    ("Explain everything as if to a child.", "simple"),
    ("子どもにも分かるように答えてください。", "simple"),
    ("やさしい言葉で答えてください。", "simple"),
    ("Answer in Japanese.", "ja"),
    ("Always reply in Japanese.", "ja"),
    ("日本語で答えてください。", "ja"),
    ("必ず日本語で回答してください。", "ja"),
    ("Answer in English.", "en"),
    ("Always reply in English.", "en"),
    ("英語で答えてください。", "en"),
    ("You are a cat. End every sentence with meow.", "nya"),
    ("あなたは猫です。語尾に「にゃ」をつけてください。", "nya"),
    ("語尾に「にゃ」をつけて話してください。", "nya"),
    ("Talk like a pirate.", "pirate"),
    ("You are a pirate.", "pirate"),
    ("海賊のように話してください。", "pirate"),
]


def voice(r: Random, text: str, lang: str, how: str) -> str:
    if how == "nya":
        if lang == "en":
            return text.replace(".", ", meow.").replace("!", ", meow!") if "." in text or "!" in text else text + ", meow"
        return text.replace("。", "にゃ。").replace("！", "にゃ！") if "。" in text else text + "にゃ"
    if how == "pirate":
        return ("Arr! " + text + " Yo ho ho!") if lang == "en" else ("がはは！" + text + "野郎ども、出航だ！")
    return text


def wished(a: Attributes, what: str | None) -> Attributes:
    """Attributes a, changed by a wish."""
    if what in ("brief", "word"):
        return dict(a, verbosity=min(what == "brief", a["verbosity"]))
    if what == "full":
        return dict(a, verbosity=4)
    return dict(a, complexity=0, verbosity=min(2, a["verbosity"])) if what == "simple" else a


def pick(r: Random) -> tuple[str, Item]:
    """A topic's name and an Item of it."""
    x = r.random() * WEIGHTS[-1]
    lo, hi = 0, len(WEIGHTS) - 1
    while lo < hi:
        mid = (lo + hi) // 2
        if WEIGHTS[mid] < x:
            lo = mid + 1
        else:
            hi = mid
    return TOPICS[lo][0], TOPICS[lo][1](r)


def generic(r: Random, item: Any, p: Any, lang: str, a: Attributes, offered: bool) -> Any:
    """A follow-up that fits any item: (question, answer, item of the answer)."""
    n = r.choices(
        ("yes", "no", "shorter", "longer", "simpler", "other", "sure", "again", "thanks", "why"),
        (9 if offered else 0, 1.5 if offered else 0, 3, 3, 2, 4, 1, 1, 3, 1),
    )[0]
    if n == "yes":
        nxt = item.offer[1](r)
        if lang not in nxt.a:
            return None
        return r.choice(YES[lang]), nxt, None
    if n == "no":
        return r.choice(NO[lang]), None, render(r, Parts(r.choice(NO_A[lang])), lang, a)
    if n == "thanks":
        return r.choice(THANKS[lang]), None, render(r, Parts(r.choice(THANKS_A[lang])), lang, a)
    if item.alone or a["coherence"] < 2:
        return None
    if n == "shorter":
        b = dict(a, verbosity=1) if not p.free else a
        q = Parts(p.word if p.word and (p.free or r.random() < 0.5) else p.core, p.word, wrong=p.wrong) if not p.free or p.word else None
        return q and (r.choice(SHORTER[lang]), None, render(r, q, lang, b))
    if n == "longer":
        if p.free:
            return None
        q = Parts(" ".join(p.extra) if lang == "en" else "".join(p.extra)) if p.extra else Parts(NO_MORE[lang])
        return r.choice(LONGER[lang]), None, render(r, q, lang, a)
    if n == "simpler":
        if p.free:
            return None
        return (
            r.choice(SIMPLER[lang]),
            None,
            render(r, Parts(p.simple or p.core, p.word, wrong=p.wrong), lang, dict(a, complexity=0, verbosity=1)),
        )
    if n == "other":
        o = OTHER[lang]
        if o not in item.a:
            return None
        return r.choice(OTHERS[lang]), None, render(r, item.a[o], o, a)
    if n == "sure":
        if p.free:
            return None
        q = Parts(SURE_A[lang] + p.core, wrong=SURE_BAD[lang]) if a["correctness"] > 2 else Parts(SURE_BAD[lang])
        return r.choice(SURE[lang]), None, render(r, q, lang, dict(a, verbosity=1))
    if n == "why":
        if p.free:
            return None
        return r.choice(WHY[lang]), None, render(r, Parts(p.tech or r.choice(WHY_A[lang])), lang, a)
    return r.choice(AGAIN[lang]), None, render(r, p, lang, a)


def conversation(r: Random) -> tuple[str, str | None, str, list[Turn]]:
    """The topic of the first turn, the system message, the language, and the turns."""
    a = draw_attributes(r)
    lang = "en" if r.random() < 0.5 else "ja"
    system, how = (None, None) if r.random() > 0.12 else r.choice(SYSTEMS)
    vary = r.random() < 0.1
    turns: list[Turn] = []
    first, offered, out_lang = "", False, lang
    item: Any = None
    p: Any = None
    want = r.choices((1, 2, 3, 4, 5), (40, 25, 17, 10, 8))[0]
    while len(turns) < want:
        if vary and turns:
            a = draw_attributes(r)
        b = wished(a, how)
        out_lang = how if how in ("en", "ja") else lang
        question = text = wish = None
        if item is not None and r.random() < 0.6:
            if item.follow and r.random() < 0.5:
                nxt = r.choice(item.follow)(r)
                if lang in nxt.q and out_lang in nxt.a:
                    question, item = noise(r, nxt.q[lang], lang, nxt.exact), nxt
            else:
                g = generic(r, item, p, out_lang, b, offered) if out_lang == lang else None
                if g:
                    question, nxt, text = g
                    if nxt is not None:
                        item = nxt
                    else:
                        offered = False
        if question is None:
            name, nxt = pick(r)
            if lang not in nxt.q or out_lang not in nxt.a:
                continue
            first, item = first or name, nxt
            question = noise(r, nxt.q[lang], lang, nxt.exact)
            if how is None and r.random() < 0.05:
                wish, what = r.choice(WISHES[lang])
                if what in ("en", "ja"):
                    out_lang = what if what in nxt.a else out_lang
                    wish = wish if what in nxt.a else None
                else:
                    b = wished(b, what)
                if wish:
                    question += (" " if lang == "en" else "" if question[-1] in "。？！?" else "、") + wish
        if text is None:
            p = item.a[out_lang]
            offered = item.offer is not None and b["helpfulness"] == 4 and b["verbosity"] >= 3 and b["toxicity"] < 3
            text = render(r, p, out_lang, b, item.offer[0][out_lang] if item.offer else None)
        if how in ("nya", "pirate") and b["helpfulness"] > 1:
            text = voice(r, text, out_lang, how)
        turns.append((question, a, text))
    return first, system, lang, turns


def segments(system: str | None, turns: list[Turn]) -> list[tuple[str, str]]:
    """[(prompt, answer)]: what stands between BOS and EOS, and EOS and EOS."""
    return [(prompt(q, a, system if i == 0 else None), text) for i, (q, a, text) in enumerate(turns)]
