"""Animals, elements, planets, nature."""

from random import Random

from .core import Item, Parts, both, from_table, table

# en | ja | sound en | sound ja | legs | class en/ja | eats en/ja | young en/ja | lives en/ja
ANIMALS = [
    x.split("|")
    for x in """
dog|犬|woof|ワンワン|4|mammal/哺乳類|meat and other food/肉など|puppy/子犬|with people/人のそば
cat|猫|meow|ニャー|4|mammal/哺乳類|meat and fish/肉や魚|kitten/子猫|with people/人のそば
cow|牛|moo|モー|4|mammal/哺乳類|grass/草|calf/子牛|on farms/牧場
horse|馬|neigh|ヒヒーン|4|mammal/哺乳類|grass and hay/草や干し草|foal/子馬|on farms and grassland/牧場や草原
pig|豚|oink|ブーブー|4|mammal/哺乳類|almost everything/ほとんど何でも|piglet/子豚|on farms/農場
sheep|羊|baa|メェー|4|mammal/哺乳類|grass/草|lamb/子羊|on meadows/牧草地
goat|ヤギ|maa|メエメエ|4|mammal/哺乳類|grass and leaves/草や葉|kid/子ヤギ|on hills/丘や山
lion|ライオン|roar|ガオー|4|mammal/哺乳類|meat/肉|cub/子ライオン|in Africa/アフリカ
tiger|トラ|roar|ガオー|4|mammal/哺乳類|meat/肉|cub/子トラ|in the forests of Asia/アジアの森
elephant|象|a trumpet sound|パオーン|4|mammal/哺乳類|leaves and grass/葉や草|calf/子象|in Africa and Asia/アフリカとアジア
monkey|猿|ook ook|キーキー|4|mammal/哺乳類|fruit and leaves/果物や葉|baby monkey/子猿|in warm forests/暖かい森
mouse|ネズミ|squeak|チューチュー|4|mammal/哺乳類|seeds and grain/種や穀物|baby mouse/子ネズミ|in fields and houses/野原や家
rabbit|ウサギ|almost no sound|ほとんど鳴かない声|4|mammal/哺乳類|grass and carrots/草やニンジン|bunny/子ウサギ|on meadows/野原
fox|キツネ|yip|コンコン|4|mammal/哺乳類|mice and berries/ネズミや木の実|cub/子ギツネ|in forests/森
wolf|狼|howl|ワオーン|4|mammal/哺乳類|meat/肉|pup/狼の子|in northern forests/北の森
bear|熊|growl|ガルル|4|mammal/哺乳類|fish, berries and honey/魚、木の実、蜂蜜|cub/子熊|in forests and mountains/森や山
panda|パンダ|a soft bleat|メエという声|4|mammal/哺乳類|bamboo/竹|cub/子パンダ|in China/中国
kangaroo|カンガルー|a cough|コホッという声|4|mammal/哺乳類|grass/草|joey/カンガルーの赤ちゃん|in Australia/オーストラリア
whale|クジラ|a long song|長い歌|0|mammal/哺乳類|krill and fish/オキアミや魚|calf/子クジラ|in the sea/海
dolphin|イルカ|clicks and whistles|キュイキュイ|0|mammal/哺乳類|fish/魚|calf/子イルカ|in the sea/海
bat|コウモリ|high squeaks|キーキー|2|mammal/哺乳類|insects and fruit/虫や果物|pup/コウモリの子|in caves/洞窟
giraffe|キリン|a low hum|低い声|4|mammal/哺乳類|leaves/葉|calf/子キリン|in Africa/アフリカ
zebra|シマウマ|a bark|ワンに似た声|4|mammal/哺乳類|grass/草|foal/子シマウマ|in Africa/アフリカ
chicken|ニワトリ|cluck|コケコッコー|2|bird/鳥類|grain and worms/穀物や虫|chick/ひよこ|on farms/農場
duck|アヒル|quack|ガーガー|2|bird/鳥類|plants and small animals/草や小さな生き物|duckling/アヒルの子|on ponds/池
crow|カラス|caw|カーカー|2|bird/鳥類|almost everything/ほとんど何でも|chick/カラスのひな|in towns and woods/町や森
owl|フクロウ|hoot|ホーホー|2|bird/鳥類|mice/ネズミ|owlet/フクロウのひな|in forests/森
eagle|ワシ|a sharp cry|ピーという声|2|bird/鳥類|fish and small animals/魚や小動物|eaglet/ワシのひな|in mountains/山
sparrow|スズメ|chirp|チュンチュン|2|bird/鳥類|seeds and insects/種や虫|chick/スズメのひな|in towns/町
penguin|ペンギン|a honk|グワーッ|2|bird/鳥類|fish/魚|chick/ペンギンのひな|in the cold south/寒い南の地方
swan|白鳥|a honk|コーコー|2|bird/鳥類|water plants/水草|cygnet/白鳥のひな|on lakes/湖
frog|カエル|ribbit|ケロケロ|4|amphibian/両生類|insects/虫|tadpole/おたまじゃくし|near water/水辺
snake|蛇|hiss|シューッ|0|reptile/爬虫類|mice and frogs/ネズミやカエル|baby snake/子蛇|in warm places/暖かい場所
turtle|亀|almost no sound|ほとんど鳴かない声|4|reptile/爬虫類|plants and small animals/草や小さな生き物|baby turtle/子亀|in water and on land/水や陸
crocodile|ワニ|a deep growl|グルルル|4|reptile/爬虫類|meat/肉|baby crocodile/子ワニ|in warm rivers/暖かい川
bee|ミツバチ|buzz|ブーン|6|insect/昆虫|nectar and pollen/花の蜜と花粉|larva/幼虫|in hives/巣箱
ant|アリ|no sound|無音|6|insect/昆虫|almost everything/ほとんど何でも|larva/幼虫|in the ground/土の中
butterfly|蝶|no sound|無音|6|insect/昆虫|nectar/花の蜜|caterpillar/いも虫|on flowers/花のそば
cicada|セミ|a loud buzz|ミーンミーン|6|insect/昆虫|tree sap/木の汁|nymph/セミの幼虫|on trees/木
spider|クモ|no sound|無音|8|arachnid/クモ類|insects/虫|spiderling/子グモ|in webs/巣
octopus|タコ|no sound|無音|8|mollusc/軟体動物|crabs and shells/カニや貝|larva/幼生|in the sea/海
crab|カニ|a click|カチカチ|10|crustacean/甲殻類|almost everything/ほとんど何でも|larva/幼生|at the sea/海辺
shark|サメ|no sound|無音|0|fish/魚類|fish/魚|pup/サメの子|in the sea/海
salmon|鮭|no sound|無音|0|fish/魚類|small fish and insects/小魚や虫|fry/稚魚|in rivers and the sea/川と海
goldfish|金魚|no sound|無音|0|fish/魚類|small plants and insects/水草や虫|fry/稚魚|in ponds/池
""".strip().split("\n")
]


