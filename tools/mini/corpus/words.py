"""Translation of words and sentences, opposites, definitions."""

from random import Random

from .core import Item, Parts, both

# en ja reading
LEX = [
    x.split()
    for x in """cat 猫 neko|dog 犬 inu|bird 鳥 tori|fish 魚 sakana|horse 馬 uma|cow 牛 ushi|rabbit ウサギ usagi|fox 狐 kitsune|bear 熊 kuma|mouse ネズミ nezumi|frog カエル kaeru|tree 木 ki|flower 花 hana|mountain 山 yama|river 川 kawa|sea 海 umi|sky 空 sora|star 星 hoshi|moon 月 tsuki|sun 太陽 taiyou|rain 雨 ame|snow 雪 yuki|wind 風 kaze|fire 火 hi|water 水 mizu|stone 石 ishi|forest 森 mori|island 島 shima|spring 春 haru|summer 夏 natsu|autumn 秋 aki|winter 冬 fuyu|morning 朝 asa|evening 夕方 yuugata|night 夜 yoru|today 今日 kyou|tomorrow 明日 ashita|yesterday 昨日 kinou|now 今 ima|time 時間 jikan|year 年 toshi|day 日 hi|week 週 shuu|house 家 ie|door ドア doa|window 窓 mado|room 部屋 heya|table テーブル teeburu|chair 椅子 isu|bed ベッド beddo|kitchen 台所 daidokoro|garden 庭 niwa|school 学校 gakkou|teacher 先生 sensei|student 学生 gakusei|book 本 hon|pencil 鉛筆 enpitsu|paper 紙 kami|letter 手紙 tegami|word 言葉 kotoba|language 言語 gengo|question 質問 shitsumon|answer 答え kotae|number 数 kazu|name 名前 namae|friend 友達 tomodachi|family 家族 kazoku|mother 母 haha|father 父 chichi|child 子ども kodomo|man 男 otoko|woman 女 onna|person 人 hito|doctor 医者 isha|hand 手 te|foot 足 ashi|head 頭 atama|eye 目 me|ear 耳 mimi|mouth 口 kuchi|heart 心 kokoro|bread パン pan|rice ご飯 gohan|meat 肉 niku|egg 卵 tamago|milk 牛乳 gyuunyuu|tea お茶 ocha|coffee コーヒー koohii|sugar 砂糖 satou|salt 塩 shio|apple りんご ringo|orange みかん mikan|grape ぶどう budou|peach 桃 momo|strawberry いちご ichigo|vegetable 野菜 yasai|fruit 果物 kudamono|cake ケーキ keeki|car 車 kuruma|train 電車 densha|bus バス basu|airplane 飛行機 hikouki|ship 船 fune|bicycle 自転車 jitensha|station 駅 eki|street 道 michi|town 町 machi|city 都市 toshi|country 国 kuni|world 世界 sekai|shop 店 mise|hospital 病院 byouin|library 図書館 toshokan|bank 銀行 ginkou|park 公園 kouen|temple 寺 tera|castle 城 shiro|bridge 橋 hashi|money お金 okane|work 仕事 shigoto|company 会社 kaisha|phone 電話 denwa|computer コンピュータ konpyuuta|music 音楽 ongaku|song 歌 uta|picture 絵 e|film 映画 eiga|game ゲーム geemu|story 物語 monogatari|dream 夢 yume|love 愛 ai|peace 平和 heiwa|war 戦争 sensou|health 健康 kenkou|colour 色 iro|red 赤 aka|blue 青 ao|white 白 shiro|black 黒 kuro|green 緑 midori|yellow 黄色 kiiro|big 大きい ookii|small 小さい chiisai|new 新しい atarashii|old 古い furui|good 良い yoi|bad 悪い warui|hot 暑い atsui|cold 寒い samui|fast 速い hayai|slow 遅い osoi|high 高い takai|low 低い hikui|long 長い nagai|short 短い mijikai|beautiful 美しい utsukushii|kind 優しい yasashii|happy 幸せ shiawase|sad 悲しい kanashii|difficult 難しい muzukashii|easy 簡単 kantan|delicious おいしい oishii|strong 強い tsuyoi|quiet 静か shizuka|busy 忙しい isogashii|eat 食べる taberu|drink 飲む nomu|go 行く iku|come 来る kuru|see 見る miru|hear 聞く kiku|speak 話す hanasu|read 読む yomu|write 書く kaku|buy 買う kau|sell 売る uru|sleep 眠る nemuru|run 走る hashiru|walk 歩く aruku|swim 泳ぐ oyogu|think 考える kangaeru|learn 学ぶ manabu|teach 教える oshieru|help 助ける tasukeru|wait 待つ matsu|laugh 笑う warau|cry 泣く naku|sing 歌う utau|one 一 ichi|two 二 ni|three 三 san|four 四 yon|five 五 go|six 六 roku|seven 七 nana|eight 八 hachi|nine 九 kyuu|ten 十 juu|hundred 百 hyaku|thousand 千 sen|east 東 higashi|west 西 nishi|south 南 minami|north 北 kita|left 左 hidari|right 右 migi|expert 専門家 senmonka|machine 機械 kikai|science 科学 kagaku|history 歴史 rekishi|art 芸術 geijutsu|weather 天気 tenki|umbrella 傘 kasa|hat 帽子 boushi|shoes 靴 kutsu|clothes 服 fuku|key 鍵 kagi|clock 時計 tokei|newspaper 新聞 shinbun|breakfast 朝ご飯 asagohan|lunch 昼ご飯 hirugohan|dinner 晩ご飯 bangohan|birthday 誕生日 tanjoubi|holiday 休日 kyuujitsu|travel 旅行 ryokou|thunder 雷 kaminari|cloud 雲 kumo|light 光 hikari|shadow 影 kage|sound 音 oto|voice 声 koe""".split(
        "|"
    )
]

