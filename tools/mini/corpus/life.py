"""Travel plans, food, advice, lists of things."""

from random import Random

from .core import Item, Parts, both, from_table, table

# city: en, ja, then morning, noon, afternoon, evening spots as "en|ja|reason en|reason ja"
CITIES = {
    "Tokyo": (
        "東京",
        [
            [
                "visit the Senso-ji temple in Asakusa|浅草の浅草寺を参拝|it is liveliest in the morning|朝は空いていて仲見世も楽しめます",
                "see the Tsukiji outer market|築地場外市場を散策|the fish is fresh|新鮮な海鮮が味わえます",
                "walk through the Meiji shrine|明治神宮を散歩|the forest is quiet|森の空気が気持ちよいです",
            ],
            [
                "have tempura in Asakusa|浅草で天ぷらの昼食|the shops are close by|駅から近く便利です",
                "eat sushi in Tsukiji|築地で寿司の昼食|it is famous for it|ここの名物です",
                "have ramen in Shinjuku|新宿でラーメンの昼食|there are hundreds of shops|店がたくさんあります",
            ],
            [
                "go up the Tokyo Skytree|東京スカイツリーに登る|the view is wide|街を一望できます",
                "see the museums in Ueno|上野の博物館を見学|they are next to the park|公園のすぐ隣です",
                "stroll through Harajuku and Shibuya|原宿と渋谷を散策|it is full of young fashion|若者の流行が楽しめます",
            ],
            [
                "watch the Shibuya crossing at night|夜の渋谷スクランブル交差点を見る|the lights are impressive|灯りが見事です",
                "enjoy the night view from Odaiba|お台場で夜景を楽しむ|the bridge is lit up|橋が美しく光ります",
                "look for souvenirs at Tokyo station|東京駅でお土産を買う|it is easy on the way home|帰りに便利です",
            ],
        ],
    ),
    "Kyoto": (
        "京都",
        [
            [
                "visit the Kiyomizu temple|清水寺を参拝|the view over the city is beautiful|街の眺めが美しいです",
                "walk through the thousand gates of Fushimi Inari|伏見稲荷の千本鳥居を歩く|it is quiet early|朝は人が少ないです",
            ],
            [
                "eat tofu near Nanzen-ji|南禅寺の近くで湯豆腐の昼食|it is a speciality of the city|京都の名物です",
                "taste things at the Nishiki market|錦市場で食べ歩き|there are more than a hundred shops|百以上の店が並びます",
            ],
            [
                "see the Golden Pavilion|金閣寺を見学|it shines in the pond|池に映る姿が見事です",
                "walk through the bamboo of Arashiyama|嵐山の竹林を散歩|it is cool even in summer|夏でも涼しいです",
            ],
            [
                "stroll through Gion|祇園を散策|the old streets are lit in the evening|夕暮れの町並みがきれいです",
                "sit by the Kamo river|鴨川のほとりでくつろぐ|it is a calm end of the day|一日の終わりに落ち着きます",
            ],
        ],
    ),
    "Osaka": (
        "大阪",
        [
            [
                "see Osaka castle|大阪城を見学|the park around it is wide|公園も広々としています",
                "visit the aquarium Kaiyukan|海遊館を見学|there is a whale shark|ジンベエザメがいます",
            ],
            [
                "eat okonomiyaki in Namba|難波でお好み焼きの昼食|it is the taste of Osaka|大阪の味です",
                "try takoyaki in Dotonbori|道頓堀でたこ焼きを食べる|eight of them make a portion|八個で一皿です",
            ],
            [
                "go up the Umeda Sky Building|梅田スカイビルに登る|the view is wide|眺めがよいです",
                "explore Shinsekai and its tower|新世界と通天閣を散策|it is full of old charm|昔ながらの雰囲気です",
            ],
            [
                "look at the lights of Dotonbori|道頓堀の灯りを見る|the signs are famous|看板が有名です",
                "eat kushikatsu for dinner|夕食に串カツを食べる|it is cheap and good|安くておいしいです",
            ],
        ],
    ),
    "Sapporo": (
        "札幌",
        [
            [
                "walk along Odori park|大通公園を散歩|it is in the centre|街の中心にあります",
                "visit the Nijo market|二条市場を散策|crab and salmon are fresh|カニや鮭が新鮮です",
            ],
            [
                "eat miso ramen|味噌ラーメンの昼食|it was born in this city|札幌が発祥です",
                "have soup curry|スープカレーの昼食|it warms you up|体が温まります",
            ],
            [
                "see the beer museum|ビール博物館を見学|you can taste, too|試飲もできます",
                "ride up Mount Moiwa|藻岩山にロープウェイで登る|you see the whole city|街全体が見えます",
            ],
            [
                "eat grilled lamb|夕食にジンギスカンを食べる|it is a speciality|北海道の名物です",
                "see the clock tower at night|夜の時計台を見る|it is lit up|照明がきれいです",
            ],
        ],
    ),
    "Fukuoka": (
        "福岡",
        [
            [
                "visit the Dazaifu shrine|太宰府天満宮を参拝|it is famous for plum trees|梅で有名です",
                "walk around Ohori park|大濠公園を散歩|the lake is calm|池が穏やかです",
            ],
            [
                "eat Hakata ramen|博多ラーメンの昼食|the soup is rich|濃いスープが自慢です",
                "have motsunabe|もつ鍋の昼食|it is a local dish|地元の料理です",
            ],
            [
                "go shopping in Tenjin|天神で買い物|everything is close|何でもそろいます",
                "see the beach of Momochi|百道の海辺を歩く|the tower is next to it|タワーも近いです",
            ],
            [
                "eat at the food stalls of Nakasu|中洲の屋台で夕食|you talk with the neighbours|隣の人と話がはずみます",
                "look at the river lights|川沿いの夜景を見る|the water mirrors them|水に映ってきれいです",
            ],
        ],
    ),
    "Nara": (
        "奈良",
        [
            [
                "feed the deer in the park|奈良公園で鹿に会う|they bow for crackers|おじぎをしてくれます",
                "see the Great Buddha of Todai-ji|東大寺の大仏を見る|it is fifteen metres high|高さは十五メートルあります",
            ],
            [
                "eat persimmon leaf sushi|柿の葉寿司の昼食|it is the local speciality|奈良の名物です",
                "have noodles in Naramachi|ならまちで麺の昼食|the old houses are pretty|古い町並みがきれいです",
            ],
            [
                "visit the Kasuga shrine|春日大社を参拝|there are three thousand lanterns|三千の灯籠があります",
                "walk to Kofuku-ji|興福寺まで歩く|the pagoda is beautiful|五重塔が見事です",
            ],
            [
                "look down from Wakakusa hill|若草山から夕日を見る|the sunset is wide|眺めが広いです",
                "buy mochi at Nakatanidou|餅つきの店で草餅を買う|they pound it very fast|高速の餅つきが見られます",
            ],
        ],
    ),
    "Yokohama": (
        "横浜",
        [
            [
                "walk through Yamashita park|山下公園を散歩|the harbour is in front of you|目の前が港です",
                "see the Sankeien garden|三渓園を散策|old houses stand in it|古い建物が並びます",
            ],
            [
                "eat in Chinatown|中華街で昼食|it is the largest in Japan|日本最大です",
                "have curry at the port|港でカレーの昼食|it came to Japan by ship|船で伝わった味です",
            ],
            [
                "visit the Cup Noodles museum|カップヌードルミュージアムを見学|you make your own|自分だけのカップ麺を作れます",
                "stroll through the red brick warehouse|赤レンガ倉庫を散策|there are many shops|店がたくさんあります",
            ],
            [
                "ride the big wheel at night|夜に大観覧車に乗る|the whole bay shines|湾全体が輝きます",
                "enjoy the view from Landmark Tower|ランドマークタワーの夜景を楽しむ|it is 296 metres high|高さ296メートルです",
            ],
        ],
    ),
    "Hiroshima": (
        "広島",
        [
            [
                "visit the Peace Memorial Park|平和記念公園を訪問|it is a place to remember|大切な場所です",
                "see the castle|広島城を見学|it is near the centre|街の中心に近いです",
            ],
            [
                "eat Hiroshima okonomiyaki|広島風お好み焼きの昼食|noodles are inside|麺が入っています",
                "taste oysters|牡蠣の昼食|they are the pride of the bay|広島湾の自慢です",
            ],
            [
                "take the ferry to Miyajima|フェリーで宮島へ渡る|the red gate stands in the sea|海の鳥居が見られます",
                "walk in the Shukkeien garden|縮景園を散策|it is small and fine|小さくて上品な庭です",
            ],
            [
                "see the sunset at the great gate|大鳥居の夕日を見る|it is unforgettable|忘れられない景色です",
                "eat momiji cakes on the way home|もみじ饅頭を買って帰る|they are sweet|お土産に最適です",
            ],
        ],
    ),
    "Kamakura": (
        "鎌倉",
        [
            [
                "see the Great Buddha|鎌倉の大仏を見る|it sits under the open sky|青空の下に座っています",
                "visit the Tsurugaoka shrine|鶴岡八幡宮を参拝|it is in the centre|街の中心です",
            ],
            [
                "eat whitebait on rice|しらす丼の昼食|it is caught here|地元でとれます",
                "snack along Komachi street|小町通りで食べ歩き|there are many sweets|甘い物がたくさんあります",
            ],
            [
                "walk through the bamboo of Hokoku-ji|報国寺の竹林を歩く|they serve tea|抹茶もいただけます",
                "ride the Enoden train|江ノ電に乗る|it runs along the sea|海沿いを走ります",
            ],
            [
                "watch the sea at Enoshima|江の島で海を眺める|you may see Mount Fuji|富士山が見えることもあります",
                "see the sunset on the beach|砂浜で夕日を見る|it is calm|静かです",
            ],
        ],
    ),
    "Nikko": (
        "日光",
        [
            ["visit the Toshogu shrine|日光東照宮を参拝|the carvings are famous|彫刻が有名です"],
            ["eat yuba, a kind of tofu|湯葉料理の昼食|it is the local dish|日光の名物です"],
            [
                "see the Kegon waterfall|華厳の滝を見る|it is 97 metres high|高さは97メートルです",
                "walk at Lake Chuzenji|中禅寺湖を散歩|the air is clear|空気が澄んでいます",
            ],
            ["bathe in a hot spring|温泉に入る|it is good after a long walk|歩いたあとに最高です"],
        ],
    ),
}
SLOT = (("In the morning", "午前"), ("For lunch", "昼"), ("In the afternoon", "午後"), ("In the evening", "夕方"))