def an(w):
    return ("an " if w[0] in "aeiou" else "a ") + w


def animal(r: Random) -> Item:
    a = r.choice(ANIMALS)
    en, ja, snd, sndja, legs, kind, eat, young, lives = a
    (k, kj), (f, fj), (y, yj), (l, lj) = kind.split("/"), eat.split("/"), young.split("/"), lives.split("/")
    A = an(en)[0].upper() + an(en)[1:]
    z = r.choice([x for x in ANIMALS if x[5] != a[5] and x[4] != a[4] and x[6] != a[6]])
    c = r.randrange(6)
    lim = "arms" if en == "octopus" else "legs"
    s1, s2, s3 = f"{A} is {an(k)}.", f"It eats {f}.", f"It lives {l}."
    t1, t2, t3 = f"{ja}は{kj}です。", f"{fj}を食べます。", f"{lj}に住んでいます。"
    follow = [lambda r: of_animal(r, a)]
    if c == 0:
        return both(
            r,
            [f"What sound does {an(en)} make?", f"What does {an(en)} say?", f"What noise does {an(en)} make?", f"what does the {en} say"],
            Parts(f"{A} says {snd}." if " " not in snd else f"{A} makes {snd}.", snd.capitalize(), s2, wrong=f"{A} says {z[2]}."),
            [f"{ja}はどう鳴きますか？", f"{ja}の鳴き声は？", f"{ja}は何と鳴く？"],
            Parts(
                f"{ja}の鳴き声は「{sndja}」です。" if sndja != "無音" else f"{ja}は鳴きません。",
                sndja,
                t2,
                wrong=f"{ja}の鳴き声は「{z[3]}」です。",
            ),
            follow=follow,
        )
    if c == 1:
        n = "no" if legs == "0" else {"2": "two", "4": "four", "6": "six", "8": "eight", "10": "ten"}[legs]
        return both(
            r,
            [f"How many {lim} does {an(en)} have?", f"How many {lim} has {an(en)}?", f"number of legs of {an(en)}"],
            Parts(f"{A} has {n} {lim}.", n.capitalize(), s1, wrong=f"{A} has thirteen {lim}."),
            [f"{ja}の足は何本ですか？", f"{ja}には足が何本ありますか？", f"{ja}の足は何本？"],
            Parts(
                f"{ja}の足は{legs}本です。" if legs != "0" else f"{ja}に足はありません。", f"{legs}本", t1, wrong=f"{ja}の足は13本です。"
            ),
            follow=follow,
        )
    if c == 2:
        return both(
            r,
            [f"What does {an(en)} eat?", f"What do {en}s eat?", f"What is the food of {an(en)}?"],
            Parts(f"{A} eats {f}.", f.capitalize(), (s1, s3), wrong=f"{A} eats old shoes."),
            [f"{ja}は何を食べますか？", f"{ja}の食べ物は？", f"{ja}は何を食べるの？"],
            Parts(f"{ja}は{fj}を食べます。", fj, (t1, t3), wrong=f"{ja}は古い靴を食べます。"),
            follow=follow,
        )
    if c == 3:
        return both(
            r,
            [f"What is a young {en} called?", f"What is a baby {en} called?", f"What do you call a baby {en}?"],
            Parts(f"A young {en} is called {an(y)}.", y.capitalize(), s3, wrong=f"A young {en} is called a kettle."),
            [f"{ja}の子どもを何と言いますか？", f"{ja}の赤ちゃんは何と呼ばれますか？"],
            Parts(f"{ja}の子どもは{yj}と言います。", yj, t3, wrong=f"{ja}の子どもはやかんと言います。"),
            follow=follow,
        )
    if c == 4:
        same = r.random() < 0.5
        g, gj = (k, kj) if same else z[5].split("/")
        return both(
            r,
            [
                f"Is {an(en)} {an(g)}?",
                f"Are {en}s {g}s?"
                if en not in ("sheep", "mouse", "wolf", "goldfish", "salmon", "butterfly", "octopus", "fox")
                else f"Is {an(en)} {an(g)}?",
            ],
            Parts(
                f"Yes, {an(en)} is {an(k)}." if same else f"No, {an(en)} is not {an(g)}, it is {an(k)}.",
                "Yes." if same else "No.",
                s2,
                wrong="No, never." if same else "Yes, it is.",
            ),
            [f"{ja}は{gj}ですか？", f"{ja}って{gj}？"],
            Parts(
                f"はい、{ja}は{kj}です。" if same else f"いいえ、{ja}は{gj}ではなく{kj}です。",
                "はい。" if same else "いいえ。",
                t2,
                wrong="いいえ、違います。" if same else "はい、そうです。",
            ),
            follow=follow,
        )
    return of_animal(r, a, True)