SENT = [
    x.split("|")
    for x in """Hello.|こんにちは。
Good morning.|おはようございます。
Good evening.|こんばんは。
Good night.|おやすみなさい。
Goodbye.|さようなら。
Thank you.|ありがとうございます。
Thank you very much.|どうもありがとうございます。
You are welcome.|どういたしまして。
Excuse me.|すみません。
I am sorry.|ごめんなさい。
Please.|お願いします。
Yes.|はい。
No.|いいえ。
How are you?|お元気ですか。
I am fine.|元気です。
Nice to meet you.|はじめまして。
What is your name?|お名前は何ですか。
I love you.|愛しています。
I like you.|あなたが好きです。
I do not understand.|分かりません。
I understand.|分かりました。
Where is the station?|駅はどこですか。
Where is the toilet?|トイレはどこですか。
How much is this?|これはいくらですか。
What time is it?|今何時ですか。
Please help me.|助けてください。
I am hungry.|お腹が空きました。
I am tired.|疲れました。
I am happy.|うれしいです。
See you tomorrow.|また明日。
Congratulations!|おめでとうございます！
Happy birthday!|お誕生日おめでとうございます！
Merry Christmas!|メリークリスマス！
Happy New Year!|あけましておめでとうございます！
Cheers!|乾杯！
Take care.|気をつけて。
Good luck.|頑張ってください。
Welcome.|ようこそ。
I am home.|ただいま。
Let's eat.|いただきます。
The weather is nice today.|今日は天気が良いです。
It is raining.|雨が降っています。
I want to go to Japan.|日本に行きたいです。
Do you speak English?|英語を話せますか。
I speak a little Japanese.|日本語を少し話せます。
This is delicious.|これはおいしいです。
I am a student.|私は学生です。
I am lost.|道に迷いました。
Please speak slowly.|ゆっくり話してください。
One more time, please.|もう一度お願いします。""".split("\n")
]