def plan(city, r):
    ja, slots = CITIES[city]
    return ja, [r.choice(s).split("|") for s in slots]


def trip_parts(city, r):
    ja, p = plan(city, r)
    n = [x[0] for x in p]
    a = Parts(
        f"In {city} you could first {n[0]}, then {n[1]}, and later {n[2]}.",
        n[0][0].upper() + n[0][1:] + ".",
        ("\n" + "\n".join(f"{i + 1}. {SLOT[i][0]}, {x[0]}: {x[2]}." for i, x in enumerate(p)) + "\n", "Have a nice trip!"),
        simple=f"In {city}, {n[0]} and {n[1]}.",
    )
    b = Parts(
        f"{ja}では、まず{p[0][1]}、次に{p[1][1]}、そして{p[2][1]}のがおすすめです。".replace("散策のが", "散策するのが")
        .replace("見学のが", "見学するのが")
        .replace("参拝のが", "参拝するのが")
        .replace("散歩のが", "散歩するのが")
        .replace("買い物のが", "買い物するのが"),
        f"{p[0][1]}がおすすめです。",
        ("\n" + "\n".join(f"{i + 1}. {SLOT[i][1]}：{x[1]}。{x[3]}。" for i, x in enumerate(p)) + "\n", "楽しい旅になりますように。"),
        simple=f"{ja}では{p[0][1]}と{p[1][1]}がおすすめです。",
    )
    b.core = f"{ja}の日帰り観光なら、次のプランがおすすめです。" if r.random() < 0.85 else b.core
    if b.core.endswith("次のプランがおすすめです。"):
        a.core = f"For one day in {city} I suggest this plan."
    return ja, a, b, p