def of_animal(r: Random, a, full=False):
    en, ja, snd, sndja, legs, kind, eat, young, lives = a
    (k, kj), (f, fj), (y, yj), (l, lj) = kind.split("/"), eat.split("/"), young.split("/"), lives.split("/")
    A = an(en)[0].upper() + an(en)[1:]
    if full:
        return both(
            r,
            [
                f"Tell me about {en}s."
                if en not in ("sheep", "mouse", "wolf", "goldfish", "salmon", "butterfly", "octopus", "fox")
                else f"Tell me about the {en}.",
                f"What is {an(en)}?",
                f"Describe {an(en)}.",
                f"tell me something about the {en}",
            ],
            Parts(
                f"{A} is {an(k)} that lives {l}.",
                an(k).capitalize(),
                (f"It eats {f}.", f"Its young is called {an(y)}."),
                simple=f"{A} is an animal. It eats {f}.",
                wrong=f"{A} is a kind of bicycle.",
            ),
            [f"{ja}について教えてください。", f"{ja}とは何ですか？", f"{ja}って何？", f"{ja}について教えて"],
            Parts(
                f"{ja}は{lj}に住む{kj}です。",
                kj,
                (f"{fj}を食べます。", f"子どもは{yj}と言います。"),
                simple=f"{ja}は生き物です。{fj}を食べます。",
                wrong=f"{ja}は自転車の一種です。",
            ),
        )
    c = r.randrange(3)
    if c == 0:
        return both(
            r,
            ["And what does it eat?", "What does it eat?", "and its food?"],
            Parts(f"It eats {f}.", f.capitalize()),
            ["何を食べますか？", "食べ物は？", "では何を食べるの？"],
            Parts(f"{fj}を食べます。", fj),
        )
    if c == 1:
        return both(
            r,
            ["Where does it live?", "And where does it live?"],
            Parts(f"It lives {l}.", l.capitalize()),
            ["どこに住んでいますか？", "どこにいるの？"],
            Parts(f"{lj}に住んでいます。", lj),
        )
    return both(
        r,
        ["What are its young called?", "And its babies?"],
        Parts(f"A young {en} is called {an(y)}.", y.capitalize()),
        ["子どもは何と言いますか？", "赤ちゃんは？"],
        Parts(f"子どもは{yj}と言います。", yj),
    )