SUBJ = (
    ("I", "私"),
    ("my friend", "友達"),
    ("my mother", "母"),
    ("my father", "父"),
    ("the teacher", "先生"),
    ("Taro", "太郎"),
    ("Hanako", "花子"),
    ("the child", "子ども"),
    ("my brother", "兄"),
    ("my sister", "姉"),
    ("we", "私たち"),
    ("they", "彼ら"),
    ("she", "彼女"),
    ("he", "彼"),
)
VERB = (
    ("read", "reads", "読みます", "読みました", "read", (("a book", "本"), ("a letter", "手紙"), ("the newspaper", "新聞"))),
    (
        "eat",
        "eats",
        "食べます",
        "食べました",
        "ate",
        (("bread", "パン"), ("an apple", "りんご"), ("fish", "魚"), ("rice", "ご飯"), ("cake", "ケーキ")),
    ),
    ("drink", "drinks", "飲みます", "飲みました", "drank", (("tea", "お茶"), ("coffee", "コーヒー"), ("water", "水"), ("milk", "牛乳"))),
    (
        "buy",
        "buys",
        "買います",
        "買いました",
        "bought",
        (("a car", "車"), ("flowers", "花"), ("a hat", "帽子"), ("shoes", "靴"), ("a book", "本")),
    ),
    ("see", "sees", "見ます", "見ました", "saw", (("a film", "映画"), ("the moon", "月"), ("a bird", "鳥"), ("a picture", "絵"))),
    ("write", "writes", "書きます", "書きました", "wrote", (("a letter", "手紙"), ("a story", "物語"))),
    ("study", "studies", "勉強します", "勉強しました", "studied", (("Japanese", "日本語"), ("English", "英語"), ("history", "歴史"))),
    (
        "like",
        "likes",
        "",
        "",
        "liked",
        (("cats", "猫"), ("dogs", "犬"), ("music", "音楽"), ("summer", "夏"), ("sushi", "寿司"), ("flowers", "花")),
    ),
)
WHEN = (("today", "今日", 0), ("every day", "毎日", 0), ("tomorrow", "明日", 2), ("yesterday", "昨日", 1), ("", "", 0), ("", "", 0))
ADJ = (
    ("big", "大きい"),
    ("small", "小さい"),
    ("new", "新しい"),
    ("old", "古い"),
    ("red", "赤い"),
    ("white", "白い"),
    ("black", "黒い"),
    ("blue", "青い"),
    ("beautiful", "美しい"),
    ("expensive", "高い"),
    ("cheap", "安い"),
    ("heavy", "重い"),
    ("interesting", "面白い"),
)
NOUN = (
    ("cat", "猫"),
    ("dog", "犬"),
    ("house", "家"),
    ("car", "車"),
    ("book", "本"),
    ("flower", "花"),
    ("hat", "帽子"),
    ("bag", "かばん"),
    ("table", "テーブル"),
    ("river", "川"),
    ("castle", "城"),
    ("train", "電車"),
    ("watch", "時計"),
    ("picture", "絵"),
)


def sentence(r: Random):
    """(English, Japanese) from a small grammar."""
    k = r.random()
    if k < 0.35:
        return r.choice(SENT)
    if k < 0.6:
        (a, aj), (n, nj) = r.choice(ADJ), r.choice(NOUN)
        c = r.randrange(4)
        if c == 0:
            return f"The {n} is {a}.", f"その{nj}は{aj}です。"
        if c == 1:
            return f"This is {'an' if a[0] in 'aeiou' else 'a'} {a} {n}.", f"これは{aj}{nj}です。"
        if c == 2:
            return f"I want {'an' if a[0] in 'aeiou' else 'a'} {a} {n}.", f"私は{aj}{nj}が欲しいです。"
        return f"There is {'an' if a[0] in 'aeiou' else 'a'} {a} {n}.", f"{aj}{nj}があります。" if n not in (
            "cat",
            "dog",
        ) else f"{aj}{nj}がいます。"
    s, sj = r.choice(SUBJ)
    base, third, ja, past, pastja = (lambda v: (v[0], v[1], v[2], v[4], v[3]))(v := r.choice(VERB))
    o, oj = r.choice(v[5])
    w, wj, t = r.choice(WHEN)
    if base == "like":
        e, j = f"{s} {base if s in ('I', 'we', 'they') else third} {o}", f"{sj}は{oj}が好きです"
    else:
        verb = past if t == 1 else ("will " + base) if t == 2 else base if s in ("I", "we", "they") else third
        e, j = f"{s} {verb} {o}", f"{wj + '、' if wj and t else wj}{sj}は{oj}を{pastja if t == 1 else ja}"
        e += " " + w if w else ""
    return e[0].upper() + e[1:] + ".", j + "。"