def trip(r: Random) -> Item:
    city = r.choice(["Tokyo"] * 5 + ["Kyoto"] * 3 + ["Osaka"] * 2 + list(CITIES))
    ja, a, b, p = trip_parts(city, r)
    when, whenja = r.choice(
        (
            ("on the weekend", "週末に"),
            ("tomorrow", "明日"),
            ("next week", "来週"),
            ("on Sunday", "日曜日に"),
            ("on Saturday", "土曜日に"),
            ("next month", "来月"),
            ("in summer", "夏に"),
            ("", "今度"),
            ("", ""),
        )
    )
    long = f"{whenja}日帰りで{ja}に遊びに行こうと思っています。"
    ask = [
        "日帰りなので、短時間で回れるおすすめの観光プランを教えてください。",
        "おすすめの観光プランを教えてください。",
        "短時間で回れるプランを教えてください。",
        "どこに行けばいいですか？",
        "おすすめの場所を教えてください。",
        "一日で回れるコースを教えて",
        "観光プランを作ってください。",
        "プランを考えてください。",
    ]
    qj = [
        long + r.choice(ask),
        long + ask[0],
        long + r.choice(ask),
        f"{whenja}{ja}に行きます。" + r.choice(ask),
        f"{ja}のおすすめの観光プランを教えてください。",
        f"{ja}の日帰り観光プランを教えて",
        f"{ja}で一日過ごすならどこがいいですか？",
        f"{ja}観光のおすすめは？",
        f"{ja}でおすすめの場所は？",
        f"{ja}を一日で回るプランを考えて",
        f"{whenja}{ja}に旅行に行くのですが、" + r.choice(ask[1:]),
        f"友達と{ja}に行くことになりました。" + r.choice(ask),
        f"{ja}旅行の計画を立ててください。",
    ]
    w = " " + when if when else ""
    q = [
        f"I am going to {city}{w}. What should I see?",
        f"Plan a day in {city}.",
        f"Can you make a day plan for {city}?",
        f"What can I do in {city} in one day?",
        f"I want to visit {city} for a day{w}. Please recommend a plan.",
        f"What should I do in {city}?",
        f"one day in {city}",
        f"Recommend places in {city}.",
        f"Give me a sightseeing plan for {city}.",
        f"I'm thinking of a day trip to {city}{w}. Can you suggest a short sightseeing plan?",
    ]
    ask2 = [lambda r: slot(r, city, ja, p, 1), lambda r: slot(r, city, ja, p, 3), lambda r: rain(r, city, ja), lambda r: elsewhere(r)]
    return both(
        r,
        q,
        a,
        qj,
        b,
        follow=ask2,
        offer=(
            {"en": "Shall I also suggest something for a rainy day?", "ja": "雨の日の過ごし方もお教えしましょうか。"},
            lambda r: rain(r, city, ja),
        )
        if r.random() < 0.4
        else None,
    )


