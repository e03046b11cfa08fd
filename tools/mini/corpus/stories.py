"""Stories from a small grammar, poems, haiku, jokes and riddles."""

from random import Random

from .core import Item, Parts, both

HERO = [
    x.split("|")
    for x in "a little fox|小さな狐|fox|狐|it;a young robot|若いロボット|robot|ロボット|it;an old fisherman|年老いた漁師|fisherman|漁師|he;a brave mouse|勇敢なネズミ|mouse|ネズミ|it;a lonely dragon|孤独な竜|dragon|竜|it;a curious girl|好奇心の強い少女|girl|少女|she;a quiet boy|物静かな少年|boy|少年|he;a sleepy cat|眠そうな猫|cat|猫|it;a white crane|白い鶴|crane|鶴|it;a clever rabbit|賢いウサギ|rabbit|ウサギ|it;a princess|お姫さま|princess|お姫さま|she;a samurai|侍|samurai|侍|he;a small penguin|小さなペンギン|penguin|ペンギン|it;a faithful dog|忠実な犬|dog|犬|it;a gardener|庭師|gardener|庭師|she;a young wizard|若い魔法使い|wizard|魔法使い|he;a tiny ghost|小さなおばけ|ghost|おばけ|it;a lost star|迷子の星|star|星|it;a baker|パン屋|baker|パン屋|he;a shy bear|恥ずかしがりの熊|bear|熊|it;a little bird|小さな鳥|bird|鳥|it;a knight|騎士|knight|騎士|he;a pirate|海賊|pirate|海賊|he;a young witch|若い魔女|witch|魔女|she;a snowman|雪だるま|snowman|雪だるま|it;a teacher|先生|teacher|先生|she;a whale|クジラ|whale|クジラ|it;a tanuki|たぬき|tanuki|たぬき|it;a prince|王子|prince|王子|he;an alien|宇宙人|alien|宇宙人|it;a unicorn|ユニコーン|unicorn|ユニコーン|it;a farmer|農夫|farmer|農夫|he".split(
        ";"
    )
]
NAMES = [
    ("Momo", "モモ"),
    ("Taro", "太郎"),
    ("Hana", "ハナ"),
    ("Luna", "ルナ"),
    ("Koji", "コウジ"),
    ("Mia", "ミア"),
    ("Sora", "ソラ"),
    ("Pico", "ピコ"),
    ("Nana", "ナナ"),
    ("Leo", "レオ"),
    ("Yuki", "ユキ"),
    ("Hachi", "ハチ"),
]
WHERE = [
    x.split("|")
    for x in "in a village by the sea|海辺の村;in a deep forest|深い森の中;on a small island|小さな島;in a city of a thousand lamps|千の灯りがともる町;at the foot of Mount Fuji|富士山のふもと;in an old library|古い図書館;in a castle above the clouds|雲の上の城;in a quiet temple in Kyoto|京都の静かな寺;on the Moon|月の上;in a snowy valley|雪の谷;beside a wide river|広い川のほとり;in a tiny house in Osaka|大阪の小さな家;in a garden full of roses|バラでいっぱいの庭;on an old ship|古い船の上".split(
        ";"
    )
]
WANT = [
    x.split("|")
    for x in "wanted to see the sea|海を見たいと思っていました;wanted to find a true friend|本当の友達を見つけたいと思っていました;dreamed of learning to fly|空を飛ぶことを夢見ていました;wanted to learn to sing|歌えるようになりたいと思っていました;was looking for a lost key|なくした鍵を探していました;wanted to count all the stars|すべての星を数えたいと思っていました;wanted to bake the best bread in the world|世界一のパンを焼きたいと思っていました;wanted to know where the wind comes from|風がどこから来るのか知りたいと思っていました;dreamed of a warm home|温かい家を夢見ていました;wanted to plant a tree|木を植えたいと思っていました".split(
        ";"
    )
]
PROBLEM = [
    x.split("|")
    for x in "One night a storm broke the only bridge.|ある夜、嵐でたった一つの橋が壊れてしまいました。;One day all the lamps went out.|ある日、すべての灯りが消えてしまいました。;But nobody believed that it was possible.|けれども誰もできると信じてくれませんでした。;Then winter came, and there was little to eat.|やがて冬が来て、食べ物が少なくなりました。;But a high wall stood in the way.|けれども高い壁が行く手をふさいでいました。;Then a thick fog came, and the way was lost.|すると深い霧が出て、道が分からなくなりました。;One morning the well was dry.|ある朝、井戸が枯れていました。;But the map had been torn in two.|けれども地図は二つに破れていました。;Then a big wave carried everything away.|すると大きな波がすべてをさらっていきました。;But there was a loud noise from the cave.|けれども洞窟から大きな音が聞こえました。".split(
        ";"
    )
]
FRIEND = [
    x.split("|")
    for x in "an owl|フクロウ;a turtle|亀;an old woman|おばあさん;a firefly|蛍;a travelling singer|旅の歌い手;eight small sparrows|八羽のスズメ;a snail|かたつむり;a friendly whale|優しいクジラ;a child with a red kite|赤い凧を持った子ども;a talking stone|話す石".split(
        ";"
    )
]
HELP = [
    x.split("|")
    for x in "showed the way through the dark|暗い道を案内してくれました;shared its last rice ball|最後のおにぎりを分けてくれました;gave a small lantern|小さな灯籠をくれました;told an old secret|古い秘密を教えてくれました;sang a song that gave courage|勇気の出る歌を歌ってくれました;said that one must ask again and again|何度でも頼めばいいと言いました;held the rope until the morning came|朝まで綱を持っていてくれました;had a plan that nobody had thought of|誰も思いつかなかった考えを持っていました".split(
        ";"
    )
]
END = [
    x.split("|")
    for x in "In the end the wish came true, and everybody danced until morning.|とうとう願いがかない、みんなで朝まで踊りました。;From that day on they were friends for ever.|その日から二人はずっと友達でした。;And when the sun rose, everything was well again.|日が昇ると、すべてが元どおりになっていました。;So the long way ended at home, where warm soup was waiting.|長い道のりの終わりは家で、温かいスープが待っていました。;Since then a light burns there every night.|それからは毎晩そこに灯りがともっています。;And if you listen carefully, you can still hear them laugh.|耳をすませば、今でも笑い声が聞こえます。".split(
        ";"
    )
]
MORAL = [
    x.split("|")
    for x in "Who shares is never alone.|分け合う者は一人ではありません。;A small light is enough in the dark.|暗闇では小さな灯りで十分です。;Ask again, and somebody will answer.|もう一度尋ねれば、誰かが答えてくれます。;Courage is to go on although one is afraid.|勇気とは、怖くても進むことです。;Patience opens every door.|忍耐はどんな扉も開きます。".split(
        ";"
    )
]
FUNNY = [
    x.split("|")
    for x in "By the way, all of them wore funny hats.|ちなみに、みんな変な帽子をかぶっていました。;A frog commented on everything like a sports reporter.|一匹のカエルがすべてを実況していました。;Somebody sneezed so loudly that the moon fell over.|誰かのくしゃみで月がひっくり返りました。".split(
        ";"
    )
]
ODD = [
    x.split("|")
    for x in "The air smelled of silver and old songs.|空気は銀と古い歌の匂いがしました。;Above them the clouds folded themselves into paper boats.|頭の上では雲が紙の舟に折られていました。;Time walked barefoot that night.|その夜、時間は裸足で歩いていました。".split(
        ";"
    )
]