def quote(r: Random, s):
    return r.choice((f'"{s}"', f"'{s}'", s))


def word(r: Random) -> Item:
    e, j, y = r.choice(LEX)
    w = r.choice(LEX)
    ja_text = f"「{j}」"
    if r.random() < 0.55:
        q = [
            f"What is {quote(r, e)} in Japanese?",
            f"How do you say {quote(r, e)} in Japanese?",
            f"Translate {quote(r, e)} to Japanese.",
            f"{e} in Japanese",
            f"Translate into Japanese: {e}",
            f"Japanese word for {e}?",
        ]
        qj = [
            f"{e}は日本語で何ですか？",
            f"「{e}」の意味は？",
            f"{e}を日本語に訳して",
            f"{e}の意味は何ですか？",
            f"英語の{e}は日本語で？",
            f"{e}って日本語で何？",
        ]
        return both(
            r,
            q,
            Parts(f"In Japanese, {e} is {ja_text}, read {y}.", j, wrong=f"In Japanese, {e} is 「{w[1]}」."),
            qj,
            Parts(f"{e}は日本語で{ja_text}です。", j, tech=f"ローマ字では{y}と書きます。", wrong=f"{e}は日本語で「{w[1]}」です。"),
            follow=[next_ja],
            exact=True,
        )
    q = [
        f"What does {j} mean?",
        f"What is {j} in English?",
        f"Translate {j} to English.",
        f"What does {y} mean in Japanese?",
        f"{j} in English?",
        f"How do you read {j}?",
    ]
    qj = [
        f"{j}は英語で何ですか？",
        f"「{j}」は英語で？",
        f"{j}を英語に訳してください。",
        f"{j}を英語で言うと？",
        f"{j}は英語で何と言いますか？",
        f"{j}って英語で何？",
        f"{j}を英訳して",
    ]
    return both(
        r,
        q,
        Parts(f"The Japanese {ja_text} is read {y} and means {e}.", e.capitalize(), wrong=f"{ja_text} means {w[0]}."),
        qj,
        Parts(f"{ja_text}は英語で{e}です。", e, wrong=f"{ja_text}は英語で{w[0]}です。"),
        follow=[next_en],
        exact=True,
    )


def next_ja(r: Random):
    e, j, y = r.choice(LEX)
    return both(
        r,
        [f"And {e}?", f"and {e}", f"What about {e}?"],
        Parts(f"In Japanese, {e} is 「{j}」, read {y}.", j),
        [f"{e}は？", f"では{e}は？"],
        Parts(f"{e}は日本語で「{j}」です。", j),
        follow=[next_ja],
        exact=True,
    )


def next_en(r: Random):
    e, j, y = r.choice(LEX)
    return both(
        r,
        [f"And {j}?", f"What about {j}?"],
        Parts(f"「{j}」 is read {y} and means {e}.", e.capitalize()),
        [f"{j}は？", f"では{j}は？", f"じゃあ{j}は？"],
        Parts(f"「{j}」は英語で{e}です。", e),
        follow=[next_en],
        exact=True,
    )