def slot(r: Random, city, ja, p, i):
    x = p[i]
    q = (
        (["What should I eat?", "And for lunch?", "Where can I eat?"], ["昼ご飯は何がいいですか？", "昼食は？", "何を食べればいいですか？"])
        if i == 1
        else (["And in the evening?", "What about the evening?"], ["夕方は？", "夜は何をしたらいいですか？"])
    )
    return both(
        r,
        q[0],
        Parts(f"{SLOT[i][0]}, {x[0]}: {x[2]}.", x[0][0].upper() + x[0][1:] + "."),
        q[1],
        Parts(f"{SLOT[i][1]}は{x[1]}のプランがおすすめです。", x[1], x[3] + "。"),
    )


def rain(r: Random, city, ja):
    return both(
        r,
        ["What if it rains?", "And if it rains?", "What can I do when it rains?"],
        Parts(
            f"When it rains in {city}, go to a museum or an aquarium, or drink tea in a nice café.",
            "Go to a museum.",
            "Underground shopping streets are dry, too.",
        ),
        ["雨だったら？", "雨の場合はどうすればいいですか？", "雨の日は？"],
        Parts(
            f"雨の日の{ja}なら、博物館や水族館、すてきな喫茶店がおすすめです。", "博物館がおすすめです。", "地下街なら濡れずに歩けます。"
        ),
    )


def elsewhere(r: Random):
    city = r.choice(list(CITIES))
    ja, a, b, p = trip_parts(city, r)
    return both(r, [f"And in {city}?", f"What about {city}?"], a, [f"{ja}は？", f"{ja}の場合は？", f"では{ja}なら？"], b)