ELEMENTS = [
    x.split()
    for x in """1 H Hydrogen 水素 gas|2 He Helium ヘリウム gas|3 Li Lithium リチウム metal|4 Be Beryllium ベリリウム metal|5 B Boron ホウ素 solid|6 C Carbon 炭素 solid|7 N Nitrogen 窒素 gas|8 O Oxygen 酸素 gas|9 F Fluorine フッ素 gas|10 Ne Neon ネオン gas|11 Na Sodium ナトリウム metal|12 Mg Magnesium マグネシウム metal|13 Al Aluminium アルミニウム metal|14 Si Silicon ケイ素 solid|15 P Phosphorus リン solid|16 S Sulfur 硫黄 solid|17 Cl Chlorine 塩素 gas|18 Ar Argon アルゴン gas|19 K Potassium カリウム metal|20 Ca Calcium カルシウム metal|22 Ti Titanium チタン metal|24 Cr Chromium クロム metal|25 Mn Manganese マンガン metal|26 Fe Iron 鉄 metal|27 Co Cobalt コバルト metal|28 Ni Nickel ニッケル metal|29 Cu Copper 銅 metal|30 Zn Zinc 亜鉛 metal|33 As Arsenic ヒ素 solid|35 Br Bromine 臭素 liquid|36 Kr Krypton クリプトン gas|47 Ag Silver 銀 metal|50 Sn Tin スズ metal|53 I Iodine ヨウ素 solid|54 Xe Xenon キセノン gas|74 W Tungsten タングステン metal|78 Pt Platinum 白金 metal|79 Au Gold 金 metal|80 Hg Mercury 水銀 metal|82 Pb Lead 鉛 metal|86 Rn Radon ラドン gas|92 U Uranium ウラン metal|94 Pu Plutonium プルトニウム metal""".split(
        "|"
    )
]
FORM = {"gas": ("a gas", "気体"), "metal": ("a metal", "金属"), "solid": ("a solid", "固体"), "liquid": ("a liquid", "液体")}


def element(r: Random) -> Item:
    n, s, e, j, f = r.choice(ELEMENTS)
    w = r.choice([x for x in ELEMENTS if x[1] != s])
    fe, fj = FORM[f]
    c = r.randrange(4)
    x, xj = f"It is {fe}, number {n} of the periodic table.", f"原子番号は{n}番、{fj}です。"
    l = e.lower()
    if c == 0:
        return both(
            r,
            [f"What is the chemical symbol of {l}?", f"What is the symbol for {l}?", f"chemical symbol {l}"],
            Parts(f"The chemical symbol of {l} is {s}.", s, x, wrong=f"The chemical symbol of {l} is {w[1]}."),
            [f"{j}の元素記号は？", f"{j}の元素記号は何ですか？"],
            Parts(f"{j}の元素記号は{s}です。", s, xj, wrong=f"{j}の元素記号は{w[1]}です。"),
        )
    if c == 1:
        return both(
            r,
            [f"Which element has the symbol {s}?", f"What element is {s}?", f"What does {s} stand for in chemistry?"],
            Parts(f"{s} is the symbol of {l}.", e, x, wrong=f"{s} is the symbol of {w[2].lower()}."),
            [f"元素記号{s}は何ですか？", f"元素記号が{s}の元素は？"],
            Parts(f"{s}は{j}の元素記号です。", j, xj, wrong=f"{s}は{w[3]}の元素記号です。"),
        )
    if c == 2:
        return both(
            r,
            [f"What is the atomic number of {l}?", f"Which number does {l} have in the periodic table?"],
            Parts(f"The atomic number of {l} is {n}.", n, f"Its symbol is {s}.", wrong=f"The atomic number of {l} is {w[0]}."),
            [f"{j}の原子番号は？", f"{j}の原子番号は何番ですか？"],
            Parts(f"{j}の原子番号は{n}です。", n, f"元素記号は{s}です。", wrong=f"{j}の原子番号は{w[0]}です。"),
        )
    return both(
        r,
        [f"What is {l}?", f"What kind of thing is {l}?", f"Tell me about {l}."],
        Parts(
            f"{e} is a chemical element and {fe} at room temperature.",
            fe.capitalize(),
            f"Its symbol is {s} and its number is {n}.",
            wrong=f"{e} is a kind of soup.",
        ),
        [f"{j}とは何ですか？", f"{j}って何？", f"{j}について教えて"],
        Parts(f"{j}は元素の一つで、常温では{fj}です。", fj, f"元素記号は{s}、原子番号は{n}です。", wrong=f"{j}はスープの一種です。"),
    )