def translate(r: Random) -> Item:
    e, j = sentence(r)
    bad, badja = sentence(r)
    if r.random() < 0.5:
        q = [
            f"Translate to Japanese: {e}",
            f"Translate into Japanese: {e}",
            f'How do you say "{e}" in Japanese?',
            f'Translate "{e}" to Japanese.',
            f"In Japanese: {e}",
            f"Please translate this to Japanese: {e}",
        ]
        qj = [
            f"日本語に訳してください：{e}",
            f"「{e}」を日本語に訳して",
            f"{e} を日本語にしてください。",
            f"次の英語を日本語に訳してください。{e}",
            f"和訳して：{e}",
        ]
        return both(r, q, Parts(j, j, free=True, wrong=badja), qj, Parts(j, j, free=True, wrong=badja), exact=True)
    q = [f"Translate to English: {j}", f"What does 「{j}」 mean?", f"Translate {j} into English.", f"In English: {j}"]
    qj = [
        f"英語に訳してください：{j}",
        f"「{j}」を英語に訳して",
        f"「{j.rstrip('。')}」は英語で何と言いますか？",
        f"次の文を英語にしてください。{j}",
        f"英訳して：{j}",
        f"「{j.rstrip('。')}」を英語で言うと？",
    ]
    return both(r, q, Parts(e, e, free=True, wrong=bad), qj, Parts(e, e, free=True, wrong=bad), exact=True)


OPP = [
    x.split()
    for x in "big small 大きい 小さい|hot cold 暑い 寒い|new old 新しい 古い|fast slow 速い 遅い|high low 高い 低い|long short 長い 短い|good bad 良い 悪い|light dark 明るい 暗い|strong weak 強い 弱い|happy sad うれしい 悲しい|open closed 開いている 閉まっている|full empty いっぱい 空っぽ|left right 左 右|up down 上 下|east west 東 西|north south 北 南|day night 昼 夜|summer winter 夏 冬|black white 黒 白|heavy light 重い 軽い|rich poor 豊か 貧しい|early late 早い 遅い|easy difficult 簡単 難しい|near far 近い 遠い|wide narrow 広い 狭い|thick thin 厚い 薄い|begin end 始まる 終わる|buy sell 買う 売る|love hate 愛 憎しみ|war peace 戦争 平和|true false 本当 嘘|inside outside 内 外|front back 前 後ろ|loud quiet うるさい 静か|young old 若い 年老いた|clean dirty きれい 汚い|safe dangerous 安全 危険|win lose 勝つ 負ける|give take 与える 取る|question answer 質問 答え".split(
        "|"
    )
]


def opposite(r: Random) -> Item:
    a, b, aj, bj = r.choice(OPP)
    if r.random() < 0.5:
        a, b, aj, bj = b, a, bj, aj
    return both(
        r,
        [f"What is the opposite of {a}?", f"opposite of {a}", f"What's the opposite of {a}?", f"Give me the antonym of {a}."],
        Parts(f"The opposite of {a} is {b}.", b.capitalize(), wrong=f"The opposite of {a} is {a}."),
        [f"「{aj}」の反対は？", f"{aj}の反対語は何ですか？", f"{aj}の反対は？", f"{aj}の対義語は？"],
        Parts(f"「{aj}」の反対は「{bj}」です。", bj, wrong=f"「{aj}」の反対は「{aj}」です。"),
    )