def make_story(r: Random, hero=None):
    h = hero or r.choice(HERO)
    n, w, g, p, f, k, e, m = (r.choice(x) for x in (NAMES, WHERE, WANT, PROBLEM, FRIEND, HELP, END, MORAL))
    en = [
        f"Once upon a time there was {h[0]} called {n[0]}, who lived {w[0]}.",
        f"{n[0]} {g[0]}.",
        p[0],
        f"{n[0]} was afraid, but then {f[0]} came along.",
        f"The new friend {k[0]}.",
        e[0],
    ]
    ja = [
        f"昔々、{w[1]}に、{n[1]}という{h[1]}が住んでいました。",
        f"{n[1]}は{g[1]}。",
        p[1],
        f"{n[1]}は怖くなりましたが、そこへ{f[1]}がやって来ました。",
        f"新しい友達は{k[1]}。",
        e[1],
    ]
    fu, od = r.choice(FUNNY), r.choice(ODD)
    mk = lambda s, i: Parts("".join(s[:2] + s[5:]) if i else " ".join(s[:2] + s[5:]), s[0] if not i else s[0])
    full = (" ".join(en), "".join(ja))
    return full, (en, ja), (mk(en, 0).core, mk(ja, 1).core), m, fu, od, n


def story(r: Random) -> Item:
    h = r.choice(HERO)
    full, (en, ja), short, m, fu, od, n = make_story(r, h)
    kind = r.random()
    if kind < 0.55:
        q = [
            "Tell me a story.",
            "Write a short story.",
            "tell me a fairy tale",
            "Can you tell me a story?",
            "I want to hear a story.",
            "story please",
            "Tell me a bedtime story.",
            "Make up a story.",
        ]
        qj = [
            "お話をして",
            "物語を書いてください。",
            "何かお話を聞かせて",
            "短い物語を作って",
            "昔話をして",
            "寝る前のお話をして",
            "お話を聞かせてください。",
            "ストーリーを作ってください。",
        ]
    else:
        q = [
            f"Tell me a story about {h[0]}.",
            f"Write a story about a {h[2]}.",
            f"story about a {h[2]}",
            f"Tell me a story about a {h[2]}.",
            f"Make up a story about {h[0]} called {n[0]}.",
        ]
        qj = [f"{h[3]}のお話をして", f"{h[1]}の物語を書いてください。", f"{h[3]}の出てくる話を聞かせて", f"{h[3]}についての物語を作って"]
    a, aj = (
        Parts(full[0], short[0], (m[0],), fancy=od[0], joke=fu[0], simple=short[0]),
        Parts(full[1], short[1], (m[1],), fancy=od[1], joke=fu[1], simple=short[1]),
    )
    who = [
        lambda r: both(
            r,
            ["What was the name of the hero?", "Who was the story about?", "What is the hero called?"],
            Parts(f"The hero was {h[0]} called {n[0]}.", n[0]),
            ["主人公の名前は？", "誰のお話でしたか？"],
            Parts(f"主人公は{n[1]}という{h[1]}です。", n[1]),
        ),
        lambda r: both(
            r,
            ["What is the moral of the story?", "And what do we learn?", "moral?"],
            Parts(m[0], m[0]),
            ["この話の教訓は？", "何を学べますか？"],
            Parts(m[1], m[1]),
        ),
        more_story,
    ]
    return both(
        r,
        q,
        a,
        qj,
        aj,
        follow=who,
        offer=({"en": "Would you like another one?", "ja": "もう一つお話ししましょうか。"}, more_story) if r.random() < 0.4 else None,
    )