# dish: en|ja|ingredients en|ja|steps en (with ;)|ja
DISHES = [
    x.split("|")
    for x in """curry rice|カレーライス|meat, onions, carrots, potatoes and curry roux|肉、玉ねぎ、にんじん、じゃがいも、カレールー|Cut the meat and vegetables;Fry them in oil;Add water and simmer for twenty minutes;Stir in the roux and serve with rice|肉と野菜を切る;油で炒める;水を入れて二十分煮る;ルーを溶かし、ご飯にかける
miso soup|味噌汁|dashi, miso, tofu and seaweed|だし、味噌、豆腐、わかめ|Heat the dashi;Add tofu and seaweed;Turn off the heat and dissolve the miso|だしを温める;豆腐とわかめを入れる;火を止めて味噌を溶く
a rice ball|おにぎり|rice, salt, nori and a filling such as salmon|ご飯、塩、海苔、鮭などの具|Wet your hands and take some salt;Put the filling into the rice;Press it into a triangle and wrap it in nori|手をぬらして塩をつける;ご飯に具を入れる;三角に握って海苔を巻く
an omelette|オムレツ|three eggs, butter, salt and a little milk|卵三個、バター、塩、少しの牛乳|Beat the eggs with milk and salt;Melt the butter in a pan;Pour in the eggs and stir gently;Fold and serve|卵に牛乳と塩を混ぜる;フライパンでバターを溶かす;卵を流してやさしく混ぜる;折りたたんで皿に盛る
pancakes|パンケーキ|flour, an egg, milk, sugar and baking powder|小麦粉、卵、牛乳、砂糖、ベーキングパウダー|Mix everything to a smooth batter;Heat a pan;Bake small rounds until bubbles appear;Turn them and bake one minute more|材料をなめらかに混ぜる;フライパンを温める;泡が出るまで焼く;裏返してさらに一分焼く
fried rice|チャーハン|cold rice, eggs, leek, ham and soy sauce|ご飯、卵、ねぎ、ハム、醤油|Scramble the eggs in a hot pan;Add rice and ham and fry;Season with soy sauce and leek|熱いフライパンで卵を炒める;ご飯とハムを加えて炒める;醤油とねぎで味をつける
spaghetti with tomato sauce|トマトソースのスパゲッティ|spaghetti, tomatoes, garlic, olive oil and basil|スパゲッティ、トマト、にんにく、オリーブ油、バジル|Boil the spaghetti in salted water;Fry the garlic in oil and add tomatoes;Simmer, mix with the pasta and add basil|塩を入れた湯で麺をゆでる;にんにくを油で炒めトマトを加える;煮詰めて麺とあえ、バジルをのせる
okonomiyaki|お好み焼き|flour, cabbage, an egg, pork and sauce|小麦粉、キャベツ、卵、豚肉、ソース|Mix flour, water, egg and cabbage;Fry it as a thick cake with pork on top;Turn it, then add sauce and mayonnaise|粉と水と卵とキャベツを混ぜる;豚肉をのせて厚く焼く;裏返して焼き、ソースとマヨネーズをかける
oyakodon|親子丼|chicken, eggs, onion, dashi and soy sauce over rice|鶏肉、卵、玉ねぎ、だし、醤油、ご飯|Simmer chicken and onion in dashi and soy sauce;Pour beaten eggs over it;Put it on rice when half set|鶏肉と玉ねぎをだしと醤油で煮る;溶き卵を回しかける;半熟になったらご飯にのせる
a salad|サラダ|lettuce, tomato, cucumber, oil and vinegar|レタス、トマト、きゅうり、油、酢|Wash and cut the vegetables;Mix oil, vinegar and salt;Pour it over and toss|野菜を洗って切る;油と酢と塩を混ぜる;かけて和える
vegetable soup|野菜スープ|carrots, onions, potatoes, cabbage and stock|にんじん、玉ねぎ、じゃがいも、キャベツ、スープの素|Cut all vegetables small;Simmer them in stock for twenty minutes;Season with salt and pepper|野菜を小さく切る;スープで二十分煮る;塩とこしょうで味をととのえる
tea|お茶|tea leaves and hot water|茶葉と湯|Let boiled water cool to 80 degrees;Pour it over the leaves;Wait one minute and pour|湯を八十度まで冷ます;茶葉に注ぐ;一分待って湯のみに注ぐ
cookies|クッキー|butter, sugar, flour and an egg|バター、砂糖、小麦粉、卵|Beat butter and sugar;Add egg and flour;Cut out shapes and bake at 180 degrees for twelve minutes|バターと砂糖を練る;卵と小麦粉を加える;型で抜き、百八十度で十二分焼く""".split(
        "\n"
    )
]