DEF = [
    x.split("|")
    for x in """a library|図書館|a place where people can read and borrow books|本を読んだり借りたりできる場所
a bridge|橋|a way for people and cars over a river or a road|川や道の上を渡るための道
a teacher|先生|a person who helps others to learn|人が学ぶのを助ける人
a clock|時計|a machine that shows the time|時刻を示す機械
an umbrella|傘|a thing that keeps the rain away|雨をよけるための道具
a democracy|民主主義|a state in which the people decide by voting|人々が投票で物事を決める仕組み
inflation|インフレ|a general rise of prices, so that money buys less|物価が全体に上がり、お金の価値が下がること
a database|データベース|an ordered store of data that programs can search|プログラムで検索できる整理されたデータの集まり
an algorithm|アルゴリズム|a list of exact steps that solves a problem|問題を解くための決まった手順
a robot|ロボット|a machine that does work by itself|自分で仕事をする機械
a haiku|俳句|a Japanese poem of five, seven and five syllables|五七五の十七音からなる日本の詩
a kimono|着物|a traditional Japanese robe|日本の伝統的な衣服
sushi|寿司|rice with vinegar, often with raw fish|酢飯に魚などをのせた日本の料理
an onsen|温泉|a Japanese hot spring where people bathe|地下から湧く熱い湯に入る場所
a matsuri|祭り|a Japanese festival with music, food and dance|音楽や屋台や踊りのある催し
a hospital|病院|a place where sick people are treated|病気の人を治す場所
a desert|砂漠|a dry place where little grows|雨が少なく植物がほとんど育たない土地
an island|島|land with water all around|周りを水に囲まれた陸地
a cluster|クラスタ|a group of computers that work together|一緒に働くコンピュータの集まり
a network|ネットワーク|computers that are connected and exchange data|つながってデータをやり取りするコンピュータの集まり
a server|サーバー|a computer or program that answers requests of others|ほかからの要求に答えるコンピュータやプログラム
a variable|変数|a name for a value in a program|プログラムの中で値につける名前
a prime number|素数|a number above one that only one and itself divide|一と自分自身でしか割り切れない二以上の数
a triangle|三角形|a figure with three sides|三つの辺を持つ図形
a circle|円|a line whose points all have the same distance from its centre|中心から同じ距離にある点の集まり
a poem|詩|a text that plays with sound and pictures|音や情景を楽しむ短い文章
an atom|原子|the smallest part of a chemical element|元素の一番小さな粒
a cell|細胞|the smallest living part of a plant or an animal|生き物の体を作る一番小さな単位
energy|エネルギー|the ability to do work|仕事をする能力
a tsunami|津波|a large wave caused by an earthquake under the sea|海底の地震で起こる大きな波
sumo|相撲|Japanese wrestling between two very heavy men in a ring|土俵で二人の力士が戦う日本の競技
origami|折り紙|the art of folding paper|紙を折って形を作る遊び
karaoke|カラオケ|singing well-known songs to recorded music|録音された伴奏に合わせて歌う遊び
a samurai|侍|a warrior of old Japan|昔の日本の武士
a shrine|神社|a holy place of Shinto|神道の神をまつる場所
manga|漫画|a Japanese comic book|絵と台詞で語る物語
ramen|ラーメン|noodles in hot soup|熱いスープに入った麺料理
a bank|銀行|a place that keeps and lends money|お金を預かったり貸したりする所
a contract|契約|a promise that two sides have signed|互いに守ると決めた約束
a hypothesis|仮説|an idea that still has to be tested|まだ確かめられていない考え""".split("\n")
]


def define(r: Random) -> Item:
    e, j, d, dj = r.choice(DEF)
    z = r.choice(DEF)
    E = e[0].upper() + e[1:]
    return both(
        r,
        [
            f"What is {e}?",
            f"Define {e}.",
            f"Explain what {e} is.",
            f"What does {e.split(' ', 1)[-1]} mean?",
            f"definition of {e.split(' ', 1)[-1]}",
        ],
        Parts(f"{E} is {d}.", d[0].upper() + d[1:], wrong=f"{E} is {z[2]}."),
        [f"{j}とは何ですか？", f"{j}とは？", f"{j}の意味を教えてください。", f"{j}って何？", f"{j}を説明して"],
        Parts(f"{j}とは、{dj}です。", dj, wrong=f"{j}とは、{z[3]}です。"),
    )


TOPICS = [(word, 5), (translate, 5), (opposite, 1.3), (define, 3)]