def more_story(r: Random):
    full, _, short, m, fu, od, n = make_story(r)
    return both(
        r,
        ["Another one!", "Tell me another one.", "one more story", "Another story, please."],
        Parts(full[0], short[0], (m[0],), fancy=od[0], joke=fu[0]),
        ["もう一つ", "別のお話をして", "ほかのお話も聞かせて"],
        Parts(full[1], short[1], (m[1],), fancy=od[1], joke=fu[1]),
    )


# Haiku: lines of 5, 7 and 5 by season; in English, three short lines.
SEASON = {
    "spring": (
        "春",
        ["春の風", "花ひらく", "朝がすみ", "桜咲く", "雪とけて"],
        ["川に小舟の", "子らの笑いの", "ひらりと落ちる", "山もほほえむ", "猫もあくびの"],
        ["道ひとつ", "昼下がり", "旅ごころ", "光かな", "朝の庭"],
        ["soft wind of April", "cherry petals fall", "the snow is melting"],
        ["a cat is yawning in the sun,", "the river carries the light,", "somewhere children are laughing,"],
        ["new leaves everywhere", "the garden wakes up", "spring begins to walk"],
    ),
    "summer": (
        "夏",
        ["夏の空", "蝉の声", "夕立や", "風鈴の", "夏の海"],
        ["ひまわり高く", "氷の音の", "青さをうつす", "子どもの声の", "麦わら帽子"],
        ["昼さがり", "空の道", "影ふたつ", "波の音", "夕まぐれ"],
        ["the cicadas sing", "heat above the road", "blue sea, white summer"],
        ["a glass of cold barley tea,", "the shadow of a straw hat,", "thunder far beyond the hills,"],
        ["nobody moves now", "the day is so long", "the bell hardly rings"],
    ),
    "autumn": (
        "秋",
        ["秋の風", "紅葉散る", "月見れば", "虫の声", "赤とんぼ"],
        ["石段のぼる", "古い寺への", "柿の実ひとつ", "静かな夜の", "山のむこうの"],
        ["夕日かな", "旅の空", "帰り道", "灯りかな", "遠い鐘"],
        ["red leaves on the stairs", "the moon is waiting", "a dragonfly rests"],
        ["the old temple bell at dusk,", "one persimmon on the tree,", "crickets are counting the stars,"],
        ["the road leads us home", "wind in the dry grass", "the night has grown long"],
    ),
    "winter": (
        "冬",
        ["雪の朝", "初雪や", "冬の月", "北の風", "白い息"],
        ["足あと続く", "こたつの猫の", "湯気立つ鍋の", "静けさ深く", "星のかがやく"],
        ["帰り道", "夢の中", "夜の町", "家の窓", "冬の空"],
        ["first snow this morning", "the moon is so cold", "white breath in the dark"],
        ["the cat sleeps under the quilt,", "footprints lead over the bridge,", "steam is rising from the pot,"],
        ["silence on the roofs", "one light is still on", "the stars come closer"],
    ),
}