def recipe(r: Random) -> Item:
    e, j, i, ij, s, sj = r.choice(DISHES)
    st, stj = s.split(";"), sj.split(";")
    a = Parts(
        f"For {e} you need {i}.",
        i[0].upper() + i[1:] + ".",
        ("\n" + "\n".join(f"{k + 1}. {x}." for k, x in enumerate(st)) + "\n", "Enjoy your meal!"),
        simple=f"{st[0]}. Then {st[-1][0].lower() + st[-1][1:]}.",
        wrong=f"For {e} you need stones and three old socks.",
    )
    b = Parts(
        f"{j}の材料は{ij}です。",
        ij,
        ("\n" + "\n".join(f"{k + 1}. {x}。" for k, x in enumerate(stj)) + "\n", "どうぞ召し上がれ。"),
        simple=f"{stj[0]}、そして{stj[-1]}だけです。",
        wrong=f"{j}の材料は石と古い靴下三枚です。",
    )
    time = lambda r: both(
        r,
        ["What do I need?", "Which ingredients?", "ingredients?"],
        Parts(f"You need {i}.", i[0].upper() + i[1:] + "."),
        ["材料は？", "何が必要ですか？"],
        Parts(f"必要なのは{ij}です。", ij),
    )
    return both(
        r,
        [f"How do I make {e}?", f"Recipe for {e}?", f"How do you cook {e}?", f"Give me a recipe for {e}.", f"how to make {e}"],
        a,
        [f"{j}の作り方を教えてください。", f"{j}の作り方は？", f"{j}のレシピを教えて", f"{j}はどうやって作りますか？", f"{j}の作り方"],
        b,
        follow=[time],
    )


LISTS = {
    ("fruits", "果物"): (
        "apple orange banana grape peach strawberry melon cherry lemon pear",
        "りんご みかん バナナ ぶどう 桃 いちご メロン さくらんぼ レモン 梨",
    ),
    ("vegetables", "野菜"): (
        "carrot tomato potato onion cabbage cucumber spinach pumpkin eggplant leek",
        "にんじん トマト じゃがいも 玉ねぎ キャベツ きゅうり ほうれん草 かぼちゃ なす ねぎ",
    ),
    ("animals", "動物"): ("dog cat horse lion elephant rabbit fox bear monkey giraffe", "犬 猫 馬 ライオン 象 ウサギ 狐 熊 猿 キリン"),
    ("colours", "色"): ("red blue green yellow black white purple orange pink brown", "赤 青 緑 黄色 黒 白 紫 オレンジ ピンク 茶色"),
    ("sports", "スポーツ"): (
        "football baseball tennis basketball swimming judo sumo volleyball golf running",
        "サッカー 野球 テニス バスケットボール 水泳 柔道 相撲 バレーボール ゴルフ 陸上",
    ),
    ("Japanese foods", "日本の食べ物"): (
        "sushi ramen tempura udon soba curry tofu takoyaki okonomiyaki onigiri",
        "寿司 ラーメン 天ぷら うどん そば カレー 豆腐 たこ焼き お好み焼き おにぎり",
    ),
    ("flowers", "花"): (
        "rose tulip sunflower lily cherry-blossom violet daisy iris camellia lotus",
        "バラ チューリップ ひまわり 百合 桜 すみれ ひなぎく あやめ 椿 蓮",
    ),
    ("instruments", "楽器"): (
        "piano guitar violin flute drum trumpet koto harp cello organ",
        "ピアノ ギター バイオリン フルート 太鼓 トランペット 琴 ハープ チェロ オルガン",
    ),
    ("programming languages", "プログラミング言語"): (
        "Go Python Rust Java C JavaScript Ruby Swift Kotlin Haskell",
        "Go Python Rust Java C JavaScript Ruby Swift Kotlin Haskell",
    ),
    ("birds", "鳥"): (
        "crow owl eagle sparrow swan duck penguin crane swallow parrot",
        "カラス フクロウ ワシ スズメ 白鳥 アヒル ペンギン 鶴 ツバメ オウム",
    ),
    ("cities in Japan", "日本の都市"): (
        "Tokyo Osaka Kyoto Sapporo Nagoya Fukuoka Kobe Sendai Hiroshima Yokohama",
        "東京 大阪 京都 札幌 名古屋 福岡 神戸 仙台 広島 横浜",
    ),
    ("drinks", "飲み物"): (
        "water tea coffee milk juice cocoa lemonade cola barley-tea soda",
        "水 お茶 コーヒー 牛乳 ジュース ココア レモネード コーラ 麦茶 ソーダ",
    ),
    ("hobbies", "趣味"): (
        "reading cooking hiking drawing music photography gardening chess dancing fishing",
        "読書 料理 登山 絵 音楽 写真 園芸 将棋 踊り 釣り",
    ),
}


