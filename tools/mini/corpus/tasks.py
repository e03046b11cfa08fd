"""Work on a text that the user gives: shorten, rephrase, sort out, repeat."""

from random import Random

from . import life
from .core import Item, Parts, both
from .words import sentence

WHO = (
    ("Ken", "健"),
    ("Anna", "アンナ"),
    ("Taro", "太郎"),
    ("Mika", "美香"),
    ("The old man", "おじいさん"),
    ("My sister", "姉"),
    ("The teacher", "先生"),
    ("Our neighbour", "隣の人"),
    ("Hanako", "花子"),
    ("Tom", "トム"),
)
DID = (
    ("went to the park with the dog", "犬と公園に行きました", "went to the park", "公園に行った"),
    ("bought three red apples at the market", "市場で赤いりんごを三つ買いました", "bought apples", "りんごを買った"),
    ("cooked a large pot of curry for the family", "家族のために大きな鍋でカレーを作りました", "cooked curry", "カレーを作った"),
    ("read a long book about the stars until midnight", "真夜中まで星の長い本を読みました", "read a book", "本を読んだ"),
    ("repaired the old bicycle in the garden", "庭で古い自転車を直しました", "repaired the bicycle", "自転車を直した"),
    ("took the first train to Osaka", "始発の電車で大阪に行きました", "went to Osaka", "大阪に行った"),
    ("wrote a letter to a friend in Canada", "カナダの友達に手紙を書きました", "wrote a letter", "手紙を書いた"),
    ("found a small cat in front of the house", "家の前で小さな猫を見つけました", "found a cat", "猫を見つけた"),
    ("lost an umbrella on the bus", "バスで傘をなくしました", "lost an umbrella", "傘をなくした"),
    ("won the tennis match after three hours", "三時間の末テニスの試合に勝ちました", "won at tennis", "テニスで勝った"),
)
ADD = (
    ("The weather was fine and many people were outside.", "天気が良く、外には人がたくさんいました。"),
    ("It was already getting dark.", "もう暗くなりかけていました。"),
    ("Everybody was very happy about it.", "みんなとても喜びました。"),
    ("It took longer than expected.", "思ったより時間がかかりました。"),
    ("In the evening it began to rain.", "夕方には雨が降り始めました。"),
    ("Afterwards they drank tea together.", "そのあと一緒にお茶を飲みました。"),
)


def shorten(r: Random) -> Item:
    (w, wj), (d, dj, s, sj), (x, xj), (y, yj) = r.choice(WHO), r.choice(DID), r.choice(ADD), r.choice(ADD)
    en, ja = f"{w} {d}. {x}" + (f" {y}" if y != x else ""), f"{wj}は{dj}。{xj}" + (yj if yj != xj else "")
    return both(
        r,
        [
            f"Summarize: {en}",
            f"Summarize this: {en}",
            f"Make this shorter: {en}",
            f"Shorten this text: {en}",
            f"Summarise in one sentence: {en}",
            f"tl;dr: {en}",
        ],
        Parts(f"{w} {s}.", f"{w} {s}.", free=True, wrong="Nobody did anything."),
        [
            f"要約してください：{ja}",
            f"次の文を短くしてください。{ja}",
            f"一文で要約して：{ja}",
            f"以下を要約してください。\n{ja}",
            f"短くまとめて：{ja}",
        ],
        Parts(f"{wj}は{sj}。", f"{wj}は{sj}。", free=True, wrong="誰も何もしませんでした。"),
        exact=True,
    )


def question_about(r: Random) -> Item:
    (w, wj), (d, dj, s, sj), (x, xj) = r.choice(WHO), r.choice(DID), r.choice(ADD)
    en, ja = f"{w} {d}. {x}", f"{wj}は{dj}。{xj}"
    if r.random() < 0.5:
        return both(
            r,
            [f"{en} Who {s}?", f"Read this: {en} Who was it?"],
            Parts(f"It was {w[0].lower() + w[1:] if w.startswith(('The', 'My', 'Our')) else w}.", w),
            [f"{ja}誰が{sj}のですか？", f"次の文を読んで答えてください。{ja}それは誰ですか？"],
            Parts(f"{wj}です。", wj),
            exact=True,
        )
    return both(
        r,
        [f"{en} What did {w[0].lower() + w[1:] if w.startswith(('The', 'My', 'Our')) else w} do?"],
        Parts(f"{w} {d}.", d[0].upper() + d[1:], free=True),
        [f"{ja}{wj}は何をしましたか？"],
        Parts(f"{wj}は{dj}。", sj, free=True),
        exact=True,
    )