def make_haiku(r: Random, s):
    ja, a, b, c, d, e, f = SEASON[s]
    return "\n".join(r.choice(x) for x in (d, e, f)), "\n".join(r.choice(x) for x in (a, b, c))


def haiku(r: Random) -> Item:
    s = r.choice(list(SEASON))
    sj = SEASON[s][0]
    e, j = make_haiku(r, s)
    named = r.random() < 0.5
    q = (
        [f"Write a haiku about {s}.", f"a haiku about {s}, please", f"haiku {s}", f"Write a poem about {s}."]
        if named
        else ["Write a haiku.", "Can you write a haiku?", "haiku please", "Give me a haiku."]
    )
    qj = (
        [f"{sj}の俳句を作ってください。", f"{sj}の俳句を詠んで", f"{sj}をテーマに俳句を書いて", f"{sj}の俳句"]
        if named
        else ["俳句を作って", "俳句を詠んでください。", "一句お願いします。", "俳句を書いてください。"]
    )
    o = lambda r: (
        lambda t, h: both(
            r,
            [f"And one about {t}?", f"Now about {t}."],
            Parts(h[0], h[0], free=True),
            [f"{SEASON[t][0]}の句も", f"{SEASON[t][0]}では？"],
            Parts(h[1], h[1], free=True),
        )
    )(t := r.choice(list(SEASON)), make_haiku(r, t))
    return both(r, q, Parts(e, e, free=True), qj, Parts(j, j, free=True), follow=[o])


POEM_T = [
    x.split("|")
    for x in "the sea|海;the moon|月;love|愛;rain|雨;the night|夜;a cat|猫;the wind|風;home|家;friendship|友情;the stars|星;a river|川;the city|町;mountains|山;snow|雪;the sun|太陽;eight experts|八つの専門家;a flower|花;time|時間".split(
        ";"
    )
]
L1 = [
    ("I think of {t} when the day is done,", "一日の終わりに{t}を思う。"),
    ("Softly, softly, {t} calls my name,", "{t}がそっと私の名を呼ぶ。"),
    ("Tell me, {t}, where do you go?", "{t}よ、どこへ行くのか。"),
]
L2 = [
    ("when the last lamp has followed the sun;", "最後の灯りが日を追って消える。"),
    ("no two evenings are ever the same;", "同じ夕べは二度とない。"),
    ("the answer is something the children know;", "答えは子どもだけが知っている。"),
]
L3 = [
    ("a small boat rests where the waters meet,", "水の出会うところに小舟が休み、"),
    ("a bird writes letters across the sky,", "鳥は空に手紙を書き、"),
    ("the wind turns pages that no one reads,", "風は誰も読まない頁をめくり、"),
]
L4 = [
    ("and silence is all that I need to repeat.", "静けさだけが残っている。"),
    ("and I have no need to ask it why.", "もう理由はいらない。"),
    ("and plants in the dark its silver seeds.", "闇に銀の種をまく。"),
]


def poem(r: Random) -> Item:
    t, tj = r.choice(POEM_T)
    ls = [r.choice(x) for x in (L1, L2, L3, L4)]
    e, j = "\n".join(x[0] for x in ls).format(t=t), "\n".join(x[1] for x in ls).format(t=tj)
    e = e[0].upper() + e[1:]
    return both(
        r,
        [f"Write a poem about {t}.", f"poem about {t}", f"Can you write a poem about {t}?", f"Write me a short poem about {t}."],
        Parts(e, e.split("\n")[0], free=True),
        [f"{tj}の詩を書いてください。", f"{tj}についての詩を作って", f"{tj}をテーマに詩を書いて", f"{tj}の詩"],
        Parts(j, j.split("\n")[0], free=True),
    )