def things(r: Random) -> Item:
    (e, j), (words_en, words_ja) = r.choice(list(LISTS.items()))
    xs, xj = words_en.split(), words_ja.split()
    n = r.choice((3, 3, 5, 5, 4, 2, 6))
    idx = r.sample(range(10), n)
    a, b = [xs[i].replace("-", " ") for i in idx], [xj[i] for i in idx]
    cap = [x[0].upper() + x[1:] for x in a]
    more = [i for i in range(10) if i not in idx]
    k = r.choice(more)
    num = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}[n]
    again = lambda r: both(
        r,
        ["One more?", "And one more?", "another one"],
        Parts(xs[k].replace("-", " ").capitalize() + ".", free=True),
        ["もう一つ", "あと一つは？"],
        Parts(xj[k] + "です。", free=True),
    )
    return both(
        r,
        [f"Name {n} {e}.", f"List {num} {e}.", f"Give me {n} {e}.", f"{n} {e}", f"Tell me {num} {e}.", f"Can you list {n} {e}?"],
        Parts("\n".join(f"{i + 1}. {x}" for i, x in enumerate(cap)), ", ".join(a), free=True),
        [f"{j}を{n}つ挙げてください。", f"{j}を{n}つ教えて", f"{j}を{n}個言って", f"{j}を{n}つ"],
        Parts("\n".join(f"{i + 1}. {x}" for i, x in enumerate(b)), "、".join(b), free=True),
        follow=[again],
    )