PLANETS = [
    x.split("|")
    for x in """Mercury|水星|1|the smallest planet|一番小さい惑星|0
Venus|金星|2|the hottest planet|一番熱い惑星|0
Earth|地球|3|our home|私たちの住む星|1
Mars|火星|4|called the red planet|赤い惑星と呼ばれる星|2
Jupiter|木星|5|the largest planet|一番大きい惑星|95
Saturn|土星|6|famous for its rings|環で有名な惑星|146
Uranus|天王星|7|a cold planet that lies on its side|横倒しで回る冷たい惑星|28
Neptune|海王星|8|the planet farthest from the Sun|太陽から一番遠い惑星|16""".split("\n")
]
ORD = "first second third fourth fifth sixth seventh eighth".split()


def planet(r: Random) -> Item:
    i = r.randrange(8)
    e, j, n, what, whatj, moons = PLANETS[i]
    c = r.randrange(5)
    x, xj = f"It is the {ORD[i]} planet from the Sun.", f"太陽から{n}番目の惑星です。"
    if c == 0:
        return both(
            r,
            [f"Tell me about {e}.", f"What is {e}?", f"What kind of planet is {e}?"],
            Parts(
                f"{e} is {what}.",
                what.capitalize(),
                (x, f"It has {moons} known moon{'s' if moons != '1' else ''}." if moons != "0" else "It has no moon."),
            ),
            [f"{j}について教えて", f"{j}とはどんな星ですか？", f"{j}とは？"],
            Parts(f"{j}は{whatj}です。", whatj, (xj, f"知られている衛星は{moons}個です。" if moons != "0" else "衛星はありません。")),
        )
    if c == 1:
        return both(
            r,
            [f"Which planet is {what}?" if i not in (2, 3, 5) else f"Which planet is number {n} from the Sun?"],
            Parts(f"It is {e}.", e, x),
            [f"太陽から{n}番目の惑星は？", f"{whatj}はどれですか？"],
            Parts(f"{j}です。", j, xj),
        )
    if c == 2:
        m = moons if moons != "0" else "no"
        return both(
            r,
            [f"How many moons does {e} have?"],
            Parts(f"{e} has {m} known moon{'s' if m != '1' else ''}.", m.capitalize(), x),
            [f"{j}の衛星はいくつですか？", f"{j}には月がいくつありますか？"],
            Parts(f"{j}の知られている衛星は{moons}個です。" if moons != "0" else f"{j}に衛星はありません。", f"{moons}個", xj),
        )
    if c == 3:
        return both(
            r,
            ["Name the planets.", "What are the planets of the solar system?", "How many planets are there?", "list all planets"],
            Parts(
                "The eight planets are Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus and Neptune.",
                "Eight",
                "Pluto has been called a dwarf planet since 2006.",
            ),
            ["太陽系の惑星を教えて", "惑星はいくつありますか？", "惑星の名前を全部言ってください。"],
            Parts(
                "太陽系の惑星は水星、金星、地球、火星、木星、土星、天王星、海王星の八つです。",
                "八つ",
                "冥王星は2006年から準惑星とされています。",
            ),
        )
    k = (i + r.randint(1, 7)) % 8
    a, b = (PLANETS[i], PLANETS[k]) if i < k else (PLANETS[k], PLANETS[i])
    return both(
        r,
        [f"Which is closer to the Sun, {e} or {PLANETS[k][0]}?", f"Is {e} closer to the Sun than {PLANETS[k][0]}?"],
        Parts(f"{a[0]} is closer to the Sun than {b[0]}.", a[0]),
        [f"{j}と{PLANETS[k][1]}、太陽に近いのはどっち？"],
        Parts(f"{a[1]}のほうが{b[1]}より太陽に近いです。", a[1]),
    )