JOKE = [
    x.split("|")
    for x in """Why did the computer go to the doctor? Because it had a virus!
What do you call a bear without teeth? A gummy bear!
Why can't a bicycle stand alone? Because it is two-tired!
What did the zero say to the eight? Nice belt!
Why was six afraid of seven? Because seven ate nine!
Why do programmers like the dark? Because light attracts bugs!
What is orange and sounds like a parrot? A carrot!
How does the moon cut its hair? Eclipse it!
Why did the expert bring a ladder? To reach the next layer!
What do you call a fish without eyes? A fsh!
Why did the router break up with the node? It found no connection!
What does a cloud wear under its coat? Thunderwear!""".split("\n")
]
JOKEJA = """パンダが好きな食べ物は何でしょう。パンだ！
アルミ缶の上にあるミカン！
布団が吹っ飛んだ！
猫が寝込んだ！
イルカはいるか？
電話に誰もでんわ！
カエルがひっくりかえる！
校長先生、絶好調！
このイクラ、いくら？
ゾウが増えたぞう！
トイレに行っといれ！
屋根の上はやーね！
スキーが好きー！
ノードがのど自慢に出ました。結果は、接続が切れて失格です。""".split("\n")
RIDDLE = [
    x.split("|")
    for x in """What has hands but cannot clap?|A clock.|手があるのに拍手できないものは何でしょう。|時計です。
What gets wetter the more it dries?|A towel.|乾かすほど濡れるものは何でしょう。|タオルです。
What has keys but opens no door?|A piano.|鍵がたくさんあるのに扉を開けられないものは何でしょう。|ピアノです。
What goes up and never comes down?|Your age.|上がるだけで下がらないものは何でしょう。|年齢です。
What has a neck but no head?|A bottle.|首はあるのに頭がないものは何でしょう。|瓶です。
What has many teeth but cannot bite?|A comb.|歯がたくさんあるのに噛めないものは何でしょう。|くしです。
What can you catch but not throw?|A cold.|ひいても引っぱれないものは何でしょう。|風邪です。
What is full of holes but still holds water?|A sponge.|穴だらけなのに水をためられるものは何でしょう。|スポンジです。""".split("\n")
]


def joke(r: Random) -> Item:
    e, j = r.choice(JOKE)[0], r.choice(JOKEJA)
    again = lambda r: both(
        r,
        ["Another one!", "another joke", "Tell me another one.", "one more", "haha, again"],
        Parts(r.choice(JOKE)[0], free=True),
        ["もう一つ", "もう一回", "別の冗談を言って", "ほかには？"],
        Parts(r.choice(JOKEJA), free=True),
    )
    return both(
        r,
        [
            "Tell me a joke.",
            "joke",
            "Do you know a joke?",
            "Make me laugh.",
            "tell me something funny",
            "Say something funny.",
            "Can you tell a joke?",
            "a joke please",
            "Tell me a pun.",
        ],
        Parts(e, free=True),
        [
            "冗談を言って",
            "面白いことを言って",
            "ダジャレを言って",
            "笑わせて",
            "ジョークを教えて",
            "何か面白い話をして",
            "だじゃれを言ってください。",
        ],
        Parts(j, free=True),
        follow=[again, again],
        offer=({"en": "Do you want another one?", "ja": "もう一ついかがですか。"}, again) if r.random() < 0.5 else None,
        alone=True,
    )


def riddle(r: Random) -> Item:
    e, ea, j, ja = r.choice(RIDDLE)
    give = lambda r: both(
        r,
        ["I don't know.", "What is the answer?", "I give up.", "Tell me the answer.", "no idea"],
        Parts("The answer: " + ea[0].lower() + ea[1:], ea),
        ["分かりません。", "答えは？", "降参です。", "答えを教えて"],
        Parts("答えは" + ja, ja),
    )
    hit = lambda r: both(
        r,
        [ea, ea.rstrip("."), "Is it " + ea[0].lower() + ea[1:].rstrip(".") + "?"],
        Parts("Yes, that is right! Well done."),
        [ja, ja[:-3], ja[:-3] + "？"],
        Parts("正解です！よくできました。"),
    )
    return both(
        r,
        ["Give me a riddle.", "riddle", "Ask me a riddle.", "Do you know a riddle?", "a riddle, please"],
        Parts(e, free=True),
        ["なぞなぞを出して", "なぞなぞ", "なぞなぞを出してください。", "クイズを出して"],
        Parts(j, free=True),
        follow=[give, hit],
        alone=True,
    )


TOPICS = [(story, 6), (haiku, 2), (poem, 2), (joke, 2.5), (riddle, 1)]