POLITE = [
    x.split("|")
    for x in """Give me water.|Could I have some water, please?|水をくれ。|お水をいただけますか。
Come here.|Could you come here, please?|こっちに来て。|こちらに来ていただけますか。
Shut the door.|Could you close the door, please?|ドアを閉めて。|ドアを閉めていただけますか。
Wait.|Could you wait a moment, please?|待って。|少しお待ちいただけますか。
Tell me your name.|May I ask your name?|名前は？|お名前を伺ってもよろしいですか。
I don't want it.|I am afraid I do not need it, thank you.|いらない。|せっかくですが、結構です。
What do you want?|How may I help you?|何の用？|どのようなご用件でしょうか。
Be quiet.|Could you be a little quieter, please?|うるさい。|もう少し静かにしていただけますか。
Send it now.|Could you send it as soon as possible?|すぐ送って。|できるだけ早く送っていただけますか。
I can't come.|Unfortunately I am not able to come.|行けない。|申し訳ありませんが、伺うことができません。
That is wrong.|I think there may be a mistake.|それ違う。|恐れ入りますが、違うようです。
I forgot.|I am sorry, I forgot about it.|忘れた。|申し訳ありません、失念しておりました。""".split("\n")
]


def polite(r: Random) -> Item:
    e, ep, j, jp = r.choice(POLITE)
    return both(
        r,
        [f"Make this polite: {e}", f"Rephrase politely: {e}", f"Say this politely: {e}", f'How do I say "{e}" politely?'],
        Parts(ep, ep, free=True),
        [f"丁寧に言い換えて：{j}", f"「{j}」を丁寧に言うと？", f"敬語にしてください：{j}", f"「{j}」を敬語で"],
        Parts(jp, jp, free=True),
        exact=True,
    )


MOOD = [
    x.split("|")
    for x in """I love this film!|positive|この映画は最高です！|肯定的
The food was terrible.|negative|料理はひどかったです。|否定的
What a lovely day!|positive|なんてすてきな日でしょう！|肯定的
I will never come back.|negative|二度と来ません。|否定的
The staff was very kind.|positive|店員さんがとても親切でした。|肯定的
It broke after one day.|negative|一日で壊れました。|否定的
The book has 300 pages.|neutral|その本は300ページあります。|中立
The train leaves at nine.|neutral|電車は九時に出ます。|中立
I am very disappointed.|negative|とてもがっかりしました。|否定的
This is the best coffee in town.|positive|町で一番おいしいコーヒーです。|肯定的
The room was dirty and loud.|negative|部屋は汚くてうるさかったです。|否定的
Everything worked perfectly.|positive|すべて完璧に動きました。|肯定的""".split("\n")
]


def mood(r: Random) -> Item:
    e, m, j, mj = r.choice(MOOD)
    return both(
        r,
        [f"Is this positive or negative: {e}", f"What is the sentiment? {e}", f"Classify the sentiment: {e}", f'Sentiment of "{e}"?'],
        Parts(f"The sentiment is {m}.", m.capitalize(), wrong="The sentiment is purple."),
        [f"この文は肯定的ですか、否定的ですか？{j}", f"感情を分類してください：{j}", f"「{j}」は肯定的？否定的？"],
        Parts(f"この文は{mj}です。", mj, wrong="この文は紫色です。"),
        exact=True,
    )