NATURE = table("""
q: Why is the sky blue? | why is the sky blue
a: The sky is blue because air scatters blue light more than red light. / In the evening the light goes a longer way, so the sky turns red. / This is called Rayleigh scattering.
s: The air throws blue light around. | 空気が青い光を散らすからです。
w: Air scatters blue light. | 空気が青い光を散らすからです。
x: The sky is blue because somebody painted it. | 空は誰かが塗ったから青いのです。
j: なぜ空は青いのですか？ | 空はなぜ青い？ | どうして空は青いの？
b: 空が青いのは、空気が赤い光より青い光をよく散らすからです。 / 夕方は光の通る道が長いので赤く見えます。 / これをレイリー散乱と言います。

q: Why is the sea salty? | Why is sea water salty?
a: The sea is salty because rivers carry salt from the rocks into it. / The water evaporates, the salt stays.
j: なぜ海は塩辛いのですか？ | 海はなぜしょっぱいの？
b: 川が岩の塩分を海に運ぶからです。 / 水は蒸発しますが、塩は残ります。

q: Why do we have seasons? | What causes the seasons?
a: We have seasons because the axis of the Earth is tilted. / In summer our half leans towards the Sun.
j: なぜ季節があるのですか？ | 季節はどうして変わるの？
b: 地球の軸が傾いているので季節があります。 / 夏は私たちの側が太陽のほうへ傾きます。

q: What is a rainbow? | How does a rainbow form? | How many colours does a rainbow have? | Why do rainbows appear?
a: A rainbow appears when sunlight is broken into colours by drops of rain. / People often count seven colours: red, orange, yellow, green, blue, indigo and violet.
s: It is sunlight in the rain. | 雨の中の日の光です。
j: 虹とは何ですか？ | 虹はどうやってできますか？ | 虹は何色ですか？
b: 虹は、日の光が雨粒で色に分かれて見えるものです。 / 赤、橙、黄、緑、青、藍、紫の七色と言われます。

q: How far is the Moon? | How far away is the Moon? | What is the distance to the Moon?
a: The Moon is about 384,000 kilometres away. / Light needs a little more than one second for it.
w: About 384,000 km. | 約38万キロメートルです。
x: The Moon is 12 kilometres away. | 月までは12キロメートルです。
j: 月までの距離は？ | 月はどのくらい遠いですか？
b: 月までの距離は約38万キロメートルです。 / 光なら一秒あまりで届きます。

q: How fast is light? | What is the speed of light?
a: Light travels about 300,000 kilometres per second. / From the Sun to us it needs eight minutes.
w: About 300,000 km per second. | 秒速約30万キロメートルです。
x: Light is as fast as a bicycle. | 光は自転車と同じ速さです。
j: 光の速さは？ | 光はどのくらい速いですか？
b: 光は一秒間に約30万キロメートル進みます。 / 太陽からここまで約八分です。

q: What is water made of? | What is H2O? | What is the formula of water?
a: Water is H2O: two hydrogen atoms and one oxygen atom. / It freezes at 0 and boils at 100 degrees Celsius.
w: H2O | H2O
x: Water is made of sugar. | 水は砂糖でできています。
j: 水は何でできていますか？ | H2Oとは何ですか？ | 水の化学式は？
b: 水はH2Oで、水素原子二つと酸素原子一つからできています。 / 0度で凍り、100度で沸騰します。

q: At what temperature does water boil? | When does water boil? | When does water freeze?
a: Water boils at 100 degrees Celsius and freezes at 0. / On high mountains it boils earlier.
w: 100 °C and 0 °C. | 100度と0度です。
j: 水は何度で沸騰しますか？ | 水は何度で凍りますか？
b: 水は100度で沸騰し、0度で凍ります。 / 高い山ではもっと低い温度で沸騰します。

q: What is photosynthesis? | How do plants eat? | How do plants grow?
a: In photosynthesis plants make sugar from sunlight, water and carbon dioxide. / Oxygen is left over, and we breathe it. / The green chlorophyll catches the light.
s: Plants eat sunlight and water. | 植物は光と水で育ちます。
j: 光合成とは何ですか？ | 植物はどうやって育ちますか？ | 光合成って何？
b: 光合成とは、植物が光と水と二酸化炭素から糖を作ることです。 / そのとき酸素が出て、私たちはそれを吸います。 / 緑の葉緑素が光を受け取ります。

q: What is gravity? | Why do things fall? | Why do apples fall down?
a: Gravity is the force with which masses attract each other. / The Earth pulls everything towards its centre, so things fall. / Newton described it, Einstein explained it as curved space.
s: The Earth pulls everything down. | 地球が物を引っぱる力です。
j: 重力とは何ですか？ | なぜ物は落ちるの？ | 重力って何？
b: 重力は、質量のある物どうしが引き合う力です。 / 地球が中心に向かって引くので物が落ちます。 / ニュートンが法則を示し、アインシュタインは空間の曲がりとして説明しました。

q: What is the Sun? | How hot is the Sun? | How big is the Sun?
a: The Sun is a star, a hot ball of gas. / Its surface has about 5,500 degrees, and it is 109 times as wide as the Earth.
w: A star. | 恒星です。
x: The Sun is a large lamp. | 太陽は大きな電球です。
j: 太陽とは何ですか？ | 太陽の温度は？ | 太陽はどのくらい大きいですか？
b: 太陽は恒星で、熱いガスの球です。 / 表面は約5500度、直径は地球の109倍です。

q: What is a black hole? | Explain black holes.
a: A black hole is a place where gravity is so strong that not even light escapes. / It can form when a very heavy star collapses.
s: It is a place that swallows even light. | 光まで飲み込む場所です。
j: ブラックホールとは何ですか？ | ブラックホールって何？
b: ブラックホールは、重力が強すぎて光さえ出られない場所です。 / とても重い星がつぶれるとできます。

q: What is DNA? | What are genes?
a: DNA is the molecule that stores the plan of a living being. / Its two strands are twisted like a ladder. / It has four letters: A, C, G and T.
j: DNAとは何ですか？ | 遺伝子とは？
b: DNAは生き物の設計図を持つ分子です。 / 二本の鎖がはしごのようにねじれています。 / A、C、G、Tの四文字でできています。

q: How many bones does a human have? | How many bones are in the human body?
a: An adult human has 206 bones. / Babies have more, because some grow together later.
w: 206 | 206本です。
x: A human has three bones. | 人の骨は三本です。
j: 人間の骨は何本ありますか？ | 骨は何本？
b: 大人の骨は206本です。 / 赤ちゃんはもっと多く、あとでくっつきます。

q: What is an earthquake? | Why are there earthquakes? | Why does Japan have many earthquakes?
a: An earthquake happens when plates of the Earth's crust move suddenly. / Japan lies where four plates meet, so it has many.
j: 地震とは何ですか？ | なぜ地震が起きますか？ | なぜ日本は地震が多いのですか？
b: 地震は、地球の表面のプレートが急に動くと起こります。 / 日本は四つのプレートが出会う場所なので多いのです。

q: What is a volcano? | Why do volcanoes erupt?
a: A volcano is an opening through which hot melted rock comes out of the Earth. / Mount Fuji is one; it last erupted in 1707.
j: 火山とは何ですか？ | 火山はなぜ噴火しますか？
b: 火山は、地下の溶けた岩が出てくる場所です。 / 富士山も火山で、最後の噴火は1707年です。

q: What is the largest animal? | What is the biggest animal in the world?
a: The blue whale is the largest animal. / It can be 30 metres long.
w: The blue whale. | シロナガスクジラです。
x: The ant is the largest animal. | 一番大きい動物はアリです。
j: 一番大きい動物は何ですか？ | 世界一大きい動物は？
b: 一番大きい動物はシロナガスクジラです。 / 体長は30メートルにもなります。

q: What is the fastest animal? | Which animal is the fastest? | What is the fastest land animal?
a: On land the cheetah is the fastest, with more than 100 kilometres per hour. / In the air the peregrine falcon is faster still.
w: The cheetah. | チーターです。
j: 一番速い動物は何ですか？ | 最も速い動物は？
b: 陸で一番速いのはチーターで、時速100キロ以上です。 / 空ではハヤブサがもっと速いです。

q: What is the tallest animal? | Which animal is the tallest?
a: The giraffe is the tallest animal. / It can be more than five metres tall.
w: The giraffe. | キリンです。
j: 一番背の高い動物は何ですか？
b: 一番背の高い動物はキリンです。 / 五メートル以上になります。

q: What colour do you get from blue and yellow? | What do you get when you mix blue and yellow? | blue and yellow make?
a: Blue and yellow make green. / This holds for paint; light mixes in another way.
w: Green. | 緑です。
x: Blue and yellow make pink. | 青と黄色を混ぜるとピンクです。
j: 青と黄色を混ぜると何色？ | 青と黄色を混ぜると？
b: 青と黄色を混ぜると緑になります。 / 絵の具の話で、光では違います。

q: What do you get when you mix red and yellow? | red and yellow make? | What colour do you get from red and yellow?
a: Red and yellow make orange.
w: Orange. | オレンジ色です。
j: 赤と黄色を混ぜると何色？ | 赤と黄色を混ぜると？
b: 赤と黄色を混ぜるとオレンジ色になります。

q: What do you get when you mix red and blue? | red and blue make? | What do you get when you mix red and white?
a: Red and blue make purple, red and white make pink.
w: Purple; pink. | 紫とピンクです。
j: 赤と青を混ぜると何色？ | 赤と白を混ぜると？
b: 赤と青で紫、赤と白でピンクになります。

q: What is the colour of the sky? | What colour is the sky? | What colour is grass? | What colour is a banana? | What colour is snow?
a: The sky is blue, grass is green, a ripe banana is yellow and snow is white.
j: 空は何色？ | 草は何色ですか？ | バナナは何色？ | 雪は何色ですか？
b: 空は青、草は緑、熟したバナナは黄色、雪は白です。

q: What are the four seasons? | Name the seasons. | How many seasons are there?
a: The four seasons are spring, summer, autumn and winter. / In Japan spring has cherry blossoms, autumn red leaves.
w: Spring, summer, autumn, winter. | 春、夏、秋、冬です。
j: 四季とは何ですか？ | 季節を全部言ってください。 | 季節はいくつありますか？
b: 四季は春、夏、秋、冬です。 / 日本の春は桜、秋は紅葉がきれいです。

q: What is a computer? | How does a computer work?
a: A computer is a machine that follows instructions and works with numbers. / Its processor does billions of small steps each second.
s: It is a machine that counts very fast. | とても速く数える機械です。
j: コンピュータとは何ですか？ | コンピュータの仕組みは？ | パソコンって何？
b: コンピュータは、命令に従って数を扱う機械です。 / 中のプロセッサは一秒に何十億回も小さな計算をします。

q: What is the internet? | How does the internet work?
a: The internet connects computers all over the world. / Messages travel in small packets from router to router.
j: インターネットとは何ですか？ | インターネットの仕組みは？
b: インターネットは世界中のコンピュータをつなぐ網です。 / 情報は小さな包みになってルーターからルーターへ運ばれます。

q: What is artificial intelligence? | What is AI? | What is machine learning? | How does AI work?
a: Artificial intelligence means programs that do tasks which seem to need thought. / Today most of it is machine learning: the program learns from examples. / I am a very small example.
s: It is a program that learns from examples. | 例から学ぶプログラムです。
j: AIとは何ですか？ | 人工知能とは？ | 機械学習とは何ですか？ | AIって何？
b: 人工知能とは、考える力が要りそうな仕事をするプログラムのことです。 / 今の多くは機械学習で、例から学びます。 / 私はそのとても小さな例です。

q: What is a dinosaur? | When did the dinosaurs live? | Why did the dinosaurs die?
a: Dinosaurs were reptiles that lived until about 66 million years ago. / Most scientists think that a large meteorite ended their time. / Birds are their descendants.
j: 恐竜とは何ですか？ | 恐竜はいつ生きていましたか？ | 恐竜はなぜ絶滅したのですか？
b: 恐竜は約6600万年前まで生きていた爬虫類です。 / 大きな隕石が絶滅の原因と考えられています。 / 鳥はその子孫です。

q: Why do we sleep? | Why do people sleep? | Why do we dream?
a: In sleep the body recovers and the brain sorts what it has learned. / Adults need seven to nine hours.
j: なぜ人は眠るのですか？ | どうして寝るの？ | なぜ夢を見るの？
b: 眠っている間に体が回復し、脳は学んだことを整理します。 / 大人には七時間から九時間が必要です。
""")


def nature(r: Random) -> Item:
    return from_table(r, NATURE)


TOPICS = [(animal, 4), (element, 1.8), (planet, 1.5), (nature, 4.5)]