ADVICE = table("""
q: How do I learn Japanese? | How can I learn Japanese? | Tips for learning Japanese?
a: Learn hiragana and katakana first, then a few words every day. / Listen to songs and speak aloud. / Ten minutes a day are better than an hour once a week.
j: 日本語を勉強するには？ | 日本語の勉強法は？
b: まずひらがなとカタカナを覚え、毎日少しずつ言葉を増やしましょう。 / 歌を聞き、声に出すのも良いです。 / 週に一時間より毎日十分です。

q: How do I learn English? | How can I improve my English? | Tips for learning English?
a: Read something short every day and speak aloud. / Write down five new words a day. / Do not be afraid of mistakes.
j: 英語を勉強するには？ | 英語の勉強法を教えてください。 | 英語が上手になるには？ | 英語を話せるようになりたい
b: 毎日短い文を読み、声に出してみましょう。 / 一日五つ、新しい単語を書き留めてください。 / 間違いを恐れないことが大切です。

q: How do I learn programming? | How can I learn to code? | How do I start programming? | Which programming language should I learn?
a: Start with one language, for example Python or Go, and write tiny programs. / Change them and see what happens. / A small project of your own teaches most.
j: プログラミングを学ぶには？ | プログラミングの勉強法は？ | どのプログラミング言語を学べばいい？
b: PythonやGoなど一つの言語を選び、小さなプログラムを書いてみましょう。 / 書き換えて動きを確かめてください。 / 自分の小さな作品を作ると一番身につきます。

q: How can I save money? | Tips for saving money? | How do I spend less money?
a: Write down what you spend, and put a fixed part aside at the beginning of the month. / Cook at home more often.
j: お金を貯めるには？ | 節約のコツは？ | 節約の方法を教えて
b: 使ったお金を書き留め、月の初めに決まった額を取り分けましょう。 / 自炊を増やすのも効果的です。

q: How can I stay healthy? | Tips for health? | How do I lose weight? | How can I get fit?
a: Move every day, eat many vegetables and sleep enough. / Small steps that you keep are better than large ones that you give up.
j: 健康でいるには？ | 健康のコツは？ | 痩せるには？ | ダイエットの方法を教えて
b: 毎日体を動かし、野菜を多く食べ、よく眠りましょう。 / 続けられる小さな習慣が一番です。

q: How can I concentrate better? | How do I study well? | I cannot concentrate. | Tips for studying?
a: Put the phone away, and work for twenty-five minutes, then rest for five. / Do the hardest thing first.
j: 集中するには？ | 勉強のコツは？ | 集中できません。 | 効率よく勉強するには？
b: スマホを遠ざけ、二十五分集中して五分休みましょう。 / 一番難しいことから始めるのがおすすめです。

q: What should I give my mother for her birthday? | What is a good present? | Gift ideas? | birthday present for a friend?
a: Flowers, a good book or a homemade cake are always welcome. / A letter in your own hand makes it special.
j: 誕生日プレゼントは何がいい？ | 母へのプレゼントは何がいいですか？ | 友達へのプレゼントのおすすめは？ | プレゼント何がいい？
b: 花や本、手作りのケーキがおすすめです。 / 手書きの手紙を添えるともっと喜ばれます。

q: How can I relax? | How do I reduce stress? | Tips against stress?
a: Breathe slowly, take a walk or a warm bath. / Music and a cup of tea help, too.
j: リラックスするには？ | ストレス解消法は？ | 気分転換の方法を教えて
b: ゆっくり呼吸し、散歩やお風呂で体をほぐしましょう。 / 音楽とお茶もおすすめです。

q: How do I make friends? | How can I find friends?
a: Go where people share your interests, and ask them questions. / A smile and a little patience do the rest.
j: 友達を作るには？ | 友達の作り方は？
b: 同じ趣味の人が集まる場所に行き、質問してみましょう。 / 笑顔と少しの根気があれば大丈夫です。

q: How do I get up early? | I cannot get up in the morning. | Tips for getting up early?
a: Go to bed at the same time, and put the alarm far from the bed. / Open the curtains at once: light wakes you up.
j: 早起きするには？ | 朝起きられません。 | 早起きのコツは？
b: 毎日同じ時間に寝て、目覚ましをベッドから遠くに置きましょう。 / すぐにカーテンを開けると光で目が覚めます。

q: When is the best time to visit Japan? | When should I go to Japan? | best season for Japan
a: Spring and autumn are the best times to visit Japan. / In April the cherry trees bloom, in November the leaves are red.
w: Spring or autumn. | 春か秋です。
j: 日本旅行に一番いい季節は？ | 日本に行くならいつがいいですか？
b: 日本を旅するなら春か秋が一番です。 / 四月は桜、十一月は紅葉がきれいです。

q: How do I get from Tokyo to Kyoto? | How long is the train from Tokyo to Kyoto? | Tokyo to Osaka by train?
a: Take the Shinkansen: it needs a little more than two hours to Kyoto. / Shin-Osaka is fifteen minutes farther.
w: By Shinkansen. | 新幹線です。
j: 東京から京都への行き方は？ | 東京から京都までどのくらいかかりますか？ | 東京から大阪へはどう行きますか？
b: 新幹線で京都まで二時間あまりです。 / 新大阪はさらに十五分ほど先です。

q: Write an email to my boss that I am sick. | Write a mail that I am late. | Help me write an email. | Write a short email.
a: Here is a draft:\\nDear Mr. Sato,\\nI am sorry, but I am ill today and cannot come to work. I hope to be back tomorrow.\\nBest regards
j: 上司に休むとメールを書いて | 欠勤のメールを書いてください。 | メールの文を考えて | メールを書いてください。
b: 文案です。\\n佐藤様\\nお疲れさまです。申し訳ありませんが、本日は体調不良のためお休みをいただきます。明日は出社する予定です。\\nよろしくお願いいたします。

q: Write a thank-you note. | Write a birthday card. | Write a letter to my friend. | Write a short letter.
a: Dear friend,\\nthank you for being there for me. I often think of the good times that we had. I wish you a wonderful year.\\nYours
j: お礼の手紙を書いて | 友達への手紙を書いてください。 | 誕生日カードの文を考えて
b: 親愛なる友へ\\nいつもそばにいてくれてありがとう。楽しかった日々をよく思い出します。すてきな一年になりますように。
""")
for _f in ADVICE:
    for _k in ("a", "b"):
        _f[_k] = [x.replace("\\n", "\n") for x in _f[_k]]


def advice(r: Random) -> Item:
    return from_table(r, ADVICE)


TOPICS = [(trip, 6), (recipe, 3), (things, 3), (advice, 3)]