def repeat(r: Random) -> Item:
    e, j = sentence(r)
    k = r.randrange(4)
    if k == 0:
        return both(
            r,
            [f"Repeat after me: {e}", f"Say: {e}", f"Repeat: {e}", f'Say "{e}"'],
            Parts(e, e, free=True),
            [f"繰り返してください：{j}", f"「{j}」と言って", f"次の文を繰り返して：{j}"],
            Parts(j, j, free=True),
            exact=True,
        )
    if k == 1:
        return Item(
            {"en": r.choice([f"Write in capital letters: {e}", f"Uppercase: {e}", f"Make this uppercase: {e}"])},
            {"en": Parts(e.upper(), free=True)},
            exact=True,
        )
    n = r.randint(2, 5)
    w, wj = r.choice((("hello", "こんにちは"), ("meow", "ニャー"), ("eight", "八"), ("hachi", "ハチ"), ("yes", "はい"), ("la", "ラ")))
    if k == 2:
        return both(
            r,
            [f"Say {w} {n} times.", f"Write {w} {n} times."],
            Parts(" ".join([w] * n), free=True),
            [f"「{wj}」を{n}回言って", f"{wj}と{n}回書いてください。"],
            Parts("、".join([wj] * n), free=True),
            exact=True,
        )
    x = len(e.rstrip(".?!").split())
    return Item(
        {"en": r.choice([f"How many words are in: {e}", f"Count the words: {e}"])},
        {"en": Parts(f"There are {x} words.", str(x))},
        exact=True,
    )


def odd_one(r: Random) -> Item:
    ks = list(life.LISTS)
    a, b = r.sample([k for k in ks if k[0] not in ("animals", "birds", "cities in Japan")], 2)
    xs, ys = life.LISTS[a], life.LISTS[b]
    idx, o = r.sample(range(10), 3), r.randrange(10)
    pos = r.randrange(4)
    e, j = [xs[0].split()[i].replace("-", " ") for i in idx], [xs[1].split()[i] for i in idx]
    oe, oj = ys[0].split()[o].replace("-", " "), ys[1].split()[o]
    e.insert(pos, oe)
    j.insert(pos, oj)
    return both(
        r,
        [f"Which does not belong: {', '.join(e)}?", f"Find the odd one out: {', '.join(e)}"],
        Parts(f"{oe[0].upper() + oe[1:]} does not belong: the others are {a[0]}.", oe.capitalize()),
        [f"仲間外れはどれ？{'、'.join(j)}", f"次のうち違うものはどれですか？{'、'.join(j)}"],
        Parts(f"{oj}です。ほかは{a[1]}だからです。", oj),
        exact=True,
    )


def belongs(r: Random) -> Item:
    (e, j), (xs, xj) = r.choice(list(life.LISTS.items()))
    i = r.randrange(10)
    x, y = xs.split()[i].replace("-", " "), xj.split()[i]
    one = {"Japanese foods": "Japanese food", "cities in Japan": "city in Japan", "hobbies": "hobby"}.get(e, e[:-1])
    (f, g) = r.choice([k for k in life.LISTS if k[0] != e])
    ok = r.random() < 0.5
    t, tj = (
        (one, j) if ok else ({"Japanese foods": "Japanese food", "cities in Japan": "city in Japan", "hobbies": "hobby"}.get(f, f[:-1]), g)
    )
    if e in ("animals", "birds") and f in ("animals", "birds"):
        ok, t, tj = True, one, j
    an = lambda w: ("an " if w[0] in "aeiou" else "a ") + w
    return both(
        r,
        [f"Is {x} {an(t)}?", f"Is {x} {an(t)} or not?"],
        Parts(f"Yes, {x} is {an(t)}." if ok else f"No, {x} is not {an(t)}, it is {an(one)}.", "Yes." if ok else "No."),
        [f"{y}は{tj}ですか？", f"{y}って{tj}？"],
        Parts(f"はい、{y}は{tj}です。" if ok else f"いいえ、{y}は{tj}ではなく{j}です。", "はい。" if ok else "いいえ。"),
    )


TOPICS = [(shorten, 2), (question_about, 1.2), (polite, 1), (mood, 0.9), (repeat, 1.6), (odd_one, 0.8), (belongs, 1)]
